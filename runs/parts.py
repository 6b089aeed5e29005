"""Pieces of messages of every vendor, mapped to one kind of part (dialects reference, section 4.12)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from runs.values import is_withheld, structured, text_of
from spans.content import Part
from spans.values import BYTES_TAG, Value

Raw = Mapping[str, Any]

_TEXT = frozenset({"text", "input_text", "output_text", "summary_text", "textcontent", "text_delta"})
_REASONING = frozenset({"reasoning", "thinking", "redacted_thinking", "reasoning_content", "thought"})
_CALLS = frozenset(
    {
        "tool_call", "tool_use", "tool-call", "function_call", "function", "server_tool_call", "server_tool_use",
        "mcp_tool_use", "mcp_call", "custom_tool_call", "toolcall", "computer_call", "web_search_call",
        "file_search_call", "code_interpreter_call", "image_generation_call", "local_shell_call",
    }
)  # fmt: skip
_RESULTS = frozenset(
    {
        "tool_call_response", "tool_result", "tool-result", "function_call_output", "server_tool_call_response",
        "mcp_tool_result", "tool_call_result", "tool_response", "custom_tool_call_output", "tool-error",
        "computer_call_output", "local_shell_call_output", "tool_return",
    }
)  # fmt: skip
_MEDIA = frozenset(
    {
        "blob", "uri", "file", "image", "image_url", "input_image", "input_audio", "audio", "video", "document",
        "input_file", "media", "file_data", "inline_data",
    }
)  # fmt: skip
_REFUSALS = frozenset({"refusal"})
_APPROVAL_REQUESTS = frozenset(
    {"function_approval_request", "mcp_approval_request", "tool-approval-request", "tool_approval_request"}
)
_APPROVAL_RESPONSES = frozenset(
    {"function_approval_response", "mcp_approval_response", "tool-approval-response", "tool_approval_response"}
)
_SERVER = ("server_", "mcp_", "web_search", "file_search", "code_interpreter", "image_generation", "computer_")
_MODALITY = {"image": "image", "audio": "audio", "video": "video"}


def parts_of(value: Value) -> tuple[Part, ...]:
    """Parts of a message's content: text, a list of blocks, or one block. Unknown blocks are kept as `other`."""
    return tuple(_parts(value))


