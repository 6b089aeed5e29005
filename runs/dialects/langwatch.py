"""LangWatch: typed inputs and outputs, numbers in JSON, and ids in the metadata of the outermost span."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.messages import each_message
from runs.money import usd_of
from runs.rawusage import usage_in
from runs.sheet import Sheet, documents_of, tool_definitions
from runs.values import as_list, as_map, texts_of
from runs.view import View
from spans.fields import FieldClass
from spans.usage import ReportedCost
from spans.values import Value

_TYPES = frozenset({"text", "raw", "json", "list", "chat_messages", "guardrail_result", "evaluation_result"})


def _facts(view: View, draft: Draft) -> None:
    kind = view.text("langwatch.span.type")
    draft.guess_value(kind, Strength.VENDOR, "langwatch.span.type")
    draft.put("session_id", view.attributes.get("langwatch.thread.id"))
    draft.put("user_id", view.attributes.get("langwatch.user.id"))
    metadata = as_map(view.structured("metadata"))
    draft.put("session_id", metadata.get("thread_id"))
    draft.put("user_id", metadata.get("user_id"))
    draft.tag(*texts_of(metadata.get("labels")))
    if kind in {"tool", "agent"}:
        draft.put(f"{kind}_name", view.name)
    metrics = as_map(view.structured("langwatch.metrics"))
    draft.count(usage_in(metrics))
    usd = usd_of(metrics.get("cost"))
    if usd is not None and draft.cost is None:
        draft.cost = ReportedCost(usd, "langwatch.metrics.cost")


def _content(view: View, sheet: Sheet) -> None:
    if "langwatch.rag.contexts" in view.attributes:
        sheet.put_documents("documents", documents_of(view.structured("langwatch.rag.contexts")))
    given, made = view.structured("langwatch.input"), view.structured("langwatch.output")
    if view.text("langwatch.span.type") == "tool":
        sheet.put("tool_arguments", _unwrapped(given))
        sheet.put("tool_result", _unwrapped(made))
    if as_map(given).get("type") == "chat_messages":
        sheet.put_input(each_message(_unwrapped(given), "user"))
    if as_map(made).get("type") == "chat_messages":
        sheet.put_output(each_message(_unwrapped(made), "assistant"))
    params = as_map(view.structured("langwatch.params"))
    sheet.put_tools(tool_definitions(params.get("tools") or []))
    sheet.put("input", _unwrapped(given))
    sheet.put("output", _unwrapped(made))


def _unwrapped(value: Value) -> Value:
    """What stands in `{"type": …, "value": …}`; anything else as it is."""
    typed = as_map(value)
    if typed.keys() != {"type", "value"} or typed["type"] not in _TYPES:
        return value
    inner: Value = typed["value"]
    return [_unwrapped(one) for one in as_list(inner)] if typed["type"] == "list" else inner


LANGWATCH = Dialect(
    id="langwatch",
    title="LangWatch",
    families=frozenset({"langwatch"}),
    facts=_facts,
    content=_content,
    classes={
        FieldClass.CONTENT: ("langwatch.rag.contexts", "langwatch.input", "langwatch.output", "langwatch.params"),
        FieldClass.IDENTITY: ("langwatch.user.id",),
        FieldClass.IDENTIFIER: ("langwatch.*",),
    },
)
