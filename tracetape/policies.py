"""Policies from the command line: applied from a folder, listed, shown; and what a change sets in motion."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from insights.policies import EVERY
from insights.policy_file import parse_policy
from spans.errors import NotFoundError, RefusedError
from spans.ids import TraceId
from store.api import RunQuery
from tracetape.house import House
from tracetape.owing import MOST_RUNS, workflow_owed

COMMAND_LINE = "command line"
MANAGED = "policies_managed."
"""Name of the setting that says from where a project's policies are applied; the page is read-only then."""


def apply(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make the given files the policies of a project: all of them, or none when one cannot be read.

    Policies that an earlier `apply` brought and that are missing now are withdrawn; those saved on the page stay.
    """
    project = str(arguments["project"])
    files: Mapping[str, str] = arguments["files"]
    parsed = {name: parse_policy(text, file=name) for name, text in files.items()}
    by_workflow: dict[str, str] = {}
    for name, policy in parsed.items():
        if policy.workflow_id in by_workflow:
            raise RefusedError(
                f"{by_workflow[policy.workflow_id]} and {name} both are the policy of {policy.workflow_id!r}. Keep one."
            )
        by_workflow[policy.workflow_id] = name
    ledger = house.ledger
    current = {v.workflow: v for v in ledger.policies.current(project)}
    changes: list[dict[str, Any]] = []
    for workflow, name in sorted(by_workflow.items()):
        known = current.get(workflow)
        if known is not None and known.text == files[name]:
            changes.append({"workflow": workflow, "number": known.number, "did": "unchanged"})
            continue
        _record(house, project, workflow, {"did": "apply", "file": name})
        made = ledger.policies.save(
            project, workflow, parsed[name].version, files[name], author=COMMAND_LINE, source="file"
        )
        changes.append({"workflow": workflow, "number": made.number, "did": "changed" if known else "new"})
    for workflow, version in sorted(current.items()):
        if version.source == "file" and workflow not in by_workflow:
            _record(house, project, workflow, {"did": "withdraw"})
            made = ledger.policies.save(project, workflow, "", "", author=COMMAND_LINE, source="file")
            changes.append({"workflow": workflow, "number": made.number, "did": "withdrawn"})
    ledger.settings.put(MANAGED + project, str(arguments.get("folder", "")))
    runs = sum(
        judge_workflow_again(house, project, change["workflow"], now=bool(arguments.get("alone")))
        for change in changes
        if change["did"] != "unchanged"
    )
    return {"changes": changes, "runs": runs}


def release(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Let people edit the policies of a project on its page again."""
    project = str(arguments["project"])
    _record(house, project, "", {"did": "release"})
    house.ledger.settings.put(MANAGED + project, "")
    return {}


def listing(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The policies in force."""
    return {
        "policies": [
            {
                "workflow": v.workflow,
                "number": v.number,
                "digest": v.digest,
                "source": v.source,
                "author": v.author,
                "created_ns": v.created_ns,
            }
            for v in house.ledger.policies.current(str(arguments["project"]))
        ]
    }


def show(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """One version's text; the one in force when no number is given."""
    project, workflow = str(arguments["project"]), str(arguments["workflow"])
    number = int(arguments.get("number") or 0)
    for version in house.ledger.policies.versions(project, workflow):
        if not number or version.number == number:
            return {"number": version.number, "text": version.text}
    raise NotFoundError(
        f"Project {project!r} has no policy for {workflow!r}" + (f", version {number}." if number else ".")
    )


def judge_workflow_again(house: House, project: str, workflow: str, *, now: bool = False) -> int:
    """Judge the stored runs of a workflow (or of all, for `*`) with the rules of the moment; returns how many.

    A running server notes it and does it soon; `now` judges them in the caller's thread.
    """
    query = RunQuery(project, workflow=None if workflow == EVERY else workflow)
    ids = [TraceId(run_id) for run_id in house.store.run_ids(query, MOST_RUNS)]
    if now:
        house.assembler.assemble_now(project, ids)
    else:
        house.owing.note(workflow_owed(project, workflow))
    return len(ids)


def _record(house: House, project: str, workflow: str, detail: Mapping[str, str]) -> None:
    """The access log first: what cannot be written there is not done."""
    house.ledger.audit.append(COMMAND_LINE, "policy_change", workflow, detail, project)
