"""The outline of a run: its tree in columns, so that any part of 50,000 steps can be found without reading them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from spans.kinds import RunStatus, ToolOutcome, UsageRole, Verdict
from spans.run import Step


class Trouble(StrEnum):
    """What a reader looks for in a step, worst first; the words of a page build on it."""

    WAITING = "waiting"
    DENIED = "denied"
    ERROR = "error"
    RUNNING = "running"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Outline:
    """One entry per step in stored order; no text but names.

    `depths` rebuild the tree: a step's parent is the nearest earlier one that is less deep. `costs` are US dollars of
    calls counted where they stand, None elsewhere. `noise` marks a framework's plumbing, `counted` is False for a second
    report of a call. The counts below tell of all steps.
    """

    depths: Sequence[int] = ()
    kinds: Sequence[str] = ()
    names: Sequence[str] = ()
    """The tool, the model or the agent where the step is one, else the span's name."""
    starts_ns: Sequence[int] = ()
    durations_ns: Sequence[int] = ()
    troubles: Sequence[str] = ()
    """Members of `Trouble`."""
    costs: Sequence[float | None] = ()
    counted: Sequence[bool] = ()
    noise: Sequence[bool] = ()
    orphans: int = 0
    withheld: int = 0
    expired: int = 0
    decisions: int = 0

    def __len__(self) -> int:
        """How many steps the run has."""
        return len(self.depths)


def trouble_of(step: Step) -> Trouble:
    """The trouble of one step; `outline.sql` says the same in its own words, and the contract tests compare them."""
    if step.tool_outcome is ToolOutcome.APPROVAL_PENDING:
        return Trouble.WAITING
    if step.tool_outcome in {ToolOutcome.DENIED, ToolOutcome.NOT_EXECUTED}:
        return Trouble.DENIED
    if any(d.verdict is Verdict.DENY for d in step.decisions):
        return Trouble.DENIED
    if step.tool_outcome in {ToolOutcome.ERROR, ToolOutcome.TIMEOUT, ToolOutcome.INVALID_ARGUMENTS}:
        return Trouble.ERROR
    if step.status is RunStatus.ERROR:
        return Trouble.ERROR
    if step.status is RunStatus.RUNNING or "unfinished" in step.flags:
        return Trouble.RUNNING
    return Trouble.NONE


def name_of(step: Step) -> str:
    """What a reader calls a step."""
    own = {
        "tool": step.tool_name,
        "model": step.response_model or step.request_model,
        "agent": step.agent_name,
    }.get(step.kind.value, "")
    return own or step.name


def outline_of(steps: Sequence[Step]) -> Outline:
    """The outline of steps that are at hand."""
    own = [step.cost.usd if step.cost and step.usage_role is UsageRole.OWN else None for step in steps]
    return Outline(
        depths=[s.depth for s in steps],
        kinds=[s.kind.value for s in steps],
        names=[name_of(s) for s in steps],
        starts_ns=[s.start_ns for s in steps],
        durations_ns=[s.duration_ns for s in steps],
        troubles=[trouble_of(s).value for s in steps],
        costs=[None if usd is None else float(usd) for usd in own],
        counted=[s.counted and s.usage_role is not UsageRole.DUPLICATE for s in steps],
        noise=["noise" in s.flags for s in steps],
        orphans=sum("orphan" in s.flags for s in steps),
        withheld=sum("withheld" in s.flags or s.content_state == "withheld" for s in steps),
        expired=sum(s.content_state == "expired" for s in steps),
        decisions=sum(len(s.decisions) for s in steps),
    )


def outline_from(columns: Mapping[str, Sequence[Any]]) -> Outline:
    """The outline of the columns that `outline.sql` selects."""
    return Outline(
        depths=columns["depth"],
        kinds=columns["kind_name"],
        names=columns["title"],
        starts_ns=columns["start_ns"],
        durations_ns=columns["duration_ns"],
        troubles=columns["trouble"],
        costs=columns["own_cost"],
        counted=columns["is_counted"],
        noise=columns["is_noise"],
        orphans=sum(columns["is_orphan"]),
        withheld=sum(columns["is_withheld"]),
        expired=sum(columns["is_expired"]),
        decisions=sum(columns["decision_count"]),
    )