def _parts(value: Value) -> Iterator[Part]:
    if value is None or value == "":
        return
    if isinstance(value, str):
        yield from _text_parts(value)
    elif isinstance(value, dict):
        yield part_of(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            if isinstance(item, dict):
                yield part_of(item)
            elif item is not None and item != "":
                yield from _parts(item)
    else:
        yield Part(type="text", content=text_of(value))


def _text_parts(value: str) -> Iterator[Part]:
    """Text stays text, unless it is plainly a JSON list of content blocks."""
    if value.lstrip()[:2] in {"[{", "[ "} and '"' in value[:40]:
        decoded = structured(value)
        if isinstance(decoded, (list, tuple)) and _are_blocks(decoded):
            yield from _parts(decoded)
            return
    yield Part(type="text", content=value)


def _are_blocks(items: Sequence[Any]) -> bool:
    return bool(items) and all(isinstance(item, dict) and _block_name(item) for item in items)


def _block_name(raw: Raw) -> str:
    """The kind of a block: its `type`, or the one key that tells (Gemini, Bedrock, Haystack have no type)."""
    kind = raw.get("type") or raw.get("part_kind") or raw.get("kind")
    if isinstance(kind, str) and kind.lower() in _TYPES:
        return kind.lower()
    for key, name in _TELLING_KEYS.items():
        if key in raw:
            return name
    return ""


def part_of(raw: Raw) -> Part:
    """One content block of any vendor; a block nobody knows is kept whole as `other`."""
    name = _block_name(raw)
    if not name:
        kind = str(raw.get("type") or raw.get("part_kind") or "")
        if kind.endswith("_tool_result"):
            return _result(raw)
        return Part(type="other", name=kind, raw=dict(raw))
    return _TYPES[name](raw)


def call_part(raw: Raw) -> Part:
    """A tool call in any vendor's shape."""
    return _call(raw)


def _text(raw: Raw) -> Part:
    content = _first(raw, "text", "content", "value")
    if isinstance(content, dict):
        content = _first(content, "value", "text", "content")
    if raw.get("thought") is True:
        return Part(type="reasoning", content=content)
    return Part(type="text", content=content if content is not None else "")


def _reasoning(raw: Raw) -> Part:
    content = _first(raw, "content", "text", "thinking", "reasoning", "reasoningContent", "reasoningText", "summary")
    if isinstance(content, dict):
        content = _first(content, "reasoningText", "text", "content")
        if isinstance(content, dict):
            content = _first(content, "text", "content")
    if isinstance(content, (list, tuple)):
        content = "\n".join(str(piece.get("text", "")) for piece in content if isinstance(piece, dict))
    return Part(type="reasoning", content=content, id=text_of(raw.get("id")))


def _call(raw: Raw) -> Part:
    inner = raw.get("function") or raw.get("functionCall") or raw.get("function_call") or raw.get("toolUse")
    inner = inner or raw.get("tool_call") or raw.get("toolCall") or raw.get("server_tool_call") or raw.get("tool_use")
    body: Raw = inner if isinstance(inner, dict) else {}
    kind = str(raw.get("type") or "")
    name = text_of(_either(raw, body, "name", "toolName", "tool_name", "function.name")) or (
        kind if kind.endswith("_call") and kind not in {"tool_call", "function_call"} else ""
    )
    given = _either(body, raw, "arguments", "args", "input", "parameters", "action")
    arguments = structured(given)
    return Part(
        type="tool_call",
        id=text_of(_either(raw, body, "call_id", "tool_call_id", "toolCallId", "toolUseId", "tool_use_id", "id")),
        name=name,
        arguments=arguments,
        arguments_raw=given if isinstance(given, str) and isinstance(arguments, str) else "",
        server=kind.startswith(_SERVER),
    )


def _result(raw: Raw) -> Part:
    inner = raw.get("functionResponse") or raw.get("function_response") or raw.get("toolResult")
    inner = inner or raw.get("tool_call_result") or raw.get("tool_result") or raw.get("toolCallResult")
    body: Raw = inner if isinstance(inner, dict) else {}
    origin = body.get("origin")
    origin_map: Raw = origin if isinstance(origin, dict) else {}
    content = _either(body, raw, "response", "result", "output", "content", "error")
    if content is None and "server_tool_call_response" in raw:
        content = raw["server_tool_call_response"]
    if isinstance(content, dict) and set(content) <= {"type", "value"} and "value" in content:
        content = content["value"]
    failed = _either(raw, body, "is_error", "isError", "error")
    status = text_of(_either(body, raw, "status")).lower()
    kind = str(raw.get("type") or "")
    return Part(
        type="tool_result",
        id=text_of(
            _either(raw, body, "call_id", "tool_call_id", "toolCallId", "toolUseId", "tool_use_id", "id")
            or origin_map.get("id")
        ),
        name=text_of(_either(raw, body, "name", "toolName", "tool_name") or origin_map.get("tool_name")),
        content=_flattened(content),
        is_error=True
        if failed is True or status in {"error", "failed"} or kind == "tool-error"
        else (False if failed is False or status in {"success", "ok"} else None),
        server=kind.startswith(_SERVER),
    )


def _flattened(content: Value) -> Value:
    """A result given as a list of text blocks reads as its text."""
    if isinstance(content, (list, tuple)) and content:
        texts: list[str] = []
        for block in content:
            if not isinstance(block, dict) or set(block) - {"type", "text", "annotations", "cache_control"}:
                return content
            if not isinstance(block.get("text"), str):
                return content
            texts.append(str(block["text"]))
        return "\n".join(texts)
    return content


def _media(raw: Raw) -> Part:
    kind = str(raw.get("type") or "").lower()
    body: Raw = next(
        (
            raw[key]
            for key in ("image_url", "input_audio", "inlineData", "inline_data", "fileData", "file_data", "source",
                        "image", "file", "document", "audio", "video")
            if isinstance(raw.get(key), dict)
        ),
        {},
    )  # fmt: skip
    uri = _either(raw, body, "uri", "url", "file_uri", "fileUri")
    if uri is None and isinstance(raw.get("image_url"), str):
        uri = raw["image_url"]
    data = _either(raw, body, "content", "data", "file_data", "bytes", "image")
    mime = text_of(_either(raw, body, "mime_type", "mimeType", "mediaType", "media_type"))
    if isinstance(data, dict) and BYTES_TAG in data:
        data = data[BYTES_TAG]
    return Part(
        type="media",
        modality=_modality(text_of(raw.get("modality")), kind, mime),
        mime=mime,
        uri=text_of(uri),
        id=text_of(_either(raw, body, "file_id", "id")),
        content=data if isinstance(data, str) else None,
        name=text_of(_either(raw, body, "filename", "name")),
    )


def _modality(given: str, kind: str, mime: str) -> str:
    if given:
        return given
    for word, modality in _MODALITY.items():
        if word in kind or mime.startswith(word):
            return modality
    return "document"


def _refusal(raw: Raw) -> Part:
    return Part(type="refusal", content=_first(raw, "refusal", "content", "text"))


def _approval_request(raw: Raw) -> Part:
    call = raw.get("function_call") or raw.get("toolCall") or raw.get("tool_call")
    body: Raw = call if isinstance(call, dict) else {}
    return Part(
        type="approval_request",
        id=text_of(_either(raw, body, "toolCallId", "tool_call_id", "call_id") or body.get("id") or raw.get("id")),
        name=text_of(_either(raw, body, "name", "toolName")),
        arguments=structured(_either(raw, body, "arguments", "args", "input")),
        raw=dict(raw),
    )


def _approval_response(raw: Raw) -> Part:
    approved = raw.get("approved", raw.get("approve"))
    return Part(
        type="approval_response",
        id=text_of(_first(raw, "approval_id", "approvalId", "approval_request_id", "id")),
        content=text_of(raw.get("reason")),
        is_error=None if not isinstance(approved, bool) else not approved,
        raw=dict(raw),
    )


def _interrupt(raw: Raw) -> Part:
    body = raw.get("interruptResponse")
    inner: Raw = body if isinstance(body, dict) else raw
    return Part(
        type="approval_response",
        id=text_of(_first(inner, "interruptId", "id")),
        content=inner.get("response"),
        raw=dict(raw),
    )


def _compaction(raw: Raw) -> Part:
    return Part(type="compaction", id=text_of(raw.get("id")), content=raw.get("content"))


def _skip(raw: Raw) -> Part:
    return Part(type="other", name="cache_point", raw=dict(raw))


_TYPES: Mapping[str, Callable[[Raw], Part]] = {
    **dict.fromkeys(_TEXT, _text),
    **dict.fromkeys(_REASONING, _reasoning),
    **dict.fromkeys(_CALLS, _call),
    **dict.fromkeys(_RESULTS, _result),
    **dict.fromkeys(_MEDIA, _media),
    **dict.fromkeys(_REFUSALS, _refusal),
    **dict.fromkeys(_APPROVAL_REQUESTS, _approval_request),
    **dict.fromkeys(_APPROVAL_RESPONSES, _approval_response),
    "interrupt_response": _interrupt,
    "compaction": _compaction,
    "cache_point": _skip,
}
_TELLING_KEYS: Mapping[str, str] = {
    "functionCall": "function_call",
    "function_call": "function_call",
    "functionResponse": "tool_result",
    "function_response": "tool_result",
    "toolUse": "tool_use",
    "toolResult": "tool_result",
    "tool_call": "tool_call",
    "tool_call_result": "tool_call_result",
    "reasoningContent": "reasoning",
    "inlineData": "inline_data",
    "inline_data": "inline_data",
    "fileData": "file_data",
    "file_data": "file_data",
    "interruptResponse": "interrupt_response",
    "cachePoint": "cache_point",
    "image": "image",
    "document": "document",
    "text": "text",
}


def _first(raw: Raw, *keys: str) -> Any:
    for key in keys:  # plain loops: this is called for every block of every message
        found = raw.get(key)
        if found is not None:
            return found
    return None


def _either(one: Raw, other: Raw, *keys: str) -> Any:
    found = _first(one, *keys)
    return found if found is not None or not other else _first(other, *keys)


_READABLE = frozenset({"text", "refusal"})


def text_in(parts: Sequence[Part]) -> str:
    """The readable text of some parts, joined by line ends."""
    return "\n".join(str(part.content) for part in parts if part.type in _READABLE and isinstance(part.content, str))


def all_withheld(parts: Sequence[Part]) -> bool:
    """Whether every part is only a marker for withheld content."""
    return bool(parts) and all(is_withheld(part.content) for part in parts if part.type == "text")
