"""Messages of every vendor and framework, read leniently: one bad message never drops the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import structs

from runs.finish import finish_reason
from runs.parts import call_part, part_of, parts_of
from runs.values import structured, text_of
from spans.content import Message, Part
from spans.values import Attributes, Value

Raw = Mapping[str, Any]

_ROLES = {
    "human": "user",
    "ai": "assistant",
    "model": "assistant",
    "function": "tool",
    "humanmessage": "user",
    "aimessage": "assistant",
    "aimessagechunk": "assistant",
    "systemmessage": "system",
    "toolmessage": "tool",
    "functionmessage": "tool",
    "chatmessage": "user",
    "humanmessagechunk": "user",
    "toolmessagechunk": "tool",
    "usermessage": "user",
    "assistantmessage": "assistant",
    "functionexecutionresultmessage": "tool",
    "tool-call": "assistant",
    "tool-response": "tool",
    "messagerole.user": "user",
    "messagerole.assistant": "assistant",
    "messagerole.system": "system",
    "messagerole.tool": "tool",
    "messagerole.tool_call": "assistant",
    "messagerole.tool_response": "tool",
    "chatrole.user": "user",
    "chatrole.assistant": "assistant",
    "chatrole.system": "system",
    "chatrole.tool": "tool",
}
_KNOWN_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_LANGCHAIN_TYPES = frozenset({"human", "ai", "system", "tool", "function", "chat", "AIMessageChunk", "remove"})
_ITEM_ROLES = {
    "function_call": "assistant",
    "function_call_output": "tool",
    "reasoning": "assistant",
    "mcp_call": "assistant",
    "mcp_approval_request": "assistant",
    "mcp_approval_response": "user",
    "web_search_call": "assistant",
    "file_search_call": "assistant",
    "computer_call": "assistant",
    "computer_call_output": "tool",
    "code_interpreter_call": "assistant",
    "image_generation_call": "assistant",
    "custom_tool_call": "assistant",
    "custom_tool_call_output": "tool",
    "local_shell_call": "assistant",
    "local_shell_call_output": "tool",
}
_WRAPPERS = (
    "messages", "contents", "choices", "generations", "candidates", "replies", "input", "output", "prompt", "message",
    "messages_chunk", "inputs", "outputs", "response", "all_messages",
)  # fmt: skip


def role_of(raw: Value) -> str:
    """One of system, developer, user, assistant, tool, other; empty when nothing is said."""
    text = text_of(raw).lower()
    if not text:
        return ""
    if text in _KNOWN_ROLES:
        return text
    return _ROLES.get(text, "other")


def messages_of(value: Value, role: str = "user") -> tuple[Message, ...]:
    """Every message in a value of any known shape.

    Args:
        value: A list, a map, JSON text or plain text; plain text is one message.
        role: The role of content that names none.
    """
    return tuple(each_message(value, role))


def each_message(value: Value, role: str = "user") -> Iterator[Message]:
    """As `messages_of`, one by one: nothing is parsed or mapped unless somebody asks for the first."""
    yield from _messages(structured(value), role, 0)


def _messages(value: Any, role: str, depth: int) -> Iterator[Message]:
    if depth > 6 or value is None or value == "":
        return
    if isinstance(value, str):
        yield Message(role=role, parts=parts_of(value))
    elif isinstance(value, dict):
        yield from _from_map(value, role, depth)
    elif isinstance(value, (list, tuple)):
        yield from _from_list(value, role, depth)
    else:
        yield Message(role=role, parts=(Part(type="text", content=text_of(value)),))


def _from_list(items: Sequence[Any], role: str, depth: int) -> Iterator[Message]:
    if len(items) == 2 and all(isinstance(item, str) for item in items) and role_of(items[0]) in _KNOWN_ROLES:
        yield Message(role=role_of(items[0]), parts=parts_of(items[1]))
        return
    if items and all(isinstance(item, dict) and _is_bare_block(item) for item in items):
        yield Message(role=role, parts=parts_of(items))
        return
    for item in items:
        inner = structured(item) if isinstance(item, str) and item.lstrip()[:1] in {"{", "["} else item
        yield from _messages(inner, role, depth + 1)


def _is_bare_block(raw: Raw) -> bool:
    """A content block that stands where a message should (`[{"type": "text", "text": …}]`)."""
    if "role" in raw or _type_of(raw) in _ITEM_ROLES or "kwargs" in raw or "data" in raw:
        return False
    if isinstance(raw.get("message"), dict):
        return False  # a generation of LangChain: its text stands beside the message that holds the calls
    return part_of(raw).type != "other" and not any(key in raw for key in ("parts", "messages", "generations"))


def _from_map(raw: Raw, role: str, depth: int) -> Iterator[Message]:
    unwrapped = _langchain(raw)
    if unwrapped is not None:
        yield unwrapped
        return
    if _is_message(raw):
        yield message_of(raw, role)
        return
    message = raw.get("message")
    if isinstance(message, (dict, str)) and message:
        finish = text_of(raw.get("finish_reason") or _info(raw).get("finish_reason"))
        for found in _messages(structured(message), role if role != "user" else "assistant", depth + 1):
            yield structs.replace(found, finish_reason=found.finish_reason or finish_reason(finish))
        return
    content = raw.get("content")
    if isinstance(content, dict) and "parts" in content:
        finish = text_of(raw.get("finish_reason") or raw.get("finishReason"))
        for found in _messages(content, role, depth + 1):
            yield structs.replace(found, finish_reason=finish_reason(finish))
        return
    yield from _from_wrapper(raw, role, depth)


def _from_wrapper(raw: Raw, role: str, depth: int) -> Iterator[Message]:
    system = raw.get("system") if ("messages" in raw or "prompt" in raw) else None
    if system:
        yield Message(role="system", parts=parts_of(structured(system)))
    if isinstance(raw.get("instructions"), str) and ("input" in raw):
        yield Message(role="system", parts=parts_of(raw["instructions"]))
    for key in _WRAPPERS:
        inner = raw.get(key)
        if inner is not None and inner not in ("", []):
            speaker = "assistant" if key in {"choices", "generations", "candidates", "replies", "output"} else role
            yield from _messages(structured(inner), speaker, depth + 1)
            return
    text = raw.get("text")
    if isinstance(text, str) and text:
        yield Message(role=role, parts=parts_of(text))
        return
    kind = part_of(raw)
    if kind.type != "other":
        yield Message(role=role, parts=(kind,))


def _is_message(raw: Raw) -> bool:
    if _type_of(raw) in _ITEM_ROLES:
        return True
    role = raw.get("role")
    if role is None:
        return "role" in raw and not _BODIES.isdisjoint(raw)
    return not _BODIES.isdisjoint(raw) or role_of(role) in _KNOWN_ROLES


_BODIES = frozenset({"content", "parts", "tool_calls", "function_call", "text", "tool_call_id", "contents"})


def message_of(raw: Raw, role: str = "user") -> Message:
    """One message map of any vendor."""
    kind = _type_of(raw)
    if kind in _ITEM_ROLES and "role" not in raw:
        return Message(role=_ITEM_ROLES[kind], parts=(part_of(raw),))
    said = role_of(raw.get("role")) or role
    name = text_of(raw.get("name"))
    parts = _with_tool_id(list(_content_parts(raw)), raw, said, name)
    parts.extend(_called(raw, parts))
    if said == "user" and parts and all(part.type == "tool_result" for part in parts):
        said = "tool"
    return Message(
        role=said,
        parts=tuple(parts),
        name=name,
        finish_reason=finish_reason(text_of(raw.get("finish_reason") or raw.get("stop_reason"))),
        index=raw.get("index") if isinstance(raw.get("index"), int) else None,
    )


def _content_parts(raw: Raw) -> Iterator[Part]:
    for key in ("reasoning_content", "reasoning", "thinking"):
        if isinstance(raw.get(key), str) and raw[key]:
            yield Part(type="reasoning", content=raw[key])
            break
    body = raw.get("parts")
    if body is None:
        body = raw.get("contents")
    if body is None:
        body = raw.get("content")
    if isinstance(body, str) and raw.get("parts") is not None:
        body = structured(body)
    yield from parts_of(body)
    if body is None and isinstance(raw.get("text"), str):
        yield from parts_of(raw["text"])
    if isinstance(raw.get("refusal"), str) and raw["refusal"]:
        yield Part(type="refusal", content=raw["refusal"])


def _with_tool_id(parts: list[Part], raw: Raw, role: str, name: str) -> list[Part]:
    """The content of a tool-role message is the result of the call it names."""
    call_id = text_of(raw.get("tool_call_id") or raw.get("toolCallId") or (raw.get("id") if role == "tool" else ""))
    if role != "tool" or any(part.type in {"tool_result", "approval_response"} for part in parts):
        return parts
    if not call_id and not parts:
        return parts
    content: Value = parts[0].content if len(parts) == 1 and parts[0].type == "text" else None
    if content is None:
        content = raw.get("content") if raw.get("content") is not None else raw.get("parts")
    status = text_of(raw.get("status")).lower()
    return [
        Part(
            type="tool_result",
            id=call_id,
            name=name,
            content=content,
            is_error=True if status == "error" or raw.get("is_error") is True else None,
        )
    ]


def _called(raw: Raw, parts: Sequence[Part]) -> Iterator[Part]:
    """Tool calls beside the content, those already inside it left out."""
    calls, invalid = raw.get("tool_calls") or raw.get("toolCalls"), raw.get("invalid_tool_calls")
    if calls or invalid:
        known = {part.id for part in parts if part.type == "tool_call" and part.id}
        calls = structured(calls)
        listed = [calls] if isinstance(calls, dict) else _items(calls)
        for call in (*listed, *_items(invalid)):
            inner = structured(call)
            if isinstance(inner, dict):
                part = call_part(inner)
                if not part.id or part.id not in known:
                    yield part
    single = raw.get("function_call")
    if isinstance(single, dict) and single:
        yield call_part(single)


def _items(value: Any) -> Sequence[Any]:
    return value if isinstance(value, (list, tuple)) else ()


def _type_of(raw: Raw) -> str:
    kind = raw.get("type")
    return kind if isinstance(kind, str) else ""


def _langchain(raw: Raw) -> Message | None:
    """LangChain's serialised messages: `{lc, id, kwargs}`, `{type: human, data}` or `{type: human, content}`."""
    found = _langchain_parts(raw)
    return None if found is None else _langchain_body(*found)


