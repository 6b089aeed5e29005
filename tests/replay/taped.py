"""Recordings for tests, written as a script of what was said and done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from replay.outline import outline
from replay.recording import recorded, recording_json
from spans.content import Message, Part, SpanContent, ToolDefinition
from spans.ids import RunId, SpanId
from spans.kinds import SpanKind
from spans.run import Step
from spans.values import Value
from tests.builders import NOW_NS, SECOND_NS, a_run, a_span_id, a_step, a_trace_id

Said = tuple[Step, SpanContent]


def text(role: str, words: str) -> Message:
    return Message(role, (Part("text", words),))


def asks(*calls: tuple[str, str, Value]) -> Message:
    """An answer that asks for tools: (call id, name, arguments) each."""
    return Message("assistant", tuple(Part("tool_call", id=i, name=n, arguments=a) for i, n, a in calls))


def result(call_id: str, value: Value) -> Message:
    return Message("tool", (Part("tool_result", id=call_id, content=value),))


class Tape:
    """Builds a run step by step; ids and times differ per tape, so that nothing is equal by accident."""

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.said: list[Said] = []
        self.agents: dict[str, SpanId] = {}

    def _step(self, kind: SpanKind, content: SpanContent, agent: str, **changes: Any) -> None:
        ordinal = len(self.said)
        plain = {"usage": None, "cost": None} if kind is not SpanKind.MODEL else {}
        step = a_step(
            run_id=RunId(a_trace_id(self.number)),
            trace_id=a_trace_id(self.number),
            span_id=a_span_id(self.number * 100_000 + ordinal + 1),
            parent_span_id=self.agents.get(agent),
            ordinal=ordinal,
            kind=kind,
            start_ns=NOW_NS + self.number * 7 * SECOND_NS + ordinal * SECOND_NS,
            **(plain | changes),
        )
        self.said.append((step, content))

    def agent(self, name: str) -> Tape:
        self._step(SpanKind.AGENT, SpanContent(), "", agent_name=name, has_input=False)
        self.agents[name] = self.said[-1][0].span_id
        return self

    def model(
        self,
        messages: Sequence[Message],
        answer: Message,
        *,
        agent: str = "",
        system: str = "You are careful.",
        tools: Sequence[str] = (),
        params: Mapping[str, Value] | None = None,
        **changes: Any,
    ) -> Tape:
        content = SpanContent(
            system=(Part("text", system),) if system else (),
            input_messages=tuple(messages),
            output_messages=(answer,),
            tool_definitions=tuple(ToolDefinition(name, f"does {name}") for name in tools),
            params=params or {},
        )
        self._step(SpanKind.MODEL, content, agent, **changes)
        return self

    def tool(
        self, name: str, arguments: Value, answer: Value, *, call: str = "", agent: str = "", **changes: Any
    ) -> Tape:
        content = SpanContent(tool_arguments=arguments, tool_result=answer)
        self._step(SpanKind.TOOL, content, agent, tool_name=name, tool_call_id=call, **changes)
        return self

    def json(self) -> dict[str, Any]:
        steps = [step for step, _ in self.said]
        run = a_run(run_id=RunId(a_trace_id(self.number)), started_ns=NOW_NS + self.number * 7 * SECOND_NS)
        return recording_json(recorded(run, outline(steps, {}), {s.span_id: c for s, c in self.said}))


def refund(
    number: int = 1,
    *,
    amount: float = 499.0,
    question: str = "I want my money back",
    system: str = "You are careful. Today is 2026-11-20.",
    steps: int = 3,
    call: str = "call_a",
    model: str = "gpt-4o",
    found: str = "paid",
    last: str = "Done.",
    tools: Sequence[str] = ("lookup", "refund"),
    temperature: float = 0.0,
) -> Tape:
    """A refund agent: some look-ups, a refund, a last word."""
    tape = Tape(number).agent("refunds")
    history = [text("user", question)]
    shared: dict[str, Any] = {
        "agent": "refunds",
        "system": system,
        "tools": tools,
        "params": {"temperature": temperature},
        "request_model": model,
    }
    for index in range(steps):
        arguments = {"order": f"A-{index}"}
        answer = asks((f"{call}{index}", "lookup", arguments))
        tape.model(list(history), answer, **shared)
        tape.tool("lookup", arguments, {"state": found, "n": index}, call=f"{call}{index}", agent="refunds")
        history += [answer, result(f"{call}{index}", {"state": found, "n": index})]
    answer = asks((f"{call}z", "refund", {"order": "A-0", "amount": amount}))
    tape.model(list(history), answer, **shared)
    tape.tool("refund", {"order": "A-0", "amount": amount}, {"ok": True}, call=f"{call}z", agent="refunds")
    history += [answer, result(f"{call}z", {"ok": True})]
    return tape.model(history, text("assistant", last), **shared)
