"""Settings ▸ Coverage: what each workflow's runs tell, and the switch that makes them tell more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from replay.replayability import ReplayReason
from spans.kinds import OutcomeLabel, RunStatus
from spans.run import Run
from web.pages.detail import DIALECT_NAMES
from web.places import Place
from web.snippets import CONTENT_SWITCHES


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many runs tell something; `of` 0 means that the question does not arise."""

    key: str
    words: str
    told: int
    of: int

    @property
    def percent(self) -> int:
        """Whole per cent, rounded down: 100 only when every run tells it."""
        return 100 * self.told // self.of if self.of else 100


@dataclass(frozen=True, slots=True)
class CoverageLine:
    """One workflow."""

    workflow: str
    runs: int
    instrumentations: tuple[str, ...]
    shares: tuple[Share, ...]
    last_ns: int
    advice: tuple[str, ...]
    href: str


@dataclass(frozen=True, slots=True)
class CoveragePage:
    """The page."""

    lines: tuple[CoverageLine, ...]
    columns: tuple[str, ...]
    looked_at: int
    range_words: str


Told = Callable[[Run], bool]


def _always(_run: Run) -> bool:
    return True


_CHOSEN = frozenset({"rule", "attribute", "agent"})
QUESTIONS: tuple[tuple[str, str, Told, Told], ...] = (
    ("name", "name", _always, lambda run: run.workflow_source in _CHOSEN),
    ("content", "content", lambda run: bool(run.model_calls or run.tool_calls), lambda run: ReplayReason.NO_CONTENT not in run.replay_reasons),
    ("results", "tool results", lambda run: bool(run.tool_calls), lambda run: not {ReplayReason.TOOL_RESULT_MISSING, ReplayReason.NO_CONTENT} & set(run.replay_reasons)),
    ("session", "session", _always, lambda run: bool(run.session_id)),
    ("version", "version", _always, lambda run: bool(run.workflow_version)),
    ("outcome", "outcome", lambda run: run.status is not RunStatus.RUNNING, lambda run: run.outcome.label is not OutcomeLabel.UNKNOWN),
    ("price", "price", lambda run: bool(run.model_calls), lambda run: not run.unpriced_calls and run.cost_usd is not None),
)  # fmt: skip
"""Key, words, which runs the question is about, and which of them tell it."""

FIXES: Mapping[str, str] = {
    "name": "Set gen_ai.agent.name or tracetape.workflow in the agent, or write a rule under Settings ▸ Workflow names.",
    "results": "Instrument the code that runs the tools: a span named execute_tool with gen_ai.tool.call.result.",
    "session": "Set gen_ai.conversation.id (or session.id) on the root span.",
    "version": "Set the resource attribute service.version, or gen_ai.agent.version.",
    "outcome": "Send an evaluation named task_success, or give the workflow a policy that says what success is.",
    "price": "Price the model under Settings ▸ Prices, or let the instrumentation send token counts.",
}
DEFAULT_SWITCH = "Turn on message capture in the instrumentation."


def build_coverage(place: Place, runs: Sequence[Run]) -> CoveragePage:
    """Build the page from the newest runs."""
    grouped: dict[str, list[Run]] = {}
    for run in runs:
        grouped.setdefault(run.workflow, []).append(run)
    lines = [_line(place, workflow, some) for workflow, some in grouped.items()]
    return CoveragePage(
        lines=tuple(sorted(lines, key=lambda line: (-line.runs, line.workflow))),
        columns=tuple(words for _, words, _, _ in QUESTIONS),
        looked_at=len(runs),
        range_words=place.range.words(),
    )


def _line(place: Place, workflow: str, runs: Sequence[Run]) -> CoverageLine:
    shares = []
    for key, words, about, told in QUESTIONS:
        asked = [run for run in runs if about(run)]
        shares.append(Share(key, words, sum(1 for run in asked if told(run)), len(asked)))
    dialects = tuple(sorted({dialect for run in runs for dialect in run.dialects}))
    return CoverageLine(
        workflow=workflow,
        runs=len(runs),
        instrumentations=tuple(DIALECT_NAMES.get(dialect, dialect) for dialect in dialects),
        shares=tuple(shares),
        last_ns=max(run.started_ns + run.duration_ns for run in runs),
        advice=tuple(_advice(shares, dialects)),
        href=place.url("/runs", workflow=workflow, shape="any"),
    )


def _advice(shares: Sequence[Share], dialects: Sequence[str]) -> list[str]:
    found = []
    for share in shares:
        if share.told == share.of:
            continue
        if share.key == "content":
            switches = [f"{DIALECT_NAMES.get(d, d)}: {CONTENT_SWITCHES[d]}." for d in dialects if d in CONTENT_SWITCHES]
            found.extend(switches or [DEFAULT_SWITCH])
        elif not (share.key == "results" and shares[1].told == 0):
            found.append(FIXES[share.key])
    return found