def _langchain_parts(raw: Raw) -> tuple[Raw, str] | None:
    """Body and type of a serialised message; None if it is none."""
    kwargs = raw.get("kwargs")
    if isinstance(kwargs, dict):
        path = raw.get("id")
        kind = path[-1] if isinstance(path, (list, tuple)) and path else ""
        return kwargs, str(kind)
    kind = _type_of(raw)
    if kind not in _LANGCHAIN_TYPES or "role" in raw:
        return None
    data = raw.get("data")
    if isinstance(data, dict):
        return data, kind
    return (raw, kind) if "content" in raw else None


def _langchain_body(body: Raw, kind: str) -> Message:
    extra = body.get("additional_kwargs")
    calls = body.get("tool_calls") or (extra.get("tool_calls") if isinstance(extra, dict) else None)
    role = role_of(kind) if role_of(kind) in _KNOWN_ROLES else role_of(body.get("type")) or "other"
    message = message_of({**body, "role": role, "tool_calls": calls, "type": None}, role)
    metadata = body.get("response_metadata")
    reason = metadata.get("finish_reason") or metadata.get("stop_reason") if isinstance(metadata, dict) else ""
    return structs.replace(message, finish_reason=message.finish_reason or finish_reason(text_of(reason)))


def _info(raw: Raw) -> Raw:
    info = raw.get("generation_info")
    return info if isinstance(info, dict) else {}


