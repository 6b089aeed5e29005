"""The tree and waterfall of a run, one window of rows at a time, as plain numbers for the template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from spans.kinds import RunStatus, SpanKind, ToolOutcome, UsageRole, Verdict
from spans.run import Step
from web.format import duration
from web.places import Place

WINDOW = 500
"""Rows drawn at once: about 300 kB of HTML. A run of 50,000 steps is read window by window."""
MAX_INDENT = 16
_TICKS = 5
_HATCH_FROM = 1.5
"""Percent of the axis below which hatching would only be noise."""
_NICE_NS = tuple(base * 10**power for power in range(3, 16) for base in (1, 2, 5))

KIND_NAMES: dict[SpanKind, str] = {
    SpanKind.AGENT: "agent",
    SpanKind.WORKFLOW: "agent",
    SpanKind.MODEL: "model",
    SpanKind.TOOL: "tool",
    SpanKind.RETRIEVAL: "retrieval",
    SpanKind.EMBEDDING: "retrieval",
    SpanKind.RERANKER: "retrieval",
    SpanKind.GUARDRAIL: "guardrail",
    SpanKind.EVALUATOR: "human",
    SpanKind.OTHER: "other",
}
"""The colour family of each kind."""

_STOPPED = frozenset({ToolOutcome.DENIED, ToolOutcome.NOT_EXECUTED})
_FAILED = frozenset({ToolOutcome.ERROR, ToolOutcome.TIMEOUT, ToolOutcome.INVALID_ARGUMENTS})


@dataclass(frozen=True, slots=True)
class TreeRow:
    """One step in the tree. `x` and `width` are percent of the time axis."""

    span_id: str
    href: str
    ordinal: int
    indent: int
    kind: str
    kind_word: str
    name: str
    detail: str
    glyph: str
    word: str
    duration_ns: int | None
    cost_usd: Decimal | None
    x: float
    width: float
    hatched: bool
    faint: bool
    selected: bool
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the time axis."""

    x: float
    words: str


@dataclass(frozen=True, slots=True)
class Jump:
    """A way straight to the step somebody looks for."""

    words: str
    href: str
    span_id: str


@dataclass(frozen=True, slots=True)
class Waterfall:
    """One window of the tree."""

    rows: tuple[TreeRow, ...]
    ticks: tuple[Tick, ...]
    total: int
    hidden_noise: int
    noise_href: str
    first: int
    last: int
    before_href: str
    after_href: str
    jumps: tuple[Jump, ...]


