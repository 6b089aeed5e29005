"""States loops: runs that make the same call again and again, or far more calls than usual, by a rule and at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from insights.detectors.base import HOUR_NS, MINUTE_NS, Detector, Inputs
from runs.measures import LOOP, LOOP_OF_NAME
from spans.finding import FeatureChange, Finding, FindingKind, Impact, Severity
from store.measures import Flagged

MOST = 500
"""Runs with a loop that one look reads."""


def evaluate(inputs: Inputs) -> Iterable[Finding]:
    """One finding per workflow whose runs repeat themselves."""
    grouped: defaultdict[tuple[str, str], list[Flagged]] = defaultdict(list)
    for run in inputs.store.measures.looped(inputs.project, inputs.since_ns, inputs.now_ns, MOST):
        grouped[run.workflow, run.environment].append(run)
    for (workflow, environment), runs in grouped.items():
        yield _finding(inputs, workflow, environment, runs)


def _finding(inputs: Inputs, workflow: str, environment: str, runs: list[Flagged]) -> Finding:
    reach = inputs.store.measures.reach(inputs.project, workflow, environment, runs[0].started_ns, inputs.now_ns)
    rows, many = [run for run in runs if run.is_row], [run for run in runs if not run.is_row]
    repeated = Counter(tool for run in rows for tool in run.tools)
    tool = repeated.most_common(1)[0][0] if repeated else "a tool"
    said = []
    if rows:
        calls = "1 run calls" if len(rows) == 1 else f"{len(rows)} runs call"
        said.append(
            f"{calls} a tool at least {LOOP} times in a row with equal arguments, or {LOOP_OF_NAME} times where none "
            f"were recorded, mostly {tool[:60]}"
        )
    if many:
        most = max(many, key=lambda run: run.calls)
        makes = "1 run makes" if len(many) == 1 else f"{len(many)} runs make"
        said.append(f"{makes} up to {most.calls:,} tool calls, 99 of 100 runs at most {most.usual_calls:,.0f}")
    return Finding(
        kind=FindingKind.LOOP,
        project=inputs.project,
        environment=environment,
        workflow=workflow,
        subject="",
        severity=Severity.TICKET,
        detected_ns=inputs.now_ns,
        since_ns=runs[0].started_ns,
        summary=f"{workflow}: {'; '.join(said)}.",
        features=(FeatureChange("loop", None, len(runs) / max(1, reach.runs), 0.0, "share"),),
        impact=Impact(len(runs), None, tuple(sorted({tool for run in runs for tool in run.tools}))),
        run_ids=tuple(run.run_id for run in reversed(runs[-20:])),
    )


LOOPS = Detector(
    name="loops",
    kinds=(FindingKind.LOOP,),
    every_ns=5 * MINUTE_NS,
    evaluate=evaluate,
    overlap_ns=3 * HOUR_NS,
    again_ns=24 * HOUR_NS,
    quiet_ns=24 * HOUR_NS,
    lag_ns=0,
)
