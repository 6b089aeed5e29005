"""Verbs that need the store: the same function inside a running `serve` and on a folder nobody holds."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from insights.alerts.rule_file import parse_rule
from runs.facts import RULES_VERSION, facts_of
from spans.change import Mark, MarkKind
from spans.clean import Clean
from spans.ids import TraceId
from spans.roles import Role
from store.api import RunQuery
from store.privacy import MAX_TEXTS
from store.rows import facts_table
from tracetape import keeping_verbs, moving_verbs, policies, web_calls
from tracetape.control import Verb
from tracetape.demo import DEMO_PROJECT
from tracetape.demo.fleet import generate
from tracetape.demo.owners import write_down
from tracetape.demo.send import send
from tracetape.forwarding import journal
from tracetape.forwarding.journal import forward_status
from tracetape.house import House
from tracetape.tape import compare_runs, export_run, verify_run, whatif
from tracetape.withheld import retry_withheld

_loading = threading.Lock()


def load_demo(house: House, endpoint: str) -> None:
    """Send the demo fleet through the real receiver; returns at once and never runs twice at a time."""
    if not _loading.acquire(blocking=False):
        return
    write_down(house.ledger)
    _, secret = house.ledger.keys.create(DEMO_PROJECT, Role.INGEST, "demo loader")

    def work() -> None:
        try:
            send(endpoint, secret, generate(), trust=house.settings.tls_cert)
        finally:
            _loading.release()

    threading.Thread(target=work, name="demo", daemon=True).start()


def remove_demo(house: House, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Remove every run of the demo project, its keys, and all that people and detectors said of it."""
    removed = house.store.drop_project(DEMO_PROJECT)
    for key in house.ledger.keys.list():
        if key.project == DEMO_PROJECT and key.revoked_ns is None:
            house.ledger.keys.revoke(key.key_id)
    house.ledger.audit.append("command line", "retention_change", target="demo removed", project=DEMO_PROJECT)
    house.ledger.forget_project(DEMO_PROJECT)
    return {"runs": removed}


