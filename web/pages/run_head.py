"""What stands above every tab of a run: what it is, and one line each for outcome, cost, tokens, time, decisions, redaction and recording."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from replay.replayability import REMEDIES, ReplayReason
from spans.kinds import OutcomeLabel, Replayability, RunMode, RunStatus
from spans.run import Run, Step
from store.outline import Outline
from web.format import NBSP, count, duration, exact_money, money, plural, tokens
from web.links import OutLink
from web.pages.detail import usage_words
from web.pages.job import Job, build_job
from web.pages.remarks import RunRemarks, build_remarks
from web.pages.run_row import State, run_state, run_title
from web.places import SECOND_NS, Place


@dataclass(frozen=True, slots=True)
class HeaderFact:
    """A one-line answer of the header."""

    label: str
    value: str
    note: str = ""
    tone: str = ""
    """`bad`, `stop`, `wait` or empty."""
    exact: str = ""
    href: str = ""
    at_ns: int = 0
    """A moment that ends the note."""


@dataclass(frozen=True, slots=True)
class RunHead:
    """The head of a run's pages."""

    run_id: str
    title: str
    version: str
    name: str
    state: State
    environment: str
    mode: str
    started_ns: int
    facts: tuple[HeaderFact, ...]
    continues_href: str
    continued_by_href: str
    job: Job | None
    """The job this run is a part of; None when it is one by itself, or the runs it names are not stored."""
    waiting_for: str
    around_href: str
    may_pin: bool
    may_erase: bool
    is_pinned: bool
    session_href: str
    session_id: str
    user_id: str
    user_href: str
    remarks: RunRemarks
    links: tuple[OutLink, ...]
    """To other tools."""
    notices: tuple[tuple[str, str], ...]
    """(tone, sentence) lines: parts missing, text withheld, content expired."""
    remedies: tuple[str, ...]
    """Why the recording is not complete, and what would change that."""


def build_head(
    place: Place,
    run: Run,
    outline: Outline,
    *,
    stopped: Step | None = None,
    redaction: str = "",
    may_pin: bool = False,
    may_erase: bool = False,
    is_pinned: bool = False,
    remarks: RunRemarks | None = None,
    links: tuple[OutLink, ...] = (),
    parts: tuple[Run, ...] = (),
) -> RunHead:
    """Build the head.

    `stopped` is the first denied step, `redaction` how a step of the run went through it, `parts` the runs of the job it
    belongs to, in order.
    """
    title = run_title(run)
    return RunHead(
        run_id=run.run_id,
        title=title,
        version=run.workflow_version,
        name=run.name if run.name != title else "",
        state=run_state(run),
        environment=run.environment,
        mode="" if run.mode is RunMode.LIVE else run.mode.value,
        started_ns=run.started_ns,
        facts=_facts(place, run, outline, stopped, redaction),
        continues_href=place.url(f"/runs/{run.continues}") if run.continues else "",
        continued_by_href=place.url(f"/runs/{run.continued_by}") if run.continued_by else "",
        job=build_job(place, run, parts),
        waiting_for=run.waiting_for.replace("_", " "),
        around_href=_around(place, run),
        may_pin=may_pin,
        may_erase=may_erase,
        is_pinned=is_pinned,
        session_href=place.url("/runs", session=run.session_id, shape="any") if run.session_id else "",
        session_id=run.session_id,
        user_id=run.user_id,
        user_href=place.url("/runs", user=run.user_id, shape="any") if run.user_id else "",
        remarks=remarks or build_remarks(place, run.run_id, run.tags, (), {}),
        links=links,
        notices=_notices(run, outline),
        remedies=tuple(REMEDIES[r] for r in ReplayReason if r.value in run.replay_reasons),
    )


def _around(place: Place, run: Run) -> str:
    """Runs of every shape around this one, half an hour each way."""
    half = 1_800 * SECOND_NS
    return place.within(max(0, run.started_ns - half), run.started_ns + half).url("/runs", shape="any")


def _facts(place: Place, run: Run, outline: Outline, stopped: Step | None, redaction: str) -> tuple[HeaderFact, ...]:
    return (
        _outcome(run),
        _cost(run),
        _tokens(run),
        _time(run),
        _calls(run),
        _decisions(place, run, outline, stopped),
        _redaction(run, outline, redaction),
        _recording(run),
    )


