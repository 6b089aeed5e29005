"""Tool calls inside messages: what a model asked for, what it was newly given, and what a dispatcher hides inside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from runs.decisions import failure_of
from runs.values import evaluated, structured
from spans.canonical import content_digest
from spans.content import Message, Part, ToolDefinition
from spans.facts import AnsweredCall, AskedCall
from spans.kinds import Evidence, ToolOutcome
from spans.values import Value

_MAX_CALLS = 128
_NO_RESULTS = ("Final result processed.",)
"""What frameworks answer to a "tool" that is only the form of the final output (Pydantic AI)."""
_LITERAL_CHARS = 20_000
_NAME_KEYS = ("name", "tool", "tool_name", "toolName", "function", "function_name", "fn", "action")
_ARGUMENT_KEYS = ("arguments", "args", "raw", "input", "parameters", "params", "kwargs", "tool_input", "action_input")


def asked_calls(outputs: Sequence[Message], tools: Sequence[ToolDefinition] = ()) -> tuple[AskedCall, ...]:
    """Tool calls that an answer asks the application for; what the provider runs itself is left out."""
    if not outputs:
        return ()
    schemas = {tool.name: tool.parameters for tool in tools}
    found: dict[tuple[str, str, str], AskedCall] = {}
    for message in outputs:
        for part in message.parts:
            if part.type == "tool_call" and part.name and not part.server:
                call = AskedCall(part.id, part.name, hash_of(arguments_of(part)), _fits(part, schemas.get(part.name)))
                found.setdefault((call.call_id, call.name, call.arguments_hash if not call.call_id else ""), call)
    return tuple(found.values())[:_MAX_CALLS]


_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
}


def _fits(call: Part, schema: Value) -> bool | None:
    """Required properties and their plain types; anything finer is the tool's own business."""
    if call.arguments_raw and not isinstance(call.arguments, dict):
        return False
    if not isinstance(schema, dict) or not isinstance(call.arguments, dict):
        return None
    required, properties = schema.get("required"), schema.get("properties")
    if isinstance(required, (list, tuple)) and any(
        isinstance(key, str) and key not in call.arguments for key in required
    ):
        return False
    for key, declared in properties.items() if isinstance(properties, dict) else ():
        kinds = _TYPES.get(str(declared.get("type"))) if isinstance(declared, dict) else None
        value = call.arguments.get(key)
        if kinds and value is not None and not isinstance(value, kinds):
            return False
    return True


def answered_calls(
    inputs: Sequence[Message], tools: Sequence[ToolDefinition] = (), *, everything: bool = False
) -> tuple[AnsweredCall, ...]:
    """Tool results that end the input: those that this call of the model sees first.

    Results further up are history, which the call before has already been given; `everything` takes them too.
    """
    if not inputs:
        return ()
    results = list(_all_results(inputs) if everything else _trailing_results(inputs))
    if not results:
        return ()
    asked = {part.id: part for message in inputs for part in message.parts if part.type == "tool_call" and part.id}
    unnamed = [part for message in inputs for part in message.parts if part.type == "tool_call" and not part.id]
    schemas = {tool.name: tool.parameters for tool in tools}
    return tuple(_answered(part, asked.get(part.id), unnamed, schemas) for part in results[:_MAX_CALLS])


def _all_results(inputs: Sequence[Message]) -> Iterator[Part]:
    for message in inputs:
        yield from (part for part in message.parts if part.type == "tool_result" and not part.server)


def _trailing_results(inputs: Sequence[Message]) -> Iterator[Part]:
    tail: list[Part] = []
    for message in reversed(inputs):
        results = [part for part in message.parts if part.type == "tool_result" and not part.server]
        if results and all(part.content in _NO_RESULTS for part in results):
            break
        if not results:
            if message.role in {"system", "developer"} and not tail:
                continue
            break
        tail[:0] = results
    yield from tail


def _answered(result: Part, call: Part | None, unnamed: Sequence[Part], schemas: Mapping[str, Value]) -> AnsweredCall:
    if call is None and not result.id:
        call = next((part for part in reversed(unnamed) if not result.name or part.name == result.name), None)
    text = plain_text(result.content)
    outcome, evidence = failure_of("", text, failed=result.is_error is True)
    if outcome is ToolOutcome.ERROR and call is not None and _fits(call, schemas.get(call.name)) is False:
        outcome, evidence = ToolOutcome.INVALID_ARGUMENTS, Evidence.DERIVED
    return AnsweredCall(
        call_id=result.id,
        name=(call.name if call else "") or result.name,
        arguments_hash=hash_of(arguments_of(call)) if call else "",
        outcome=outcome or (ToolOutcome.EMPTY if result.content in (None, "", [], {}) else None),
        evidence=evidence,
        result_empty=result.content in (None, "", [], {}),
        error_message=text[:300] if outcome is not None else "",
    )


def plain_text(value: Value) -> str:
    """A tool result as text: itself, or the texts inside its blocks, or its error."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        if value.get("type") == "execution-denied" or value.get("denied") is True:
            return f"execution-denied: {value.get('reason') or ''}"
        failed = value.get("error") is True or value.get("is_error") is True or value.get("isError") is True
        for key in ("error", "text", "content", "message", "result", "output"):
            inner = value.get(key)
            if isinstance(inner, str) and inner:
                return f"error: {inner}" if key == "error" or failed else inner
        return ""
    if isinstance(value, (list, tuple)):
        return "\n".join(plain_text(item) for item in value[:8])
    return ""


def arguments_of(part: Part) -> Value:
    """Arguments as the model wrote them, parsed where possible."""
    return part.arguments if part.arguments is not None else part.arguments_raw


def hash_of(arguments: Value) -> str:
    """Hash of a call's arguments over their canonical JSON, after redaction; no arguments equal an empty map."""
    value = literal(structured(arguments))
    if value in (None, ""):
        value = {}
    return content_digest(value)


def literal(value: Value) -> Value:
    """A Python literal of a map (`{'query': 'x'}`), as some instrumentations print arguments; else the value itself."""
    if not isinstance(value, str) or len(value) > _LITERAL_CHARS or "\\" in value:
        return value
    text = value.strip()
    if not (text.startswith("{'") and text.endswith("}")):
        return value
    found = evaluated(text)
    return found if isinstance(found, dict) and all(isinstance(key, str) for key in found) else value


def inner_call(arguments: Value) -> tuple[str, Value]:
    """(name, arguments) inside the arguments of a dispatcher such as `call_tool(name, arguments)`; else ("", None)."""
    value = literal(structured(arguments))
    if isinstance(value, dict) and isinstance(value.get("kwargs"), dict) and not value.get("args"):
        value = value["kwargs"]
    if not isinstance(value, dict) or len(value) > 6:
        return "", None
    for key in _NAME_KEYS:
        name = value.get(key)
        if isinstance(name, str) and 0 < len(name) <= 128 and " " not in name:
            inner = next((value[key] for key in _ARGUMENT_KEYS if key in value), None)
            return name, literal(structured(inner))
    return "", None
