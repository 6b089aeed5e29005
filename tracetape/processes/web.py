"""The web process, when pages are served apart: reads store and ledger itself, asks main for what only main knows."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from collector.broker import WITHHELD_FOLDER, BrokerStatus
from collector.spool.sidestore import SideStore
from insights.alerts.backtest import Episode, backtest
from insights.alerts.rule import Rule
from spans.erasure import ErasureOutlook, Waiting
from spans.errors import BusyError, HouseError
from spans.health import QuarantinedRecord, RedactionFigures
from store import open_store
from store.api import Store
from store.ledger import Ledger
from store.ledger.owed import Owed
from tracetape import __version__
from tracetape.alerting.answers import history_of
from tracetape.alerting.targets import target_check
from tracetape.beside import beside_bytes
from tracetape.demo.test_run import send_test_run
from tracetape.folder import DataFolder, read_status, write_status
from tracetape.forwarding.journal import forward_status
from tracetape.house import DAY_NS
from tracetape.judges import Judges
from tracetape.keeping import retention_rules
from tracetape.overrides import Overrides
from tracetape.owing import rules_owed, runs_owed, workflow_owed
from tracetape.processes.main import endpoints_of, page_server, sign_in_link
from tracetape.receivers import ingest_status
from tracetape.settings import ServeSettings
from tracetape.web_calls import Main
from web.app import create_app
from web.links import parse_links
from web.services import Services
from web.settings import WebSettings

logger = logging.getLogger(__name__)

WAIT_S = 0.2
_OWN = ("host", "web_port", "public_url", "links", "store", "ledger", "tls_cert", "tls_key")


def run(folder: DataFolder, name: str) -> int:
    """Wait until main has brought both schemas up to date, then serve pages until told to stop."""
    place = folder.part_file("web", name)
    served = read_status(place)
    fds = served["fds"]
    if not isinstance(fds, dict):
        raise TypeError(f"{place.name} is not ours")
    while not read_status(folder.main_status).get("ready"):
        time.sleep(WAIT_S)
    settings = _settings(served, read_status(folder.serve_file))
    ledger = Ledger.open(settings.ledger or folder.ledger_url())
    store = open_store(settings.store)
    app = create_app(
        _services(folder, settings, store, ledger), WebSettings(public_url=settings.public_url, host=settings.host)
    )
    server = page_server(app)
    ready = folder.part_file("web-ready", name)
    write_status(ready, {"pid": os.getpid(), "ready": True, "sign_in": sign_in_link(ledger)})
    try:
        asyncio.run(server.serve(sockets=[socket.socket(fileno=int(fds["web"]))]))
    finally:
        ready.unlink(missing_ok=True)
        store.close()
        ledger.close()
    return 0


def _settings(own: Mapping[str, object], mains: Mapping[str, object]) -> ServeSettings:
    """Pages speak of what main does (periods, rules, prices, forwarding): its settings, but for what is the web's own."""
    chosen = {**mains, **{name: own[name] for name in _OWN}}
    return ServeSettings.model_validate({k: v for k, v in chosen.items() if k in ServeSettings.model_fields})


def _first_receiver(folder: DataFolder, settings: ServeSettings) -> tuple[dict[str, int], bool]:
    """Its ports, and whether it asks for keys: what the pages tell senders. Main's settings while there is none."""
    for name in folder.receivers():
        told = read_status(folder.part_file("receive", name))
        if isinstance(ports := told.get("ports"), dict):
            known = {k: v for k, v in told.items() if k in ServeSettings.model_fields}
            return ports, ServeSettings.model_validate(known).keys_required()
    return {"grpc": settings.grpc_port, "http": settings.http_port}, settings.keys_required()


class _Desk:
    """`web.services.QuarantineDesk` on the other side of main's control socket."""

    def __init__(self, main: Main) -> None:
        self._main = main

    def list(self) -> tuple[QuarantinedRecord, ...]:
        found: tuple[QuarantinedRecord, ...] = self._main.call("quarantine_list")
        return found

    def redrive(self, name: str) -> int:
        return int(self._main.call("quarantine_redrive", name))

    def drop(self, name: str) -> int:
        return int(self._main.call("quarantine_drop", name))


