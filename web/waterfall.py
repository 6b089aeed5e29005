"""The tree and waterfall of a run, one window of rows at a time, as plain numbers for the template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from spans.kinds import RunStatus, SpanKind, ToolOutcome, UsageRole, Verdict
from spans.run import Step
from store.outline import Trouble
from web.format import duration, money, plural
from web.places import Place
from web.tree import Plan, Planned, Tree, View

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
    """One step in the tree, or a fold of repeats. `x` and `width` are percent of the time axis."""

    span_id: str
    """Empty for a fold."""
    href: str
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
    critical: bool
    marks: tuple[str, ...]
    repeats: int
    """How many steps a fold stands for; 0 for a step."""
    is_open: bool | None
    """Whether what is inside shows; None when nothing is."""
    toggle_href: str
    inside: str
    """What a closed row hides: how many steps, and what went wrong in them."""
    inside_tone: str


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
    shown: int
    """Rows that there are when nothing is windowed: open steps and folds."""
    before_href: str
    after_href: str
    after_part: str
    """Address of the next rows alone, for a page that appends them."""
    jumps: tuple[Jump, ...]
    critical_ns: int


def draw(place: Place, path: str, part: str, tree: Tree, plan: Plan, steps: Mapping[int, Step]) -> Waterfall:
    """Draw the window of a plan.

    Args:
        place: Where the page stands.
        path: The page's own path, which every link of a row keeps.
        part: Path of the fragment that holds rows alone.
        tree: The tree the plan was made on.
        plan: Which rows show.
        steps: The steps of `plan.ordinals()` and `tree.jumps`, by their place in the stored order.
    """
    view = plan.view

    def link(span: str = "", start: int | None = None, **changes: object) -> str:
        return place.url(path, **{**view.params(), "span": span, "from": start, **changes})

    selected = steps.get(view.selected) if view.selected is not None else None
    chosen = selected.span_id if selected else ""
    rows = []
    for row in plan.rows:
        step = steps.get(tree.ordinals[row.index])
        if step is not None:
            rows.append(_row(tree, row, step, view, place, path, chosen))
    start, end = plan.start, plan.start + len(plan.rows)
    return Waterfall(
        rows=tuple(rows),
        ticks=axis(tree.length_ns),
        total=len(tree.ordinals),
        hidden_noise=tree.hidden,
        noise_href=link(chosen, noise=None if view.show_noise else 1),
        first=start + 1 if rows else 0,
        last=end,
        shown=plan.total,
        before_href=link(start=max(0, start - plan.size)) if start else "",
        after_href=link(start=end) if end < plan.total else "",
        after_part=place.url(part, **{**view.params(), "from": end, "tab": _tab(path)}) if end < plan.total else "",
        jumps=tuple(
            Jump(words, link(steps[ordinal].span_id), steps[ordinal].span_id)
            for words, ordinal in tree.jumps
            if ordinal in steps and len(tree.ordinals) > 2
        ),
        critical_ns=tree.critical_ns if len(tree.ordinals) > 2 else 0,
    )


def _tab(path: str) -> str:
    return path.rpartition("/")[2] if path.count("/") > 2 else "timeline"


def _row(tree: Tree, row: Planned, step: Step, view: View, place: Place, path: str, chosen: str) -> TreeRow:
    glyph, word = step_state(step)
    running = step.status is RunStatus.RUNNING and not row.repeats
    start, end = tree.span_of(row)
    x = max(0.0, min(99.7, 100 * (start - tree.begin_ns) / tree.length_ns))
    width = max(0.5, 100 * (end - start) / tree.length_ns)
    inside, tone = _inside(tree, row)
    toggle = "" if row.is_open is None else place.url(path, **{**view.toggled(row, tree).params(), "span": chosen})
    if row.repeats:
        glyph, word = "ok", "repeated"
    return TreeRow(
        span_id="" if row.repeats else step.span_id,
        href=toggle if row.repeats else place.url(path, **{**view.params(), "span": step.span_id}),
        indent=min(row.level, MAX_INDENT),
        kind=KIND_NAMES[step.kind],
        kind_word=step.kind.value,
        name=step_name(step),
        detail=_fold_words(tree, row) if row.repeats else "" if inside else step_detail(step),
        glyph=glyph,
        word=word,
        duration_ns=None if running else end - start,
        cost_usd=step.cost.usd if step.cost and step.usage_role is UsageRole.OWN and not row.repeats else None,
        x=round(x, 2),
        width=round(min(100 - x, 100 - x if running else width), 2),
        hatched=glyph == "denied" and width >= _HATCH_FROM,
        faint=not row.repeats and (not step.counted or step.usage_role is UsageRole.DUPLICATE or "noise" in step.flags),
        selected=not row.repeats and bool(chosen) and step.span_id == chosen,
        critical=tree.is_critical(row),
        marks=() if row.repeats else tuple(FLAG_WORDS[f] for f in step.flags if f in FLAG_WORDS),
        repeats=row.repeats,
        is_open=row.is_open,
        toggle_href=toggle,
        inside=inside,
        inside_tone=tone,
    )


def _fold_words(tree: Tree, row: Planned) -> str:
    cost = tree.cost(row)
    return money(Decimal(str(round(cost, 9)))) if cost else ""


def _inside(tree: Tree, row: Planned) -> tuple[str, str]:
    """What a closed row hides, worst first."""
    if row.is_open is not False:
        return "", ""
    denied, failed = tree.count(row, Trouble.DENIED), tree.count(row, Trouble.ERROR)
    own = 0 if row.repeats else 1
    hidden = row.end - row.index - own
    words = [] if row.repeats and hidden == row.repeats else [plural(hidden, "step") + " inside"]
    if denied:
        words.append(f"{denied:,} denied")
    if failed:
        words.append(plural(failed, "error"))
    return ", ".join(words), "denied" if denied else "error" if failed else ""


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
    return step.name if step.name not in {name, f"execute_tool {name}", f"chat {name}", f"invoke_agent {name}"} else ""


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
