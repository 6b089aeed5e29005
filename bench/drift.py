"""Scores the drift detector end to end on simulated fleets with known changes.

    python -m bench.drift --fleet DIR [--every 6] [--data DIR]

A fleet is a folder with `runs.csv.gz` (one row per run: ts, workflow, run_id, prompt_version, model, token counts, cost, latency, tools,
…) and `truth.json` ({workflow: {kind, volume, change_ts, drift, moved}}). The runs are written as derived rows (their measures are
computed by the same function as on arrival), the evaluator goes through history in steps of six hours, and what it found is read
back as findings and compared with the truth. Nothing of the truth is known to the detector.

False: findings of control workflows, and of the others before their change, per workflow-week looked at (from day 7). Power: share of
changed workflows with a finding between the change and the end. Top 3: share of those whose first three features name something
that truly moved.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from insights.detectors import DETECTORS
from runs.measures import measures_of
from spans.ids import RunId, SpanId, TraceId
from spans.kinds import OutcomeLabel, Replayability, RunMode, RunShape, RunStatus, SpanKind, ToolOutcome
from spans.run import Assembly, Outcome, Run, Step
from spans.usage import Usage
from store import open_store
from store.ledger import Ledger
from store.ledger.findings import FindingQuery
from tracetape.evaluator import Evaluator

SECOND_NS = 1_000_000_000
HOUR_NS = 3_600 * SECOND_NS
DAY_NS = 24 * HOUR_NS
BATCH = 5_000
MOVED = {
    "arg_kind": ("arg_currency=",),
    "arg_amount": ("arg_amount",),
    "tools": ("tools", "tools_"),
}
"""Names of the truth and the features that mean them; any other name means itself."""


def steps_of(run_id: RunId, row: dict[str, str], start_ns: int) -> list[Step]:
    """The steps that the fleet's own OTLP would have told."""

    def step(number: int, kind: SpanKind, **more) -> Step:
        return Step(
            run_id=run_id,
            trace_id=TraceId(run_id),
            span_id=SpanId(f"{number + 1:016x}"),
            parent_span_id=None,
            ordinal=number,
            depth=1,
            kind=kind,
            subkind="",
            name=kind.value,
            start_ns=start_ns + number,
            duration_ns=1,
            status=RunStatus.OK,
            **more,
        )

    reason = "content_filter" if row["refusal"] == "1" else "length" if row["truncated"] == "1" else "stop"
    steps = [step(0, SpanKind.MODEL, finish_reasons=(reason,))]
    tools = row["tools"].split(">") if row["tools"] else []
    failed, unfit, denied = int(row["tool_errors"]), int(row["invalid_params"]), row["denied"] == "1"
    values = {"currency": row["arg_kind"], "amount": float(row["arg_amount"])}
    for n, tool in enumerate(tools):
        outcome = ToolOutcome.OK
        if n >= len(tools) - failed:
            outcome = ToolOutcome.INVALID_ARGUMENTS if n >= len(tools) - unfit else ToolOutcome.ERROR
        elif denied and n == 0:
            outcome = ToolOutcome.DENIED
        steps.append(
            step(
                n + 1,
                SpanKind.TOOL,
                tool_name=tool,
                tool_outcome=outcome,
                counted=outcome is not ToolOutcome.INVALID_ARGUMENTS,  # never ran: what the OTLP of the fleet becomes
                argument_values=values,
                tool_arguments_hash="a",
            )
        )
    if row["retrieval_score"]:
        documents = int(row["retrieval_docs"])
        steps.append(
            step(len(steps), SpanKind.RETRIEVAL, documents=documents, retrieval_score=float(row["retrieval_score"]))
        )
    return steps


