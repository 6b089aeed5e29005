"""`tracetape receive`, `work`, `main` and `web`: what `serve` does, apart, on a ClickHouse server and PostgreSQL."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tracetape.commands.common import Data
from tracetape.settings import load_settings

Host = Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")]
Name = Annotated[str, typer.Option(help="Tells parts of the same kind on one data folder apart.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (receive, work, main, web):
        app.command(rich_help_panel="Parts, for several processes")(command)


def receive(
    data: Data = None,
    name: Name = "a",
    host: Host = None,
    grpc_port: Annotated[int | None, typer.Option(help="OTLP/gRPC port (default 4317, 0 = any).")] = None,
    http_port: Annotated[int | None, typer.Option(help="OTLP/HTTP port (default 4318, 0 = any).")] = None,
    require_key: Annotated[bool | None, typer.Option("--require-key", help="Refuse senders without a key.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM certificate chain for both OTLP ports.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM private key of that certificate.")] = None,
) -> None:
    """Receive only: seal into the spool of the data folder, and answer."""
    from tracetape.apart import Receive, run_part

    options = {
        "data": data, "host": host, "grpc_port": grpc_port, "http_port": http_port,
        "require_key": require_key, "tls_cert": tls_cert, "tls_key": tls_key,
    }  # fmt: skip
    raise SystemExit(run_part(Receive, load_settings(options), name))


def work(
    data: Data = None,
    name: Name = "a",
    workers: Annotated[int | None, typer.Option(help="Processes (default: one per core).")] = None,
) -> None:
    """Redact only: take sealed records that main hands out, on the volume that holds the spool."""
    from tracetape.apart import Work, run_part

    raise SystemExit(run_part(Work, load_settings({"data": data, "workers": workers}), name))


def main(data: Data = None) -> None:
    """Store, assemble, judge and alert, without receivers, workers and pages; one at a time per ledger."""
    from tracetape.apart import MainPart, run_part

    raise SystemExit(run_part(MainPart, load_settings({"data": data}), "main"))


def web(
    data: Data = None,
    name: Name = "a",
    host: Host = None,
    web_port: Annotated[int | None, typer.Option(help="Web and API port (default 4319, 0 = any).")] = None,
    public_url: Annotated[str | None, typer.Option(help="Address people use to reach the web.")] = None,
) -> None:
    """Pages and API only."""
    from tracetape.apart import Web, run_part

    options = {"data": data, "host": host, "web_port": web_port, "public_url": public_url}
    raise SystemExit(run_part(Web, load_settings(options), name))
