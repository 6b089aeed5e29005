"""Verbs of the tape: export a run as a file that proves itself, verify it, compare two, ask what a policy would have meant."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from insights.policy_file import parse_policy
from replay.checking import check_stored, pack
from replay.compare import compare, comparison_json, text
from replay.format import write_recording
from replay.reading import read_recording
from replay.recording import recording_json
from spans.errors import NotFoundError, RefusedError
from spans.ids import RunId, TraceId, parse_trace_id
from spans.run import Run
from store.api import RunQuery
from tracetape.house import House
from web.routes.whatif import whatif_told


def verify_run(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Check one stored run against its seal; also one of which nothing is stored any more.

    Raises:
        NotFoundError: no such run, and no seal of one.
    """
    run_id = RunId(parse_trace_id(str(arguments["run"])))
    wanted = str(arguments.get("project", ""))
    try:
        run = _run(house, run_id, wanted)
        project, run_id = run.project, run.run_id
    except NotFoundError:
        sealed = [p for p in house.ledger.seals.projects_of(run_id) if wanted in {"", p}]
        if not sealed:
            raise
        project = sealed[0]
    return {**asdict(check_stored(house.store, house.ledger, project, run_id)), "project": project}


def export_run(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Write one run to a file: a zip with its proof, or its recording alone when the name ends in `.json`.

    Raises:
        NotFoundError: no such run.
        RefusedError: the file cannot be written.
    """
    run = _run(house, str(arguments["run"]), str(arguments.get("project", "")))
    out = Path(str(arguments["out"]))
    house.ledger.audit.append("command line", "export", run.run_id, {"as": out.suffix.lstrip(".")}, run.project)
    if out.suffix == ".json":
        raw = write_recording(recording_json(read_recording(house.store, run)))
    else:
        raw = pack(house.store, house.ledger, run, now_ns=time.time_ns())
    try:
        with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(raw)
    except OSError as error:
        raise RefusedError(f"{out} cannot be written: {error.strerror}.") from error
    seals = house.ledger.seals.of_run(run.project, run.run_id)
    return {"run_id": run.run_id, "out": str(out), "bytes": len(raw), "root": seals[-1].root if seals else ""}


def compare_runs(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Compare two stored runs; as text for people and as the JSON of the API."""
    project = str(arguments.get("project", ""))
    left, right = (_run(house, str(arguments[side]), project) for side in ("left", "right"))
    found = compare(*(recording_json(read_recording(house.store, run)) for run in (left, right)))
    for run in (left, right):
        house.ledger.audit.append("command line", "content_read", run.run_id, {"part": "compare"}, run.project)
    return {"text": text(found), "json": comparison_json(found)}


def _run(house: House, raw_id: str, project: str) -> Run:
    trace = TraceId(parse_trace_id(raw_id))
    for name in (project,) if project else house.store.projects():
        run = house.store.read_run(name, trace)
        if run is not None:
            return run
    where = f"project {project!r}" if project else "any project"
    raise NotFoundError(f"No run or trace {trace} in {where}.")


def whatif(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """What a candidate policy would have meant for the stored runs of a range."""
    policy = parse_policy(str(arguments["policy"]), file=str(arguments.get("file", "policy.yaml")))
    until = time.time_ns()
    query = RunQuery(
        str(arguments["project"]),
        since_ns=until - int(arguments["since_ns"]),
        until_ns=until,
        environment=str(arguments.get("environment", "")) or None,
        workflow=str(arguments.get("workflow", "")) or None,
    )
    return whatif_told(house.store.what_if(query, policy))
