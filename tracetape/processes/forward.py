"""The forwarder process: sends redacted spans to one other backend, behind the same guard as the notifier."""

from __future__ import annotations

import signal

from insights.alerts.targets import parse_networks
from tracetape.control import ask
from tracetape.folder import DataFolder, read_status
from tracetape.forwarding.post import poster
from tracetape.forwarding.sender import Forwarder
from tracetape.notifier.guard import install
from tracetape.settings import ServeSettings


def run(folder: DataFolder, _name: str) -> int:
    """Send until told to stop."""
    served = read_status(folder.serve_file)
    settings = ServeSettings.model_validate({k: v for k, v in served.items() if k in ServeSettings.model_fields})
    install(parse_networks(settings.alert_networks.split(",")), local=lambda: str(folder.control_socket))
    forwarder = Forwarder(
        lambda verb, arguments: ask(folder.control_socket, verb, arguments),
        poster(settings.forward_url, settings.forward_header_map()),
    )
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: forwarder.stop())
    forwarder.run()
    return 0
