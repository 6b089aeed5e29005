"""AWS Distro for OpenTelemetry: content of any instrumentation, moved off the span into one log record per span."""

from __future__ import annotations

from collections.abc import Mapping

from runs.dialects.base import Dialect
from runs.messages import messages_of
from runs.sheet import Sheet
from runs.values import as_map, structured
from runs.view import View
from spans.values import Value


def _detect(view: View) -> bool:
    """The record is named by the instrumentation's scope; its body holds `input` and `output`, each with messages."""
    if not view.is_log:
        return False
    body = as_map(view.body)
    return any(_holds_messages(body.get(side)) for side in ("input", "output")) or (
        view.name == view.scope != "" and bool(body.keys() & {"input", "output"})
    )


def _holds_messages(value: Value) -> bool:
    decoded = structured(value)
    return isinstance(decoded, Mapping) and "messages" in decoded


def _content(view: View, sheet: Sheet) -> None:
    body = as_map(view.body)
    given, made = structured(body.get("input")), structured(body.get("output"))
    if given:
        sheet.put_input(messages_of(given, "user"))
    if made:
        sheet.put_output(messages_of(made, "assistant"))


ADOT = Dialect(id="adot", title="AWS Distro for OpenTelemetry", detect=_detect, content=_content)
