"""One run as a row: the same words and the same template wherever runs are listed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from spans.kinds import OutcomeLabel, RunStatus
from spans.run import Run
from web.format import NBSP
from web.places import SECOND_NS, Place
from web.text import one_line, spoken

QUIET_NS = 600 * SECOND_NS
"""A run without an end that sends nothing for ten minutes may never have one: the list says since when."""


@dataclass(frozen=True, slots=True)
class State:
    """A glyph and its word; `glyph`: ok, error, denied, waiting, running, incomplete, success, failure."""

    glyph: str
    word: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """A line of a list of runs."""

    run_id: str
    href: str
    started_ns: int
    state: State
    title: str
    version: str
    environment: str
    preview: str
    calls: int
    tools: int
    cost_usd: Decimal | None
    unpriced_calls: int
    duration_ns: int | None
    who: str
    """User or session pseudonym, whichever is known."""
    who_is_session: bool
    session_id: str
    version_number: int
    last_received_ns: int

    @property
    def quiet_from_ns(self) -> int:
        """When a run that has no end is said to have gone quiet."""
        return self.last_received_ns + QUIET_NS


def run_state(run: Run) -> State:
    """How a run went, in one word; what somebody has to look at comes first."""
    if run.waiting_for:
        return State("waiting", f"waits for {run.waiting_for.replace('_', ' ')}")
    if run.denials:
        return State("denied", "denied" if run.denials == 1 else f"{run.denials}{NBSP}denied")
    if run.status is RunStatus.ERROR:
        return State("error", "error")
    if run.outcome.label is OutcomeLabel.FAILURE:
        return State("failure", "failure")
    if run.status is RunStatus.RUNNING:
        return State("running", "no end seen yet")
    if not run.complete:
        return State("incomplete", "parts missing")
    if run.outcome.label is OutcomeLabel.SUCCESS:
        return State("success", "success")
    if run.outcome.label is OutcomeLabel.HANDED_OFF:
        return State("waiting", "handed off")
    return State("ok", "ok")


def run_title(run: Run) -> str:
    """The workflow, else the name the trace has."""
    return run.workflow or run.name or "unnamed run"


def build_row(run: Run, place: Place) -> RunRow:
    """Build one row."""
    preview = run.output_preview or run.input_preview or ("" if run.name == run.workflow else run.name)
    return RunRow(
        run_id=run.run_id,
        href=place.url(f"/runs/{run.run_id}"),
        started_ns=run.started_ns,
        state=run_state(run),
        title=run_title(run),
        version=run.workflow_version,
        environment=run.environment,
        preview=one_line(spoken(preview)),
        calls=run.model_calls,
        tools=run.tool_calls,
        cost_usd=run.cost_usd,
        unpriced_calls=run.unpriced_calls,
        duration_ns=None if run.status is RunStatus.RUNNING else run.duration_ns,
        who=run.user_id or run.session_id,
        who_is_session=not run.user_id,
        session_id=run.session_id,
        version_number=run.version,
        last_received_ns=run.last_received_ns,
    )
