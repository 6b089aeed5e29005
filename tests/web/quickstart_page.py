"""Writes docs/quick-starts.md from the quick starts that the Connect page shows."""

from __future__ import annotations

from pathlib import Path

from web.quickstarts import QUICKSTARTS, QuickStart

PAGE = Path(__file__).parents[2] / "docs" / "quick-starts.md"
HEAD = """# Quick starts

The lines to add for the frameworks people use most. The same programs stand on the Connect page, with the addresses of your installation.
`python -m tests.long.quickstarts [KEY…]` installs each one as printed, runs it against a fake model server, and checks that tracetape shows every
model call once, with tokens, messages, tools and a name.

Before any of them:

```sh
export OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318"
export OTEL_SERVICE_NAME="refund-agent"
```

Where senders need a key: `export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20<the key>"`.
LiteLLM's callback wants its own: `export OTEL_EXPORTER="otlp_http" OTEL_ENDPOINT="http://127.0.0.1:4318"`.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(_section(start) for start in QUICKSTARTS)])


def _section(start: QuickStart) -> str:
    ran = f"Last run with {start.ran}." if start.ran else "Not run yet by the script."
    return f"""## {start.label}

```sh
{start.install}
```

```python
{start.program.strip()}
```

Captured: {start.captured}

Off by default: {start.off}

{ran}
"""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
