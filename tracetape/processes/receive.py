"""The receiver process: small, no Presidio and no engine in it, accepting within seconds whatever the backlog."""

from __future__ import annotations

from collector.receiver import ReceiverSettings, run_receiver
from tracetape.folder import DataFolder, read_status
from tracetape.settings import ServeSettings


def run(folder: DataFolder, name: str) -> int:
    """Receive until told to stop."""
    served = read_status(folder.part_file("receive", name) if name else folder.serve_file)
    status_path, ready_path = folder.receiver_files(name)
    ports, fds = served["ports"], served["fds"]
    if not isinstance(ports, dict) or not isinstance(fds, dict):
        raise TypeError("serve.json is not ours")
    settings = ServeSettings.model_validate({k: v for k, v in served.items() if k in ServeSettings.model_fields})
    return run_receiver(
        ReceiverSettings(
            host=settings.host,
            grpc_port=int(ports["grpc"]),
            http_port=int(ports["http"]),
            http_socket_fd=int(fds["http"]),
            spool=folder.spool,
            keys=folder.keys,
            ledger_url=settings.ledger or folder.ledger_url(),
            require_key=settings.keys_required(),
            max_request_bytes=settings.max_request_mb * 1024 * 1024,
            cors_origins=settings.origins(),
            tls=settings.tls(),
            status_path=status_path,
            ready_path=ready_path,
        )
    )
