"""The main process: store, assembly, insights, web. One of them holds the data folder's engine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping

import uvicorn
from fastapi import FastAPI

from spans.roles import Role
from store.ledger import Ledger
from tracetape import __version__
from tracetape.alerting.targets import target_check
from tracetape.beside import beside_bytes
from tracetape.control import ControlServer
from tracetape.demo.test_run import send_test_run
from tracetape.folder import DataFolder, read_status, write_status
from tracetape.forwarding.journal import forward_status
from tracetape.house import House
from tracetape.keeping import retention_rules
from tracetape.lease import Lease
from tracetape.metrics import metrics_of
from tracetape.owing import runs_owed, workflow_owed
from tracetape.quarantine_desk import QuarantineDesk
from tracetape.redaction_figures import redaction_figures
from tracetape.redaction_rules import rules_in_force
from tracetape.settings import ServeSettings
from tracetape.verbs import VERBS, load_demo
from web.app import create_app
from web.links import parse_links
from web.services import Endpoints, Services
from web.settings import WebSettings

logger = logging.getLogger(__name__)

DRAIN_S = 3.0
GRACE_S = 2
SIGN_IN_S = 86_400
READY_EVERY_S = 0.2


class PageServer(uvicorn.Server):
    """Uvicorn without its signal handling: the house has to be closed after the last answer."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ours are set by `page_server`."""
        yield


def run(folder: DataFolder, _name: str) -> int:
    """Open the house, serve the web, close the house."""
    served = read_status(folder.serve_file)
    ports, fds = served["ports"], served["fds"]
    if not isinstance(ports, dict) or not isinstance(fds, dict):
        raise TypeError("serve.json is not ours")
    settings = ServeSettings.model_validate({k: v for k, v in served.items() if k in ServeSettings.model_fields})
    status: dict[str, object] = {"pid": os.getpid(), "phase": "starting …", "ready": False}

    def progress(phase: str) -> None:
        status["phase"] = phase
        write_status(folder.main_status, status)

    lease = Lease(folder, settings.ledger) if settings.ledger else None
    if lease:
        lease.wait(progress)
    house = House.open(settings, folder, progress)
    house.start()
    control = ControlServer(folder.control_socket, house, VERBS)
    control.start()
    if "web" in fds:
        _serve_pages(house, ports, int(fds["web"]), status)
    else:
        _stay(house, status)
    progress("stopping …")
    control.stop()
    house.stop(DRAIN_S)
    if lease:
        lease.release()
    return 0


def _serve_pages(house: House, ports: dict[str, int], fd: int, status: dict[str, object]) -> None:
    """Answer until told to stop."""
    settings = house.settings
    app = create_app(
        _services(house, endpoints_of(settings, ports)), WebSettings(public_url=settings.public_url, host=settings.host)
    )
    server = page_server(app)
    status["sign_in"] = sign_in_link(house.ledger)
    threading.Thread(target=_report, args=(house, server, status), daemon=True).start()
    asyncio.run(server.serve(sockets=[socket.socket(fileno=fd)]))


def _stay(house: House, status: dict[str, object]) -> None:
    """Pages are served by a process of their own: work until told to stop. Workers may come and go."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    status.update(ready=True, phase="ready")
    write_status(house.folder.main_status, status)
    stop.wait()


def page_server(app: FastAPI) -> PageServer:
    """A server of the pages that ends at SIGTERM or SIGINT after its last answer."""
    server = PageServer(
        uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=GRACE_S, server_header=False)
    )
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: setattr(server, "should_exit", True))
    return server


def _report(house: House, server: uvicorn.Server, status: dict[str, object]) -> None:
    """Tell the supervisor how far we are until the first worker can redact."""
    while not server.should_exit:
        broker = house.broker.status()
        if server.started and broker.workers_ready:
            status["ready"] = True
            status["phase"] = "ready"
            write_status(house.folder.main_status, status)
            return
        status["phase"] = "loading language models for redaction …"
        write_status(house.folder.main_status, status)
        time.sleep(READY_EVERY_S)


def sign_in_link(ledger: Ledger) -> str:
    """A path that signs its first visitor in as owner."""
    token = ledger.links.create("sign_in", role=Role.ADMIN, name="owner", ttl_s=SIGN_IN_S)
    return f"/sign-in?token={token}"


def endpoints_of(settings: ServeSettings, ports: Mapping[str, int]) -> Endpoints:
    """The addresses of a process group as people write them."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    otlp = settings.otlp_scheme()
    web = settings.public_url or f"http://{host}:{ports['web']}"
    return Endpoints(
        grpc=f"{otlp}://{host}:{ports['grpc']}", http=f"{otlp}://{host}:{ports['http']}", web=web, public_url=web
    )


def _services(house: House, endpoints: Endpoints) -> Services:
    return Services(
        store=house.store,
        ledger=house.ledger,
        redact_text=house.broker.redact_text,
        health=house.health,
        ingest=house.ingest,
        endpoints=endpoints,
        send_test_run=lambda: send_test_run(endpoints.http, None, house.settings.tls_cert),
        load_demo=lambda: load_demo(house, endpoints.http),
        version=__version__,
        keys_required=house.settings.keys_required(),
        redaction_mode=house.settings.redaction,
        metrics=lambda: metrics_of(house),
        firing=house.ledger.incidents.firing,
        retention_rules=lambda: retention_rules(house.settings, house.ledger),
        disk=lambda: (house.housekeeper.disk().used, house.housekeeper.disk().held_back),
        backtest=house.backtest,
        rule_errors=lambda project: {r: s.error for r, s in house.alerts.status(project).items() if s.error},
        check_target=target_check(house.settings.alert_networks),
        explain_text=house.broker.explain_text,
        pseudonyms=house.broker.pseudonyms,
        redaction=lambda: redaction_figures(house),
        retry_withheld=lambda: house.again.retry(rules_in_force(house.settings).fingerprint)[0],
        quarantine=QuarantineDesk(lambda: house.broker.quarantine),
        erasures=house.erasure_desk,
        beside_bytes=lambda: beside_bytes(house.folder),
        judge_again=lambda project, runs: house.owing.note(runs_owed(project, runs)),
        judge_workflow=lambda project, workflow: house.owing.note(workflow_owed(project, workflow)),
        overruled=house.overruled,
        recomputing=lambda: (house.recompute.progress().done, house.recompute.progress().total),
        forward=lambda: forward_status(house.settings.forward_url, house.ledger, logs=house.settings.forward_logs),
        links=parse_links(house.settings.links),
        file_prices=house.overrides.file_prices,
        file_rules=house.overrides.rules_of_file,
    )
