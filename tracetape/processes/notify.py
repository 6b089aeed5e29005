"""The notifier process: sends what the ledger's outbox holds, behind a guard on every connection."""

from __future__ import annotations

import signal
import time

from insights.alerts.targets import parse_networks
from insights.policies import book_of
from store.ledger import Ledger
from tracetape.folder import DataFolder, read_status
from tracetape.notifier.guard import install
from tracetape.notifier.sender import Sender, SenderSettings
from tracetape.settings import ServeSettings


def run(folder: DataFolder, _name: str) -> int:
    """Send until told to stop."""
    served = read_status(folder.serve_file)
    settings = ServeSettings.model_validate({k: v for k, v in served.items() if k in ServeSettings.model_fields})
    ledger = Ledger.open(settings.ledger or folder.ledger_url())
    install(parse_networks(settings.alert_networks.split(",")))
    sender = Sender(
        ledger,
        SenderSettings(
            public_url=_public_url(settings, served),
            group_s=settings.alert_group_s,
            heartbeat_url=settings.heartbeat_url,
        ),
        time.time_ns,
        zone_of=lambda project, workflow: _zone(ledger, project, workflow),
    )
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: sender.stop())
    sender.run()
    ledger.close()
    return 0


def _zone(ledger: Ledger, project: str, workflow: str) -> str:
    """The zone of the workflow's policy."""
    policy = book_of(ledger.policies.current(project)).find(workflow)
    return policy.timezone if policy else "UTC"


def _public_url(settings: ServeSettings, served: dict[str, object]) -> str:
    ports = served.get("ports")
    port = ports["web"] if isinstance(ports, dict) else settings.web_port
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.public_url or f"http://{host}:{port}"
