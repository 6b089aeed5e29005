"""The forwarder process: sends redacted spans and log records to one other backend, behind the same guard as the notifier."""

from __future__ import annotations

import signal
import threading

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
    forwarders = [
        Forwarder(
            lambda verb, arguments: ask(folder.control_socket, verb, arguments),
            poster(settings.forward_url, settings.forward_header_map(), which),
            which,
        )
        for which in settings.forward_signals()
    ]

    def stop(*_: object) -> None:
        for forwarder in forwarders:
            forwarder.stop()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, stop)
    # One that waits for its destination keeps the other from nothing.
    threads = [threading.Thread(target=forwarder.run, name="forwarder") for forwarder in forwarders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return 0