def build_waterfall(
    place: Place, path: str, steps: Sequence[Step], *, selected: str, start: int = 0, show_noise: bool = False
) -> Waterfall:
    """Draw the window that starts at row `start`, or the one that holds the selected step."""
    shown = [s for s in steps if show_noise or "noise" not in s.flags or s.span_id == selected]
    index = next((i for i, s in enumerate(shown) if s.span_id == selected), None)
    if index is not None and not start <= index < start + WINDOW:
        start = index // WINDOW * WINDOW
    start = max(0, min(start, max(0, len(shown) - 1)) // WINDOW * WINDOW)
    window = shown[start : start + WINDOW]
    begin = min((s.start_ns for s in steps), default=0)
    length = max((s.start_ns + s.duration_ns for s in steps), default=1) - begin or 1
    noise = "1" if show_noise else None

    def link(step: Step) -> str:
        return place.url(path, span=step.span_id, noise=noise)

    return Waterfall(
        rows=tuple(_row(s, link(s), begin, length, selected=s.span_id == selected) for s in window),
        ticks=axis(length),
        total=len(shown),
        hidden_noise=len(steps) - len(shown),
        noise_href=place.url(path, span=selected, noise=None if show_noise else 1),
        first=start + 1 if window else 0,
        last=start + len(window),
        before_href=place.url(path, **{"from": start - WINDOW, "noise": noise}) if start else "",
        after_href=place.url(path, **{"from": start + WINDOW, "noise": noise}) if start + WINDOW < len(shown) else "",
        jumps=_jumps(shown, link),
    )


def _row(step: Step, href: str, begin: int, length: int, *, selected: bool) -> TreeRow:
    glyph, word = step_state(step)
    running = step.status is RunStatus.RUNNING
    x = max(0.0, min(99.7, 100 * (step.start_ns - begin) / length))
    width = max(0.5, 100 * step.duration_ns / length)
    return TreeRow(
        span_id=step.span_id,
        href=href,
        ordinal=step.ordinal,
        indent=min(step.depth, MAX_INDENT),
        kind=KIND_NAMES[step.kind],
        kind_word=step.kind.value,
        name=step_name(step),
        detail=step_detail(step),
        glyph=glyph,
        word=word,
        duration_ns=None if running else step.duration_ns,
        cost_usd=step.cost.usd if step.cost and step.usage_role is UsageRole.OWN else None,
        x=round(x, 2),
        width=round(min(100 - x, 100 - x if running else width), 2),
        hatched=glyph == "denied" and width >= _HATCH_FROM,
        faint=not step.counted or step.usage_role is UsageRole.DUPLICATE or "noise" in step.flags,
        selected=selected,
        marks=tuple(FLAG_WORDS[f] for f in step.flags if f in FLAG_WORDS),
    )


def telling_step(steps: Sequence[Step]) -> Step | None:
    """The step to open first: what was stopped, else what failed, else the root."""
    states = [(s, step_state(s)[0]) for s in steps]
    for wanted in ("denied", "waiting", "error"):
        # the innermost of several: a failing tool, not the agent around it
        found = [s for s, glyph in states if glyph == wanted]
        if found:
            return max(found, key=lambda s: s.depth)
    return steps[0] if steps else None


FLAG_WORDS = {
    "orphan": "parent never arrived",
    "unfinished": "no end seen",
    "late": "arrived late",
    "conflict": "two copies differed",
    "cycle": "parent loop cut",
    "synthetic": "told by another step",
    "withheld": "text withheld",
}
"""What the flags of a step mean to a reader; other flags are for programs."""


def step_name(step: Step) -> str:
    """What a reader calls the step: the tool, the model, the agent, else the span's name."""
    if step.kind is SpanKind.TOOL and step.tool_name:
        return step.tool_name
    if step.kind is SpanKind.MODEL:
        return step.response_model or step.request_model or step.name
    if step.kind is SpanKind.AGENT and step.agent_name:
        return step.agent_name
    return step.name or "unnamed"


def step_detail(step: Step) -> str:
    """The second word of a row: what the name does not say."""
    if step.kind in {SpanKind.RETRIEVAL, SpanKind.RERANKER} and step.documents is not None:
        return f"{step.documents} document{'' if step.documents == 1 else 's'}"
    if step.usage and step.usage_role is UsageRole.OWN:
        return f"{step.usage.input or 0:,} → {step.usage.output or 0:,}"
    if step.error_type and step.status is RunStatus.ERROR:
        return step.error_type.rpartition(".")[2]
    name = step_name(step)
    return step.name if step.name not in {name, f"execute_tool {name}", f"chat {name}"} else ""


def step_state(step: Step) -> tuple[str, str]:
    """Glyph and word of one step."""
    if step.tool_outcome is ToolOutcome.APPROVAL_PENDING:
        return "waiting", "waits for approval"
    if step.tool_outcome in _STOPPED or any(d.verdict is Verdict.DENY for d in step.decisions):
        return "denied", "denied" if step.tool_outcome is not ToolOutcome.NOT_EXECUTED else "not executed"
    if step.tool_outcome in _FAILED:
        return "error", str(step.tool_outcome).replace("_", " ")
    if step.status is RunStatus.ERROR:
        return "error", "error"
    if step.status is RunStatus.RUNNING or "unfinished" in step.flags:
        return "running", "no end seen"
    if step.tool_outcome is ToolOutcome.RETRIED_THEN_OK:
        return "ok", "ok after a retry"
    if step.tool_outcome is ToolOutcome.EMPTY:
        return "ok", "empty result"
    return "ok", "ok"


def axis(length_ns: int) -> tuple[Tick, ...]:
    """At most six round times, the start included."""
    step = next((n for n in _NICE_NS if length_ns / n <= _TICKS), length_ns)
    return tuple(
        Tick(round(100 * at / length_ns, 2), duration(at) if at else "0") for at in range(0, length_ns + 1, step)
    )


def _jumps(steps: Sequence[Step], link: Callable[[Step], str]) -> tuple[Jump, ...]:
    found: list[Jump] = []
    states = [(s, step_state(s)[0]) for s in steps]
    denied = next((s for s, glyph in states if glyph == "denied"), None)
    failed = next((s for s, glyph in states if glyph == "error"), None)
    leaves = [s for s in steps if s.kind not in {SpanKind.AGENT, SpanKind.WORKFLOW} and s.counted]
    slowest = max(leaves, key=lambda s: s.duration_ns, default=None)
    priced = [s for s in leaves if s.cost and s.usage_role is UsageRole.OWN]
    dearest = max(priced, key=lambda s: s.cost.usd if s.cost else Decimal(0), default=None)
    for words, step in (("denial", denied), ("first error", failed), ("slowest", slowest), ("most expensive", dearest)):
        if step is not None and len(steps) > 2:
            found.append(Jump(words, link(step), step.span_id))
    return tuple(found)