def has_messages(value: Value) -> bool:
    """Whether a generic value holds a transcript: a message map, a list of them, or a request or response around one."""
    decoded = structured(value)
    if isinstance(decoded, dict):
        if _is_message(decoded) or _langchain_parts(decoded) is not None:
            return True
        return any(_holds_messages(decoded.get(key)) for key in _WRAPPERS)
    return _holds_messages(decoded)


def _holds_messages(value: Any, depth: int = 0) -> bool:
    value = structured(value)
    if depth > 4:
        return False
    if isinstance(value, dict):
        if _is_message(value) or _langchain_parts(value) is not None:
            return True
        message = value.get("message")
        return isinstance(message, dict) or any(
            _holds_messages(value.get(key), depth + 1)
            for key in ("messages", "generations", "choices", "content")
            if isinstance(value.get(key), (dict, list))
        )
    if isinstance(value, (list, tuple)) and value:
        head = value[0]
        if isinstance(head, str):
            return len(value) == 2 and role_of(head) in _KNOWN_ROLES
        return _holds_messages(head, depth + 1)
    return False


def numbered_messages(groups: Sequence[tuple[int, Attributes]]) -> tuple[Message, ...]:
    """Messages rebuilt from flattened keys; each keeps the emitter's own index."""
    found = []
    for index, raw in groups:
        message = message_of(raw, "user")
        found.append(structs.replace(message, index=index))
    return tuple(found)
