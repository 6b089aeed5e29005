"""OpenTelemetry GenAI conventions up to 1.36: `gen_ai.system`, old token names, one event or log per message."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.finish import finish_reason, finish_reasons
from runs.kinds import Strength
from runs.messages import message_of, messages_of
from runs.parts import parts_of
from runs.sheet import Sheet
from runs.solver import RawUsage
from runs.values import count_of, structured, text_of, texts_of
from runs.view import View
from spans.content import Message
from spans.fields import FieldClass
from spans.kinds import SpanKind
from spans.values import Value

MESSAGE_EVENTS: Mapping[str, str] = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}
CHOICE_EVENT = "gen_ai.choice"
_PROMPT_EVENT = "gen_ai.content.prompt"
_COMPLETION_EVENT = "gen_ai.content.completion"
FOLDED: Mapping[str, str] = {
    **dict.fromkeys(MESSAGE_EVENTS, "message"),
    CHOICE_EVENT: "choice",
    _PROMPT_EVENT: "content",
    _COMPLETION_EVENT: "content",
}


def _detect(view: View) -> bool:
    if view.is_log:
        return view.name in FOLDED
    attributes = view.attributes
    if "gen_ai.system" in attributes and "gen_ai.provider.name" not in attributes:
        return True
    if "gen_ai.usage.prompt_tokens" in attributes or "gen_ai.usage.completion_tokens" in attributes:
        return True
    return any(event.name in FOLDED for event in view.events[:8]) or any(log.name in FOLDED for log in view.logs)


def _facts(view: View, draft: Draft) -> None:
    attributes = view.attributes
    draft.put("provider", attributes.get("gen_ai.system"))
    draft.take(
        attributes,
        {
            "request_model": ("gen_ai.request.model",),
            "response_model": ("gen_ai.response.model",),
            "response_id": ("gen_ai.response.id",),
            "user_id": ("gen_ai.user", "llm.user"),
        },
    )
    draft.guess_value(view.text("gen_ai.operation.name"), Strength.OPERATION, "gen_ai.operation.name")
    draft.count(
        RawUsage(
            input=count_of(attributes.get("gen_ai.usage.input_tokens", attributes.get("gen_ai.usage.prompt_tokens"))),
            output=count_of(
                attributes.get("gen_ai.usage.output_tokens", attributes.get("gen_ai.usage.completion_tokens"))
            ),
            total=count_of(attributes.get("gen_ai.usage.total_tokens", attributes.get("llm.usage.total_tokens"))),
            cache_read=count_of(attributes.get("gen_ai.usage.cache_read_input_tokens")),
            cache_write=count_of(
                attributes.get(
                    "gen_ai.usage.cache_creation_input_tokens", attributes.get("gen_ai.usage.cache_write_input_tokens")
                )
            ),
            reasoning=count_of(
                attributes.get("gen_ai.usage.reasoning_tokens", attributes.get("llm.usage.reasoning_tokens"))
            ),
        )
    )
    if ("gen_ai.request.model" in attributes) and "gen_ai.system" in attributes and draft.usage is not None:
        draft.guess(SpanKind.MODEL, Strength.PRESENCE, "gen_ai.system, model and usage")
    if view.is_log:
        draft.fold = FOLDED.get(view.name, draft.fold)
        return
    reasons = [text_of(event.attributes.get("finish_reason")) for event in view.events if event.name == CHOICE_EVENT]
    draft.finish_reasons = draft.finish_reasons or finish_reasons(
        texts_of(attributes.get("gen_ai.response.finish_reasons")) or tuple(reasons)
    )


@dataclass(frozen=True, slots=True)
class _Said:
    """One event or log in a common shape."""

    name: str
    time_ns: int
    body: Mapping[str, Value]


def said(view: View) -> list[_Said]:
    """Message events of a span and the message logs folded onto it, in their original order."""
    found = [_Said(event.name, event.time_ns, event.attributes) for event in view.events if event.name in FOLDED]
    logs = (*view.logs, view) if view.is_log else view.logs
    found.extend(_Said(log.name, log.start_ns, _log_body(log)) for log in logs if log.name in FOLDED)
    return found


def _log_body(log: View) -> Mapping[str, Value]:
    body = structured(log.body)
    if isinstance(body, Mapping):
        return {**log.attributes, **body}
    return {**log.attributes, "content": body} if body is not None else log.attributes


def _content(view: View, sheet: Sheet) -> None:
    heard = said(view)
    if heard:
        read_events(heard, sheet, is_tool="gen_ai.tool.name" in view.attributes)


def read_events(heard: Iterable[_Said], sheet: Sheet, *, is_tool: bool) -> None:
    """Fold message events into a sheet; on a tool span they are its arguments and its result."""
    inputs: list[Message] = []
    outputs: list[Message] = []
    for one in _in_order(heard):
        if one.name in MESSAGE_EVENTS:
            message = _input_message(one)
            inputs.append(message)
            if is_tool and one.name == "gen_ai.tool.message":
                sheet.put("tool_arguments", structured(one.body.get("content")))
        elif one.name == CHOICE_EVENT:
            message = _choice(one)
            outputs.append(message)
            if is_tool:
                sheet.put("tool_result", _plain_result(one.body.get("message")))
        elif one.name == _PROMPT_EVENT:
            inputs.extend(messages_of(one.body.get("gen_ai.prompt"), "user"))
        elif one.name == _COMPLETION_EVENT:
            outputs.extend(messages_of(one.body.get("gen_ai.completion"), "assistant"))
    if not is_tool:
        sheet.put_input(inputs)
        sheet.put_output(outputs)


def _in_order(heard: Iterable[_Said]) -> Iterator[_Said]:
    """Original order: by an explicit index if there is one, else by time; equal times keep the order of arrival."""
    listed = list(heard)
    indexed = [count_of(one.body.get("CHAT_MESSAGE_INDEX")) for one in listed]
    order = sorted(
        range(len(listed)),
        key=lambda i: (
            listed[i].name == CHOICE_EVENT,
            listed[i].time_ns if indexed[i] is None else 0,
            indexed[i] or 0,
            i,
        ),
    )
    return (listed[i] for i in order)


def _input_message(one: _Said) -> Message:
    role = MESSAGE_EVENTS[one.name]
    raw = dict(one.body)
    raw.setdefault("role", role)
    content = structured(raw.get("content"))
    if isinstance(content, Mapping) and ("parts" in content or "role" in content):
        return message_of({"role": role, **content}, role)
    raw["content"] = content if isinstance(content, (str, Mapping)) or _is_blocks(content) else raw.get("content")
    if role == "tool" and "tool_call_id" not in raw and "id" in raw:
        raw["tool_call_id"] = raw["id"]
    return message_of(raw, role)


def _is_blocks(content: Value) -> bool:
    return isinstance(content, Sequence) and not isinstance(content, str)


def _choice(one: _Said) -> Message:
    message = structured(one.body.get("message"))
    reason = finish_reason(text_of(one.body.get("finish_reason")))
    if isinstance(message, Mapping):
        found = message_of({"role": "assistant", **message}, "assistant")
    elif message is not None:
        found = Message(role="assistant", parts=parts_of(message))
    else:
        body = {key: value for key, value in one.body.items() if key in {"content", "tool_calls", "role", "parts"}}
        content = structured(body.get("content"))
        if isinstance(content, Mapping) and "parts" in content:
            body = {"role": "assistant", "parts": content["parts"]}
        found = message_of({"role": "assistant", **body}, "assistant")
    index = count_of(one.body.get("index"))
    return structs.replace(found, finish_reason=found.finish_reason or reason, index=index)


def _plain_result(message: Value) -> Value:
    content = structured(message)
    if isinstance(content, Sequence) and not isinstance(content, str):
        texts = [block.get("text") for block in content if isinstance(block, Mapping)]
        if texts and all(isinstance(text, str) for text in texts):
            return "\n".join(str(text) for text in texts)
    return content


OTEL_LEGACY = Dialect(
    id="otel-legacy",
    title="OpenTelemetry GenAI (before 1.37)",
    detect=_detect,
    facts=_facts,
    content=_content,
    classes={
        FieldClass.CONTENT: (
            "gen_ai.prompt",
            "gen_ai.completion",
            "content",
            "tool_calls",
            "gen_ai.content.*",
        ),
        FieldClass.IDENTITY: ("llm.user",),
        FieldClass.IDENTIFIER: ("finish_reason", "index", "CHAT_MESSAGE_INDEX", "role", "id"),
    },
)
