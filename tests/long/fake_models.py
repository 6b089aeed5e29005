"""A fake model server for quick starts: answers like OpenAI (chat, responses, streams), Anthropic and Gemini, and asks for one tool."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "Order 7 was refunded on Monday."
SHELLS = frozenset({"run_shell_command", "shell", "shell_command", "exec_command"})
"""Tools of coding agents that run a command; of all that they offer these are asked for."""
SHELL = "echo order 7: refunded on Monday"
INPUT_TOKENS, OUTPUT_TOKENS = 42, 9


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer one call of a model."""
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        if "/count_tokens" in self.path:
            self._json({"input_tokens": INPUT_TOKENS}, counts=False)
        elif "/messages" in self.path and body.get("stream"):
            answer = _anthropic(body)
            self._note(answer)
            self._send("text/event-stream", b"".join(_anthropic_events(answer)))
        elif "/messages" in self.path:
            self._json(_anthropic(body))
        elif "/responses" in self.path and body.get("stream"):
            answer = _responses(body)
            self._note(answer)
            self._send("text/event-stream", b"".join(_responses_events(answer)))
        elif "/responses" in self.path:
            self._json(_responses(body))
        elif "streamGenerateContent" in self.path:
            self._note(told := _gemini(body))
            self._send("text/event-stream", b"data: " + json.dumps(told).encode() + b"\r\n\r\n")
        elif "generateContent" in self.path:
            self._json(_gemini(body))
        elif "messages" not in body:  # what a framework asks its maker on the way
            self._json({}, counts=False)
        elif body.get("stream"):
            self._events(list(_chunks(body)))
        else:
            self._json(_chat(body))

    def _note(self, answer: Any) -> None:
        """Remember that a call was answered, and which tool the answer asked for."""
        self.server.answered.append(next(_tools_in(answer), ""))  # type: ignore[attr-defined]

    def _json(self, answer: dict[str, Any], *, counts: bool = True) -> None:
        if counts:
            self._note(answer)
        self._send("application/json", json.dumps(answer).encode())

    def _events(self, chunks: list[dict[str, Any]]) -> None:
        self._note(chunks)
        raw = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
        self._send("text/event-stream", raw)

    def _send(self, kind: str, raw: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing."""


def _tools_in(answer: Any) -> Iterator[str]:
    """Names of the tools that an answer asks for, in any vendor's shape."""
    if isinstance(answer, dict):
        if "name" in answer and ("arguments" in answer or "input" in answer or "args" in answer):
            yield answer["name"]
        answer = list(answer.values())
    if isinstance(answer, list):
        for inner in answer:
            yield from _tools_in(inner)


def _arguments(schema: Any) -> dict[str, Any]:
    """Something that fits the properties of a tool."""
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    needed = (isinstance(schema, dict) and schema.get("required")) or properties
    return {
        name: SHELL
        if name in {"command", "cmd"}
        else 7
        if str(kind.get("type", "")).lower() in {"integer", "number"}
        else ANSWER
        if name == "answer"
        else "7"
        for name, kind in properties.items()
        if name in needed
    }


def _wanted(tools: list[dict[str, Any]], *, answered: bool) -> dict[str, Any] | None:
    """The tool to ask for: the first one, and after its result one that ends the run (smolagents' `final_answer`)."""
    flat = [tool.get("function", tool) for tool in tools]
    last = next((tool for tool in flat if tool.get("name") == "final_answer"), None)
    if answered:
        return last
    others = [tool for tool in flat if tool is not last]
    return next((tool for tool in others if tool.get("name") in SHELLS), others[0] if others else None)


def _chat_turn(body: dict[str, Any]) -> tuple[dict[str, Any], str]:
    answered = any(
        message.get("role") in {"tool", "tool-response"}
        or (message.get("role") != "system" and "Observation" in str(message.get("content")))
        for message in body["messages"]
    )
    tool = _wanted(body.get("tools") or [], answered=answered)
    if tool is None:
        return {"role": "assistant", "content": ANSWER}, "stop"
    call = {"name": tool["name"], "arguments": json.dumps(_arguments(tool.get("parameters")))}
    calls = [{"id": f"call_{len(body['messages'])}abcdef123", "type": "function", "function": call}]
    return {"role": "assistant", "content": None, "tool_calls": calls}, "tool_calls"


_USAGE = {
    "prompt_tokens": INPUT_TOKENS,
    "completion_tokens": OUTPUT_TOKENS,
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
}
_ids = iter(range(1, 1_000_000))


def _chat(body: dict[str, Any]) -> dict[str, Any]:
    message, reason = _chat_turn(body)
    return {
        "id": f"chatcmpl-quick{next(_ids):06d}",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": _USAGE,
    }


def _chunks(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    message, reason = _chat_turn(body)
    common = {
        "id": f"chatcmpl-quick{next(_ids):06d}",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": body["model"],
    }
    delta = dict(message)
    if "tool_calls" in delta:
        delta["tool_calls"] = [{"index": 0, **call} for call in delta["tool_calls"]]
    yield {**common, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**common, "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    yield {**common, "choices": [], "usage": _USAGE}


def _responses(body: dict[str, Any]) -> dict[str, Any]:
    given = body.get("input")
    answered = isinstance(given, list) and any(item.get("type") == "function_call_output" for item in given)
    tool = _wanted(body.get("tools") or [], answered=answered)
    number = next(_ids)
    if tool is None:
        item: dict[str, Any] = {
            "id": f"msg_quick{number:06d}",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": ANSWER, "annotations": []}],
        }
    else:
        arguments = json.dumps(_arguments(tool.get("parameters")))
        item = {
            "id": f"fc_quick{number:06d}",
            "type": "function_call",
            "call_id": f"call_quick{number:06d}",
            "name": tool["name"],
            "arguments": arguments,
            "status": "completed",
        }
    return {
        "id": f"resp_quick{number:06d}",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": body["model"],
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": INPUT_TOKENS,
            "output_tokens": OUTPUT_TOKENS,
            "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens_details": {"reasoning_tokens": 0},
        },
    }


def _anthropic(body: dict[str, Any]) -> dict[str, Any]:
    answered = "tool_result" in json.dumps(body["messages"])
    tool = _wanted(body.get("tools") or [], answered=answered)
    number = next(_ids)
    content = (
        {"type": "text", "text": ANSWER}
        if tool is None
        else {
            "type": "tool_use",
            "id": f"toolu_quick{number:06d}",
            "name": tool["name"],
            "input": _arguments(tool.get("input_schema")),
        }
    )
    return {
        "id": f"msg_quick{number:06d}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [content],
        "stop_reason": "end_turn" if tool is None else "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS},
    }


def _responses_events(answer: dict[str, Any]) -> Iterator[bytes]:
    """The same response as a stream of server-sent events: begun, each item whole, completed."""

    def event(kind: str, **fields: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()

    yield event("response.created", response={**answer, "status": "in_progress", "output": [], "usage": None})
    for index, item in enumerate(answer["output"]):
        yield event("response.output_item.added", output_index=index, item={**item, "status": "in_progress"})
        yield event("response.output_item.done", output_index=index, item=item)
    yield event("response.completed", response=answer)


def _anthropic_events(answer: dict[str, Any]) -> Iterator[bytes]:
    """The same message as a stream of server-sent events."""

    def event(kind: str, **fields: Any) -> bytes:
        return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()

    usage = {"input_tokens": INPUT_TOKENS, "output_tokens": 1}
    yield event("message_start", message={**answer, "content": [], "stop_reason": None, "usage": usage})
    for index, block in enumerate(answer["content"]):
        if block["type"] == "text":
            begun, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            begun = {**block, "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield event("content_block_start", index=index, content_block=begun)
        yield event("content_block_delta", index=index, delta=delta)
        yield event("content_block_stop", index=index)
    ended = {"stop_reason": answer["stop_reason"], "stop_sequence": None}
    yield event("message_delta", delta=ended, usage={"output_tokens": OUTPUT_TOKENS})
    yield event("message_stop")


def _gemini(body: dict[str, Any]) -> dict[str, Any]:
    answered = "functionResponse" in json.dumps(body["contents"])
    declared = [tool for group in body.get("tools") or [] for tool in group.get("functionDeclarations", [])]
    tool = _wanted(declared, answered=answered)
    part = (
        {"text": ANSWER}
        if tool is None
        else {
            "functionCall": {
                "name": tool["name"],
                "args": _arguments(tool.get("parametersJsonSchema") or tool.get("parameters")),
            }
        }
    )
    return {
        "candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}],
        "usageMetadata": {
            "promptTokenCount": INPUT_TOKENS,
            "candidatesTokenCount": OUTPUT_TOKENS,
            "totalTokenCount": INPUT_TOKENS + OUTPUT_TOKENS,
        },
        "modelVersion": "gemini-2.5-flash",
        "responseId": f"gemini-quick{next(_ids):06d}",
    }


@contextmanager
def fake_models(answered: list[str] | None = None) -> Iterator[str]:
    """The server's address, without a trailing slash; `answered` gets an entry for each call, the tool it asked for or nothing."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.answered = [] if answered is None else answered  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