def delivery_check(house: House, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The delivery check as JSON."""
    forward = forward_status(house.settings.forward_url, house.ledger, logs=house.settings.forward_logs)
    return asdict(house.health()) | ({"forward": asdict(forward)} if forward else {})


def renormalise(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """State the facts of stored evidence anew with today's rules, then assemble: the same two functions as on arrival."""
    since_ns = int(arguments.get("since_ns", 0))
    # What stands in content that has expired cannot be read again: facts of those days stay as they are.
    emptied = {receipt.day for receipt in house.ledger.receipts.list("content", limit=100_000)}
    by_project: dict[str, list[TraceId]] = {}
    for project, trace in house.store.recent_traces(None, since_ns):
        by_project.setdefault(project, []).append(trace)
    items = 0
    for project, traces in by_project.items():
        for trace in traces:
            evidence = house.store.read_evidence(project, trace)
            stored: list[Clean] = [*evidence.spans, *evidence.logs]
            facts = [facts_of(item) for item in stored if item.origin.received_day not in emptied]
            if facts:
                house.store.write_evidence({"facts": facts_table(facts)})
            items += len(facts)
        house.assembler.assemble_now(project, traces)
    house.rollups.now()
    return {"traces": sum(map(len, by_project.values())), "items": items, "rules_version": RULES_VERSION}


def quarantine_list(house: House, _arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """What is set aside, without any of its content."""
    return {"records": [asdict(kept) for kept in house.broker.quarantine.list()]}


def quarantine_redrive(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Try one record again, or all of them."""
    return {"items": sum(_noted(house, name, "redriven") for name in _named(house, arguments))}


def quarantine_drop(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Destroy one record for good."""
    return {"items": _noted(house, str(arguments.get("name", "")), "dropped")}


def _named(house: House, arguments: Mapping[str, Any]) -> list[str]:
    if arguments.get("all"):
        return [kept.name for kept in house.broker.quarantine.list() if kept.segment]
    return [str(arguments.get("name", ""))]


def _noted(house: House, name: str, did: str) -> int:
    """The access log first: what cannot be written there is not done."""
    quarantine = house.broker.quarantine
    house.ledger.audit.append("command line", "retention_change", target=name, detail={"quarantine": did})
    return quarantine.redrive(name) if did == "redriven" else quarantine.drop(name)


def evaluate(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Evaluate stored history at every step as if time passed, with the detectors that also judge live.

    With `runs`, what each run achieved is judged anew first.
    """
    begin, end, step = (int(arguments[name]) for name in ("from_ns", "to_ns", "every_ns"))
    chosen = str(arguments.get("project", ""))
    projects = [p for p in house.store.projects() if not chosen or p == chosen]
    windows = {
        min(since + step, end): {"since_ns": since, "runs": 0, "findings": 0} for since in range(begin, end, step)
    }
    for project in projects:
        if arguments.get("runs"):
            for until, window in windows.items():
                window["runs"] += _judge_runs(house, project, window["since_ns"], until)
        for at_ns, made in house.evaluator.evaluate_history(project, begin, end, step):
            windows[at_ns]["findings"] += made
    return {"windows": [{**window, "until_ns": until} for until, window in windows.items()]}


def _judge_runs(house: House, project: str, since_ns: int, until_ns: int) -> int:
    query = RunQuery(project, since_ns=since_ns, until_ns=until_ns, limit=200)
    judged = 0
    while True:
        page = house.store.find_runs(query)
        house.assembler.assemble_now(project, [TraceId(run.run_id) for run in page.rows])
        judged += len(page.rows)
        if page.next_cursor is None:
            return judged
        query = replace(query, cursor=page.next_cursor)


def scan(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Search every stored column for texts; the answer names them by their place in the question."""
    texts = [str(text) for text in arguments.get("texts", ())][:MAX_TEXTS]
    found = house.store.find_text(texts)
    house.ledger.audit.append("command line", "search", target="scan", detail={"texts": str(len(texts))})
    return {"found": [[one.table, one.column, one.text, one.rows] for one in found]}


def mark(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Mark a change that somebody tells of; personal data goes from its words before they are kept."""
    at_ns = int(arguments.get("at_ns", 0)) or time.time_ns()
    project = str(arguments.get("project") or "default")
    told = Mark(
        project=project,
        environment=str(arguments.get("environment", "")),
        workflow=str(arguments.get("workflow", "")),
        at_ns=at_ns,
        kind=MarkKind.DEPLOYMENT,
        label=house.broker.redact_text(project, str(arguments.get("label", ""))[:200]),
        by="command line",
    )
    target = f"changes of {told.workflow or 'all'}"
    house.ledger.audit.append("command line", "rule_change", target, {"did": "change marked"}, told.project)
    (kept,) = house.ledger.marks.add([told])
    return {"label": kept.label, "at_ns": kept.at_ns, "mark_id": kept.mark_id}


def alerts_backtest(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """When a rule would have fired; nothing is kept."""
    rule = parse_rule(str(arguments["rule"]))
    found = house.backtest(str(arguments["project"]), rule, int(arguments["days"]))
    return {
        "episodes": [
            {
                "workflow": e.subject.workflow,
                "environment": e.subject.environment,
                "began_ns": e.began_ns,
                "ended_ns": e.ended_ns,
                "sentence": e.sentence,
            }
            for e in found
        ]
    }


VERBS: Mapping[str, Verb] = {
    "alerts_backtest": alerts_backtest,
    "mark": mark,
    "compare_runs": compare_runs,
    **keeping_verbs.VERBS,
    **moving_verbs.VERBS,
    **journal.VERBS,
    "scan": scan,
    "evaluate": evaluate,
    "export_run": export_run,
    "policies_apply": policies.apply,
    "policies_release": policies.release,
    "policies_list": policies.listing,
    "policies_show": policies.show,
    "quarantine_list": quarantine_list,
    "quarantine_redrive": quarantine_redrive,
    "quarantine_drop": quarantine_drop,
    "demo_remove": remove_demo,
    "retry_withheld": retry_withheld,
    "health": delivery_check,
    "renormalise": renormalise,
    "verify_run": verify_run,
    "whatif": whatif,
    web_calls.VERB: web_calls.answer,
}
