"""What an exception on a span means: an error, a control-flow signal of a framework, or an approval asked for."""

from __future__ import annotations

import re

from msgspec import Struct

from runs.values import text_of
from runs.view import View

MESSAGE_CHARS = 300

_APPROVALS = re.compile(r"^(?:GraphInterrupt|NodeInterrupt|Interrupt|ApprovalRequired)\b")
_FLOW = re.compile(
    r"^(?:GraphInterrupt|GraphBubbleUp|NodeInterrupt|ParentCommand|Command|Interrupt|ApprovalRequired|CallDeferred"
    r"|StopAsyncIteration)\b"
)
_CANCELLED = re.compile(r"^(?:CancelledError|GeneratorExit|AbortError)\b")
_FRAMEWORKS = ("langgraph.", "pydantic_ai.", "asyncio.", "concurrent.", "langchain.", "agents.", "strands.")


class Failure(Struct, frozen=True):
    """What went wrong on one span, as far as it says."""

    type: str = ""
    message: str = ""
    stack: str = ""
    has_exception: bool = False
    """An exception event is there, whatever the status says."""
    interrupted: bool = False
    """A framework's control flow or a cancellation, not an error."""
    asks_approval: bool = False


def failure_on(view: View) -> Failure:
    """Read status and exception events; of several exceptions the last that is not control flow counts."""
    chosen: tuple[str, str, str] | None = None
    interrupted = asks = False
    for event in view.events:
        if event.name != "exception":
            continue
        kind = text_of(event.attributes.get("exception.type"))
        message = text_of(event.attributes.get("exception.message"))
        if is_control_flow(kind, message):
            interrupted = True
            asks = asks or _asks(kind, message)
            continue
        chosen = (kind, message, text_of(event.attributes.get("exception.stacktrace")))
    if chosen is not None:
        kind, message, stack = chosen
        return Failure(kind, (message or view.status_message)[:MESSAGE_CHARS], stack, has_exception=True)
    status = view.status_message
    if interrupted or (view.is_error and is_control_flow("", status)):
        return Failure(interrupted=True, asks_approval=asks or _asks("", status))
    return Failure(message=status[:MESSAGE_CHARS])


def is_control_flow(kind: str, message: str) -> bool:
    """Whether a framework only steers with this exception.

    A qualified type must be the framework's own; a user's class of the same short name stays an error.
    """
    short = kind.rpartition(".")[2]
    if kind:
        if not (_FLOW.match(short) or _CANCELLED.match(short)):
            return False
        return short == kind or kind.startswith(_FRAMEWORKS)
    return bool(_FLOW.match(message) and "(" in message[:60])


def _asks(kind: str, message: str) -> bool:
    return bool(_APPROVALS.match(kind.rpartition(".")[2] or message))
