from __future__ import annotations

import html
import json
import re

import pytest

from spans.ids import TraceId
from spans.roles import Role
from spans.span import Resource, Scope, Span
from tests.builders import NOW_NS, SECOND_NS, a_span_id, a_trace_id
from tests.web.house import House, clean, fill

BAR = 500_000
"""Bytes of HTML of any page."""
SCOPE = Scope("opentelemetry.instrumentation.genai.openai", "1.3b0")


def _said(role: str, *texts: str) -> str:
    return json.dumps([{"role": role, "parts": [{"type": "text", "content": text}]} for text in texts])


def _run(house: House, answers: list[str], asked: list[str] | None = None) -> TraceId:
    """One agent whose model answers so; its first call is asked so."""
    trace, step = a_trace_id(7), SECOND_NS
    common = {"scope": SCOPE, "resource": Resource({"service.name": "writer"})}
    agent = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "writer"}
    spans = [Span(trace, a_span_id(1), "invoke_agent writer", start_ns=NOW_NS, end_ns=NOW_NS + 9 * step, attributes=agent, **common)]  # fmt: skip
    for number, answer in enumerate(answers):
        chat = {
            "gen_ai.operation.name": "chat",
            "gen_ai.request.model": "gpt-4o-mini",
            "gen_ai.usage.input_tokens": 500,
            "gen_ai.usage.output_tokens": 20,
            "gen_ai.input.messages": _said("user", *(asked if asked and not number else [f"question {number}"])),
            "gen_ai.output.messages": _said("assistant", answer),
        }
        start = NOW_NS + number * step
        spans.append(
            Span(trace, a_span_id(number + 2), "chat gpt-4o-mini", parent_span_id=a_span_id(1), start_ns=start,
                 end_ns=start + step // 2, attributes=chat, **common)
        )  # fmt: skip
    return fill(house.store, clean(spans))[0]


def _text(number: int, characters: int) -> str:
    """A text that begins and ends with its number, full of what HTML writes longer."""
    return f"begin-{number} " + ('it\'s "so" & <so> ' * characters)[: characters - 20] + f" end-{number}."


def _parts(client, address: str, link: str) -> list[str]:
    """The pages from an address on, following a link to its end."""
    pages: list[str] = []
    while address:
        answer = client.get(address)
        assert answer.status_code == 200
        assert len(answer.content) <= BAR, address
        pages.append(answer.text)
        found = re.search(rf'href="([^"]+)">{link}</a>', answer.text)
        address = html.unescape(found[1]) if found else ""
        assert len(pages) < 200
    return pages


def _numbers(page: str, word: str) -> list[int]:
    return [int(n) for n in re.findall(rf"{word}-(\d+)\b", page[page.index('class="stack-8 conversation"') :])]


@pytest.mark.parametrize(("steps", "characters"), [(151, 4_000), (40, 20_000), (620, 3_000)])
def test_a_conversation_with_long_answers_comes_in_parts_that_lose_nothing(house: House, steps: int, characters: int):
    run = _run(house, [_text(n, characters) for n in range(steps)])
    client = house.client(Role.VIEWER)
    pages = _parts(client, f"/runs/{run}/conversation", "Later")
    assert len(pages) > 1
    for word in ("begin", "end"):
        assert [n for page in pages for n in _numbers(page, word)] == list(range(steps))
    last = html.unescape(re.findall(r'href="([^"]+)">Later</a>', pages[-2])[0])
    back = [_numbers(page, "begin") for page in _parts(client, last, "Earlier")]
    assert [n for numbers in reversed(back) for n in numbers] == list(range(steps))


def test_one_step_that_was_given_a_long_history_is_told_over_several_parts(house: House):
    run = _run(house, ["the answer"], [_text(n, 6_000) for n in range(200)])
    pages = _parts(house.client(Role.VIEWER), f"/runs/{run}/conversation", "Later")
    assert [n for page in pages for n in _numbers(page, "end")] == list(range(200))
    assert "the answer" in pages[-1]


def test_a_turn_that_alone_is_too_much_says_where_all_of_it_is(house: House):
    hostile = ["<PERSON_tapkmj7f>" * 2_500 + "'" * 40_000, "fine"]
    many = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": '"' * 39_000}] * 40}])
    run = _run(house, hostile)
    client = house.client(Role.VIEWER)
    assert "fine" in _parts(client, f"/runs/{run}/conversation", "Later")[-1]
    trace = a_trace_id(8)
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.output.messages": many}
    span = Span(trace, a_span_id(900), "chat m", start_ns=NOW_NS, end_ns=NOW_NS + 1, attributes=chat, scope=SCOPE)
    (large,) = fill(house.store, clean([span]))
    (page,) = _parts(client, f"/runs/{large}/conversation", "Later")
    assert f'<a href="/api/v1/runs/{large}/spans/{span.span_id}' in page


def test_the_part_that_tells_the_chosen_step_shows_at_once(house: House):
    run = _run(house, [_text(n, 4_000) for n in range(151)])
    client = house.client(Role.VIEWER)
    page = client.get(f"/runs/{run}/conversation?span={a_span_id(142)}").text
    assert f'hit" id="t-{a_span_id(142)}"' in page
    for odd in ("part=x", "turn=-1", "turn=99999", "before=0", "before=99999", "before=end&turn=3", "part=4&turn=7"):
        assert client.get(f"/runs/{run}/conversation?{odd}").status_code == 200