def assembly_of(row: dict[str, str]) -> Assembly:
    """One row of the fleet as a run with its measures."""
    start_ns = int(float(row["ts"]) * SECOND_NS)
    run_id = RunId(hashlib.sha256(row["run_id"].encode()).hexdigest()[:32])
    day = datetime.fromtimestamp(start_ns // SECOND_NS, UTC).date()
    steps = steps_of(run_id, row, start_ns)
    calls = [s for s in steps if s.tool_name and s.counted]
    tools = tuple(dict.fromkeys(s.tool_name for s in calls))
    is_good = row["success"] == "1"
    run = Run(
        run_id=run_id,
        project="default",
        first_received_day=day,
        last_received_ns=start_ns,
        version=1,
        digest="",
        name=row["workflow"],
        service=row["workflow"],
        environment="sim",
        mode=RunMode.LIVE,
        shape=RunShape.AGENT,
        workflow=row["workflow"],
        workflow_source="agent",
        workflow_version=row["prompt_version"],
        agents=(row["workflow"],),
        session_id="",
        user_id="",
        started_ns=start_ns,
        duration_ns=int(float(row["latency_ms"]) * 1e6),
        status=RunStatus.OK if is_good else RunStatus.ERROR,
        outcome=Outcome() if is_good else Outcome(OutcomeLabel.FAILURE, "status"),
        cost_usd=Decimal(row["cost_usd"]),
        usage=Usage(input=int(row["input_tokens"]), output=int(row["output_tokens"])),
        model_calls=1,  # one span stands for all of them in the fleet's OTLP
        tool_calls=len(calls),
        denials=sum(s.tool_outcome is ToolOutcome.DENIED for s in steps),
        models=(row["model"],),
        tools=tools,
        replayability=Replayability.METADATA_ONLY,
    )
    return Assembly(run, (), measures_of(run, steps))


def load(store, fleet: Path) -> tuple[int, int, int]:
    """Write every run of the fleet; returns the count and the first and last moment."""
    batches: defaultdict[object, list[Assembly]] = defaultdict(list)
    count, first, last = 0, 2**63, 0
    with gzip.open(fleet / "runs.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            assembly = assembly_of(row)
            first, last, count = min(first, assembly.run.started_ns), max(last, assembly.run.started_ns), count + 1
            day = batches[assembly.run.first_received_day]
            day.append(assembly)
            if len(day) >= BATCH:
                store.write_derived(day)
                day.clear()
    for rest in batches.values():
        if rest:
            store.write_derived(rest)
    return count, first, last


class Feature(Protocol):
    """What is scored of a feature; a `FeatureChange` is one."""

    @property
    def name(self) -> str: ...
    @property
    def z(self) -> float: ...


class Scored(Protocol):
    """What is scored of a finding; a `Finding` is one, and what the API says of it."""

    @property
    def workflow(self) -> str: ...
    @property
    def detected_ns(self) -> int: ...
    @property
    def features(self) -> Sequence[Feature]: ...


def is_moved(feature: str, moved: list[str]) -> bool:
    """Whether a feature names something that the truth says has moved."""
    for name in moved:
        for prefix in MOVED.get(name, (name,)):
            if feature == prefix or (prefix.endswith(("=", "_")) and feature.startswith(prefix)):
                return True
    return False


def score(findings: Iterable[Scored], truth: dict, begin_ns: int, end_ns: int) -> dict[str, object]:
    """False episodes, power, top 3 and delay, by volume."""
    by_workflow = defaultdict(list)
    for finding in findings:
        by_workflow[finding.workflow].append(finding)
    result: dict[str, object] = {}
    for volume in sorted({t["volume"] for t in truth.values()}):
        weeks = false = 0.0
        controls = controls_hit = changed = found = named = 0
        delays, missed, wrong, noise = [], defaultdict(int), defaultdict(list), []
        for workflow, t in truth.items():
            if t["volume"] != volume:
                continue
            mine = sorted(by_workflow[workflow], key=lambda f: f.detected_ns)
            change_ns = int(t["change_ts"] * SECOND_NS) if t["drift"] else end_ns
            early = [f for f in mine if f.detected_ns < change_ns]
            weeks += max(0, min(change_ns, end_ns) - begin_ns) / (7 * DAY_NS)
            false += len(early)
            noise += [(workflow, t["kind"], [(x.name, x.z) for x in f.features[:2]]) for f in early]
            if not t["drift"]:
                controls += 1
                controls_hit += bool(early)
                continue
            changed += 1
            hits = [f for f in mine if f.detected_ns >= change_ns]
            if not hits:
                missed[t["kind"]] += 1
                continue
            found += 1
            delays.append((hits[0].detected_ns - change_ns) / HOUR_NS)
            if any(is_moved(f.name, t["moved"]) for f in hits[0].features[:3]):
                named += 1
            else:
                wrong[t["kind"]].append([f.name for f in hits[0].features[:3]])
        result[volume] = {
            "false_per_workflow_week": round(false / weeks, 3) if weeks else None,
            "weeks": round(weeks, 1),
            "controls_hit": f"{controls_hit}/{controls}",
            "power": round(found / changed, 3) if changed else None,
            "changed": changed,
            "top3": round(named / found, 3) if found else None,
            "median_delay_h": round(statistics.median(delays), 1) if delays else None,
            "missed": dict(missed),
            "wrong": dict(wrong),
            "noise": noise,
        }
    return result


def main() -> None:
    """Load, evaluate, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fleet", type=Path, required=True)
    parser.add_argument("--every", type=int, default=6, help="hours")
    parser.add_argument("--from-day", type=float, default=7.0)
    parser.add_argument("--data", type=Path, help="keep (and reuse) the store here")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        store = open_store(f"chdb://{folder / 'store'}")
        store.migrate()
        started = time.monotonic()
        if store.projects():
            edge = store.measures.activity("default", 0, 2**62)
            count, first = sum(a.runs for a in edge), min(a.first_ns for a in edge)
        else:
            count, first, _ = load(store, arguments.fleet)
        loaded = time.monotonic() - started
        begin = first // DAY_NS * DAY_NS + int(arguments.from_day * DAY_NS)
        end = first // DAY_NS * DAY_NS + 14 * DAY_NS
        (folder / "ledger.sqlite").unlink(missing_ok=True)
        ledger = Ledger.open(f"sqlite:///{folder / 'ledger.sqlite'}")
        evaluator = Evaluator(store, ledger, [d for d in DETECTORS if d.name == "drift"])
        started = time.monotonic()
        looks = list(evaluator.evaluate_history("default", begin - 6 * HOUR_NS, end, arguments.every * HOUR_NS))
        took = time.monotonic() - started
        truth = json.loads((arguments.fleet / "truth.json").read_text())
        findings = ledger.findings.list(FindingQuery("default", kinds=("drift",), limit=100_000))
        print(
            json.dumps({"runs": count, "load_s": round(loaded, 1), "looks": len(looks), "evaluate_s": round(took, 1)})
        )
        print(json.dumps(score(findings, truth, begin, end), indent=1))
        ledger.close()
        store.close()


if __name__ == "__main__":
    main()