class _Erasures:
    """`web.services.ErasureDesk` on the other side of main's control socket."""

    def __init__(self, main: Main) -> None:
        self._main = main

    def preview(self, project: str, subject: str, targets: Sequence[str]) -> ErasureOutlook:
        found: ErasureOutlook = self._main.call("erasure_preview", project, subject, list(targets))
        return found

    def erase(self, project: str, subject: str, targets: Sequence[str], by: str, override: str = "") -> tuple[str, ...]:
        begun: tuple[str, ...] = self._main.call("erasure_erase", project, subject, list(targets), by, override)
        return begun

    def waiting(self) -> Mapping[str, Waiting]:
        """Nobody knows while main is away; the list of erasures is read all the same."""
        try:
            found: Mapping[str, Waiting] = self._main.call("erasure_waiting")
        except HouseError:  # an older main does not know the question
            return {}
        return found


class _Owing:
    """Notes what main has to judge again. While main is away that waits in the ledger, and pages say so."""

    def __init__(self, ledger: Ledger, main: Main) -> None:
        self._ledger = ledger
        self._main = main
        self._is_away = False

    def note(self, things: list[Owed]) -> None:
        self._ledger.owed.add(things)
        self._tell()

    def waiting(self) -> int:
        """Changes that are saved and wait for main; 0 while main is there, which applies them at once."""
        if self._is_away and self._ledger.owed.count():
            self._tell()
        return self._ledger.owed.count() if self._is_away else 0

    def _tell(self) -> None:
        try:
            self._main.call("owing")
        except HouseError:  # an older main does not know the question, and looks by itself when it is new again
            self._is_away = True
        else:
            self._is_away = False


def _services(folder: DataFolder, settings: ServeSettings, store: Store, ledger: Ledger) -> Services:
    main, judges, overrides = Main(folder), Judges(ledger), Overrides(ledger, settings)
    owing = _Owing(ledger, main)
    ports, keys_required = _first_receiver(folder, settings)
    endpoints = endpoints_of(settings, {**ports, "web": settings.web_port})

    def call(name: str) -> Any:
        return lambda *args: main.call(name, *args)

    def or_else(name: str, otherwise: Callable[[], Any]) -> Any:
        """Pages are read, and what was saved on them is seen, while main restarts."""

        def ask(*args: object) -> Any:
            try:
                return main.call(name, *args)
            except BusyError:
                return otherwise()

        return ask

    def hidden() -> (
        RedactionFigures
    ):  # every page tells when texts were withheld; their originals lie in the shared folder
        return RedactionFigures(
            mode=settings.redaction, withheld_waiting=len(SideStore(folder.spool / WITHHELD_FOLDER).list())
        )

    def tried(project: str, rule: Rule, days: int) -> tuple[Episode, ...]:
        until_ns = time.time_ns()
        since_ns = until_ns - days * DAY_NS
        history = history_of(project, rule, store, ledger, since_ns, until_ns, judges.budget_of)
        return backtest(project, rule, history, since_ns, until_ns)

    def overruled(project: str | None) -> None:
        overrides.changed()
        owing.note(rules_owed(project))

    return Services(
        store=store,
        ledger=ledger,
        redact_text=call("redact_text"),
        health=call("health"),
        ingest=or_else("ingest", lambda: ingest_status(folder, BrokerStatus())),  # the dot says that nobody redacts
        endpoints=endpoints,
        send_test_run=lambda: send_test_run(endpoints.http, None, settings.tls_cert),
        version=__version__,
        keys_required=keys_required,
        redaction_mode=settings.redaction,
        metrics=call("metrics"),
        firing=ledger.incidents.firing,
        retention_rules=lambda: retention_rules(settings, ledger),
        disk=or_else("disk", lambda: (0.0, ())),
        backtest=tried,
        rule_errors=or_else("rule_errors", dict),
        check_target=target_check(settings.alert_networks),
        explain_text=call("explain_text"),
        pseudonyms=call("pseudonyms"),
        redaction=or_else("redaction", hidden),
        retry_withheld=call("retry_withheld"),
        quarantine=_Desk(main),
        erasures=_Erasures(main),
        beside_bytes=lambda: beside_bytes(folder),
        judge_again=lambda project, runs: owing.note(runs_owed(project, runs)),
        judge_workflow=lambda project, workflow: owing.note(workflow_owed(project, workflow)),
        overruled=overruled,
        recomputing=or_else("recomputing", lambda: (0, 0)),
        waiting=owing.waiting,
        forward=lambda: forward_status(settings.forward_url, ledger, logs=settings.forward_logs),
        links=parse_links(settings.links),
        file_prices=overrides.file_prices,
        file_rules=overrides.rules_of_file,
    )
