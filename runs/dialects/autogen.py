"""AutoGen: agents and tools in the conventions, and a message bus whose spans carry what a team's agents say.

Messages on the bus repeat the token counts of the calls behind them. They are never counted: whoever wants tokens of
AutoGen instruments its model client, in traces that share nothing with the bus, and each call would count twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from runs.dialects.base import Dialect
from runs.draft import Draft
from runs.kinds import Strength
from runs.parts import call_part, part_of
from runs.sheet import Sheet
from runs.values import as_map, text_of
from runs.view import View
from spans.content import Message, Part
from spans.fields import FieldClass
from spans.kinds import SpanKind
from spans.values import Value

_BUS = (
    "autogen create",
    "autogen send",
    "autogen publish",
    "autogen receive",
    "autogen intercept",
    "autogen process",
    "autogen ack",
)
_TEAM = re.compile(r"_([0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12})\b")
"""A team's run gives its topics and agents one id behind their names."""


def _facts(view: View, draft: Draft) -> None:
    if not view.name.startswith(_BUS):
        return
    team = _TEAM.search(view.text("messaging.destination") or view.name)
    if team is not None:
        draft.put("session_id", team.group(1))
    said = as_map(as_map(view.attributes.get("message")).get("message"))
    draft.guess(SpanKind.OTHER, Strength.VENDOR, "AutoGen's message bus", "messaging")
    draft.put("agent_name", said.get("source") if said.get("source") != "user" else None)
    draft.noise = not said


def _content(view: View, sheet: Sheet) -> None:
    """An event of the team, the task it was given, or an agent's whole answer with its inner steps left out."""
    if not view.name.startswith(_BUS):
        return
    body = as_map(view.attributes.get("message"))
    said = as_map(body.get("message")) or as_map(as_map(body.get("response")).get("chat_message"))
    if said:
        sheet.put_output([_message(said)])
    task = body.get("messages")
    if isinstance(task, list):
        sheet.put_input([_message(one) for one in task if isinstance(one, Mapping)])


def _message(said: Mapping[str, Value]) -> Message:
    content, source = said.get("content"), text_of(said.get("source"))
    role = "user" if source == "user" else "assistant"
    if not isinstance(content, list):
        kind = "reasoning" if said.get("type") == "ThoughtEvent" else "text"
        return Message(role=role, parts=(Part(type=kind, content=content),), name=source)
    parts = [_part(one) for one in content if isinstance(one, Mapping)]
    return Message(
        role="tool" if parts and all(part.type == "tool_result" for part in parts) else role,
        parts=tuple(parts),
        name=source,
    )


def _part(raw: Mapping[str, Value]) -> Part:
    if "call_id" in raw:
        return Part(
            type="tool_result",
            id=text_of(raw.get("call_id")),
            name=text_of(raw.get("name")),
            content=raw.get("content"),
            is_error=raw.get("is_error") is True,
        )
    if "arguments" in raw:
        return call_part(raw)
    return part_of(raw)


AUTOGEN = Dialect(
    id="autogen",
    title="AutoGen",
    scopes=("autogen*",),
    detect=lambda view: view.text("gen_ai.system") == "autogen",
    facts=_facts,
    content=_content,
    covers=("otel", "otel-legacy"),
    classes={FieldClass.IDENTIFIER: ("messaging.*",)},
)