def _outcome(run: Run) -> HeaderFact:
    if run.outcome.label is OutcomeLabel.UNKNOWN:
        word = {RunStatus.ERROR: "error", RunStatus.RUNNING: "running", RunStatus.OK: "unknown"}[run.status]
        note = "no rule defined" if run.status is RunStatus.OK else _errors(run)
        return HeaderFact("Outcome", word, note, "bad" if run.status is RunStatus.ERROR else "")
    label = run.outcome.label.value.replace("_", " ")
    tone = {OutcomeLabel.SUCCESS: "good", OutcomeLabel.FAILURE: "bad"}.get(run.outcome.label, "")
    return HeaderFact("Outcome", label, f"by {run.outcome.source}" if run.outcome.source else "", tone)


def _tokens(run: Run) -> HeaderFact:
    usage = run.usage
    if usage.input is None and usage.output is None:
        return HeaderFact("Tokens", tokens(None), "none reported")
    note = f"{tokens(usage.input)} → {tokens(usage.output)}"
    return HeaderFact("Tokens", tokens(usage.total()), note, exact=usage_words(usage))


def _errors(run: Run) -> str:
    return plural(run.errors, "error") if run.errors else ""


def _cost(run: Run) -> HeaderFact:
    note = f"{plural(run.unpriced_calls, 'call')} without a price" if run.unpriced_calls else ""
    if run.cost_usd is None and not run.model_calls:
        return HeaderFact("Cost", money(None), "no model calls")
    return HeaderFact(
        "Cost", "unpriced" if run.cost_usd is None else money(run.cost_usd), note, exact=exact_money(run.cost_usd)
    )


def _time(run: Run) -> HeaderFact:
    if run.status is RunStatus.RUNNING:
        return HeaderFact("Time", duration(run.duration_ns), "no end seen since", "wait", at_ns=run.last_received_ns)
    return HeaderFact("Time", duration(run.duration_ns), exact=f"{run.duration_ns:,} ns")


def _calls(run: Run) -> HeaderFact:
    note = [plural(run.tool_calls, "tool call")] if run.tool_calls else []
    if run.retrievals:
        note.append(plural(run.retrievals, "retrieval"))
    return HeaderFact("Model calls", count(run.model_calls), ", ".join(note))


def _decisions(place: Place, run: Run, outline: Outline, stopped: Step | None) -> HeaderFact:
    if run.waiting_for:
        return HeaderFact("Decisions", "waiting", f"for {run.waiting_for.replace('_', ' ')}", "wait")
    if run.denials:
        href = place.url(f"/runs/{run.run_id}", span=stopped.span_id) if stopped else ""
        return HeaderFact(
            "Decisions", f"{run.denials:,}{NBSP}denied", stopped.tool_name if stopped else "", "stop", "", href
        )
    made = outline.decisions
    return HeaderFact("Decisions", count(made) if made else "none", "allowed" if made else "no control spoke")


def _redaction(run: Run, outline: Outline, mode: str) -> HeaderFact:
    """`mode` is how the step that is shown went through redaction; a project has one at a time."""
    if outline.withheld:
        return HeaderFact("Redacted", "withheld", "some text not stored", "wait")
    if mode == "off":
        return HeaderFact("Redacted", "off", "stored as it was sent", "wait")
    if run.redactions or not mode:
        return HeaderFact("Redacted", plural(run.redactions, "value"))
    return HeaderFact("Redacted", "nothing found")


def _recording(run: Run) -> HeaderFact:
    missing = len(run.replay_reasons)
    note = f"{plural(missing, 'thing')} missing" if missing else "everything is here"
    if not run.complete:
        return HeaderFact("Recording", "parts missing", note, "wait")
    word = {
        Replayability.COMPLETE: "complete",
        Replayability.PARTIAL: "partial",
        Replayability.METADATA_ONLY: "numbers only",
    }[run.replayability]
    return HeaderFact("Recording", word, note, exact="How much of the run can be played back")


def _notices(run: Run, outline: Outline) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    if outline.orphans:
        found.append(("wait", f"{plural(outline.orphans, 'step')} came without their parent; it may still arrive."))
    if outline.withheld:
        found.append(
            ("wait", "Redaction failed for some text, so it was withheld. The sealed original waits in quarantine.")
        )
    if run.content_expired_ns:
        day = datetime.fromtimestamp(run.content_expired_ns / 1e9, UTC)
        found.append(
            ("", f"Content expired on {day.day} {day:%B %Y}: messages and arguments were removed; numbers stay.")
        )
    elif outline.expired:
        found.append(("", "Messages and arguments were removed at the end of their retention; numbers stay."))
    return tuple(found)
