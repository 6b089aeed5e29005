"""What pages ask of main when they are served by a process of their own: one visible table, used on both sides."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from spans.erasure import ErasureOutlook, Waiting
from spans.errors import RefusedError
from spans.health import Health, IngestStatus, QuarantinedRecord, RedactionFigures
from tracetape.control import ask
from tracetape.folder import DataFolder
from tracetape.metrics import metrics_of
from tracetape.quarantine_desk import QuarantineDesk
from tracetape.redaction_figures import redaction_figures
from tracetape.redaction_rules import rules_in_force

if TYPE_CHECKING:
    from tracetape.house import House

VERB = "web"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of main and the type of its answer."""

    run: Callable[..., Any]
    answer: TypeAdapter[Any]


def _desk(house: House) -> QuarantineDesk:
    return QuarantineDesk(lambda: house.broker.quarantine)


def _rule_errors(house: House, project: str) -> dict[str, str]:
    return {rule: status.error for rule, status in house.alerts.status(project).items() if status.error}


CALLS: Mapping[str, Call] = {
    "redact_text": Call(lambda house, *a: house.broker.redact_text(*a), TypeAdapter(str)),
    "explain_text": Call(lambda house, *a: house.broker.explain_text(*a), TypeAdapter(str)),
    "pseudonyms": Call(lambda house, *a: house.broker.pseudonyms(*a), TypeAdapter(tuple[str, ...])),
    "health": Call(lambda house: house.health(), TypeAdapter(Health)),
    "ingest": Call(lambda house: house.ingest(), TypeAdapter(IngestStatus)),
    "metrics": Call(metrics_of, TypeAdapter(str)),
    "disk": Call(
        lambda house: (house.housekeeper.disk().used, house.housekeeper.disk().held_back),
        TypeAdapter(tuple[float, tuple[date, ...]]),
    ),
    "rule_errors": Call(_rule_errors, TypeAdapter(dict[str, str])),
    "redaction": Call(redaction_figures, TypeAdapter(RedactionFigures)),
    "retry_withheld": Call(
        lambda house: house.again.retry(rules_in_force(house.settings).fingerprint)[0], TypeAdapter(int)
    ),
    "quarantine_list": Call(lambda house: _desk(house).list(), TypeAdapter(tuple[QuarantinedRecord, ...])),
    "quarantine_redrive": Call(lambda house, name: _desk(house).redrive(name), TypeAdapter(int)),
    "erasure_preview": Call(lambda house, *a: house.erasure_desk.preview(*a), TypeAdapter(ErasureOutlook)),
    "erasure_erase": Call(lambda house, *a: house.erasure_desk.erase(*a), TypeAdapter(tuple[str, ...])),
    "erasure_waiting": Call(lambda house: house.erasure_desk.waiting(), TypeAdapter(dict[str, Waiting])),
    "quarantine_drop": Call(lambda house, name: _desk(house).drop(name), TypeAdapter(int)),
    "owing": Call(lambda house: house.owing.wake(), TypeAdapter(None)),
    "recomputing": Call(
        lambda house: (house.recompute.progress().done, house.recompute.progress().total),
        TypeAdapter(tuple[int, int]),
    ),
}


def answer(house: House, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """The verb of main's control socket behind every call."""
    call = CALLS.get(str(arguments.get("call")))
    if call is None:
        raise RefusedError("The running main does not know this question; are its version and that of web the same?")
    return {"answer": call.answer.dump_python(call.run(house, *arguments.get("args", ())), mode="json")}


@dataclass(frozen=True, slots=True)
class Main:
    """Main as the web process sees it. Safe from several threads: each call has a connection of its own."""

    folder: DataFolder

    def call(self, name: str, *args: object) -> Any:
        """Ask main.

        Raises:
            BusyError: main does not run now.
            HouseError: what the function raised there.
        """
        found = ask(self.folder.control_socket, VERB, {"call": name, "args": list(args)})
        return CALLS[name].answer.validate_python(found["answer"])
