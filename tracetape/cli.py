"""The command line. Every refusal is one sentence on standard error and exit code 2."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from spans.errors import HouseError, SettingsError
from spans.roles import Role
from tracetape import __version__
from tracetape.commands import COMMANDS
from tracetape.commands.common import Data, folder_of, run_verb, say, web_url
from tracetape.folder import DataFolder, is_held, read_status
from tracetape.settings import load_settings

app = typer.Typer(
    name="tracetape",
    help="The flight recorder for AI agents.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
keys_app = typer.Typer(help="API keys: for senders and for readers of the API.", no_args_is_help=True)
config_app = typer.Typer(help="The settings in force.", no_args_is_help=True)
app.add_typer(keys_app, name="keys")
app.add_typer(config_app, name="config")
quarantine_app = typer.Typer(
    help="Records that could not be processed, sealed until a person decides.", no_args_is_help=True
)
app.add_typer(quarantine_app, name="quarantine")

DEFAULT_PROJECT = "default"

for command in COMMANDS:
    command.register(app)


def main() -> None:
    """Run the command line and translate our errors at its border."""
    try:
        app()
    except HouseError as error:
        sys.stderr.write(f"tracetape: {error}\n")
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None


@app.command()
def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")] = None,
    grpc_port: Annotated[int | None, typer.Option(help="OTLP/gRPC port (default 4317, 0 = any).")] = None,
    http_port: Annotated[int | None, typer.Option(help="OTLP/HTTP port (default 4318, 0 = any).")] = None,
    web_port: Annotated[int | None, typer.Option(help="Web and API port (default 4319, 0 = any).")] = None,
    public_url: Annotated[str | None, typer.Option(help="Address people use to reach the web.")] = None,
    workers: Annotated[int | None, typer.Option(help="Redaction workers (default: one per core).")] = None,
    redaction: Annotated[str | None, typer.Option(help="full, rules or off (default full).")] = None,
    redaction_rules: Annotated[Path | None, typer.Option(help="YAML file with redaction rules.")] = None,
    require_key: Annotated[bool | None, typer.Option("--require-key", help="Refuse senders without a key.")] = None,
    tls_cert: Annotated[Path | None, typer.Option(help="PEM certificate chain for both OTLP ports.")] = None,
    tls_key: Annotated[Path | None, typer.Option(help="PEM private key of that certificate.")] = None,
    cors_origins: Annotated[str | None, typer.Option(help="Web sites whose pages may send telemetry.")] = None,
) -> None:
    """Receive, redact, store and show, in one command and without any other service."""
    from tracetape.supervisor import serve as run_serve

    raise SystemExit(run_serve(load_settings(locals_without(locals(), "run_serve"))))


def locals_without(values: dict[str, Any], *names: str) -> dict[str, Any]:
    """The options of a command as a mapping."""
    return {k: v for k, v in values.items() if k not in names}


@keys_app.command("create")
def keys_create(
    role: Annotated[Role, typer.Option(help="What the key may do.")],
    name: Annotated[str, typer.Option(help="What it is for; shown in the list of keys.")],
    project: Annotated[str, typer.Option(help="The project it belongs to.")] = DEFAULT_PROJECT,
    data: Data = None,
) -> None:
    """Create a key and print it once; works before and while the server runs."""
    from tracetape.house import open_ledger

    settings = load_settings({"data": data})
    ledger = open_ledger(settings, folder_of(settings))
    first_ingest = role is Role.INGEST and ledger.keys.count(Role.INGEST) == 0
    _, secret = ledger.keys.create(project, role, name)
    ledger.audit.append(
        "command line", "key_change", target=name, detail={"role": role.value, "did": "create"}, project=project
    )
    say(secret)
    if first_ingest:
        typer.echo(
            "Senders on this machine still work without a key; start serve with --require-key to refuse them.", err=True
        )


@keys_app.command("list")
def keys_list(data: Data = None) -> None:
    """List keys; the secrets themselves are never stored."""
    from tracetape.house import open_ledger

    settings = load_settings({"data": data})
    for key in open_ledger(settings, folder_of(settings)).keys.list():
        state = "revoked" if key.revoked_ns else "active"
        say(f"{key.key_id}  {key.role.value:9} {state:8} {key.project:16} {key.name}")


@keys_app.command("revoke")
def keys_revoke(key_id: Annotated[str, typer.Argument(help="The id shown by keys list.")], data: Data = None) -> None:
    """Revoke a key; it stops working within five seconds."""
    from tracetape.house import open_ledger

    settings = load_settings({"data": data})
    ledger = open_ledger(settings, folder_of(settings))
    ledger.keys.revoke(key_id)
    ledger.audit.append("command line", "key_change", target=key_id, detail={"did": "revoke"})
    say(f"revoked {key_id}")


@app.command()
def invite(
    role: Annotated[Role, typer.Option(help="viewer, reviewer, admin or auditor.")],
    name: Annotated[str, typer.Option(help="Who it is for.")] = "",
    data: Data = None,
) -> None:
    """Print an invitation link for one person, valid once and for 24 hours."""
    from tracetape.house import open_ledger

    if role is Role.INGEST:
        raise SettingsError("People cannot be invited as ingest; use keys create --role ingest for senders.")
    settings = load_settings({"data": data})
    folder = folder_of(settings)
    ledger = open_ledger(settings, folder)
    token = ledger.links.create("invitation", role=role, name=name)
    ledger.audit.append("command line", "member_change", target=name, detail={"role": role.value, "did": "invite"})
    say(f"{web_url(settings, folder)}/join?token={token}")


@app.command()
def demo(
    remove: Annotated[bool, typer.Option("--remove", help="Remove the demo project and everything in it.")] = False,
    data: Data = None,
) -> None:
    """Send a believable fleet of agents, two weeks of it, through the real receiver into the project `demo`."""
    settings = load_settings({"data": data})
    folder = folder_of(settings)
    if remove:
        removed = run_verb(settings, folder, "demo_remove", {})
        say(f"removed the demo project: {removed.get('runs', 0)} runs")
        return
    if not is_held(folder):
        raise SettingsError(
            f"No tracetape is running on {folder.root}. Start one with `tracetape serve`, then run `tracetape demo` again."
        )
    from tracetape.demo import DEMO_PROJECT
    from tracetape.demo.fleet import generate
    from tracetape.demo.owners import write_down
    from tracetape.demo.send import send
    from tracetape.house import open_ledger

    ports = read_status(folder.serve_file)["ports"]
    port = ports["http"] if isinstance(ports, dict) else settings.http_port
    ledger = open_ledger(settings, folder)
    write_down(ledger)
    _, secret = ledger.keys.create(DEMO_PROJECT, Role.INGEST, "demo loader")
    sent = send(
        f"http://{settings.host}:{port}", secret, generate(), progress=lambda n: typer.echo(f"sent {n} spans", err=True)
    )
    say(f"sent {sent} spans; open {web_url(settings, folder)}/?project={DEMO_PROJECT}")


@app.command()
def health(data: Data = None) -> None:
    """Print the delivery check: what every accepted item became."""
    settings = load_settings({"data": data})
    say(json.dumps(run_verb(settings, folder_of(settings), "health", {}), indent=2))


@app.command()
def doctor(data: Data = None) -> None:
    """Look for what will hurt later: keys, disk, clock, space, delivery. Exit code 1 when something is bad."""
    from tracetape.doctor import Patient, State, examine

    settings = load_settings({"data": data})
    folder = folder_of(settings)
    delivery = run_verb(settings, folder, "health", {}) if is_held(folder) else None
    marks = {State.OK: "ok  ", State.WARN: "warn", State.BAD: "BAD "}
    findings = examine(Patient(folder, settings, delivery))
    for finding in findings:
        say(f"{marks[finding.state]}  {finding.check:12} {finding.sentence}")
        if finding.advice:
            say(f"                    {finding.advice}")
    raise SystemExit(1 if any(f.state is State.BAD for f in findings) else 0)


@app.command()
def renormalise(
    since: Annotated[
        datetime | None, typer.Option(help="Only what was received since this moment (UTC); default all.")
    ] = None,
    data: Data = None,
) -> None:
    """Apply today's rules to stored evidence: kinds, tokens, names, cost and trees of runs are computed anew."""
    settings = load_settings({"data": data})
    since_ns = int(since.replace(tzinfo=UTC).timestamp() * 1e9) if since else 0
    done = run_verb(settings, folder_of(settings), "renormalise", {"since_ns": since_ns})
    say(f"read {done['items']} spans and logs of {done['traces']} traces with rules version {done['rules_version']}")


@app.command()
def redact(
    policy: Annotated[
        Path | None, typer.Option(help="YAML file with redaction rules (default: the built-in rules).")
    ] = None,
    project: Annotated[str, typer.Option(help="Whose pseudonyms to use.")] = DEFAULT_PROJECT,
    key: Annotated[str, typer.Option(help="The key the text would stand under, as context.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the text and its notes as JSON.")] = False,
    data: Data = None,
) -> None:
    """Dry run: print standard input as it would be stored; nothing is stored. Notes go to standard error."""
    from tracetape.redact_text import dry_run

    settings = load_settings({"data": data, "redaction_rules": policy})
    folder = DataFolder(settings.data.expanduser().resolve())
    clean = dry_run(sys.stdin.buffer.read(), folder, settings, project=project, key=key)
    if as_json:
        notes = [{"path": n.path, "entity": n.entity, "operator": n.operator} for n in clean.notes]
        say(json.dumps({"text": clean.text, "redactions": notes, "fingerprint": clean.fingerprint}))
        return
    typer.echo(clean.text, nl=False)
    for note in clean.notes:
        typer.echo(f"{note.entity:16} {note.operator:10} {note.path or '/'}", err=True)


@app.command()
def pseudonym(
    entity: Annotated[str, typer.Option(help="What it is, such as PERSON or EMAIL_ADDRESS.")],
    project: Annotated[str, typer.Option(help="Whose pseudonyms to use.")] = DEFAULT_PROJECT,
    data: Data = None,
) -> None:
    """Print the pseudonym that stands for a value read from standard input, to find somebody's runs.

    After a rotation of the key there is a line for every key, newest first, each with the key's id.

    The value is read from standard input and not from an argument, so that it reaches no shell history.
    """
    from tracetape.redact_text import pseudonyms_of

    settings = load_settings({"data": data})
    folder = DataFolder(settings.data.expanduser().resolve())
    tokens = pseudonyms_of(sys.stdin.read().strip(), entity, folder, settings, project)
    for token in tokens:
        say(token.text if len(tokens) == 1 else f"{token.text}\t{token.key_id}")


@quarantine_app.command("list")
def quarantine_list(data: Data = None) -> None:
    """List what is set aside: its name, how many items, and why. Never any of its content."""
    settings = load_settings({"data": data})
    records = run_verb(settings, folder_of(settings), "quarantine_list", {})["records"]
    for kept in records:
        say(f"{kept['name']}  {kept['items']:>6} {kept['signal']:5} {kept['project']:16} {kept['reason']}")
    if not records:
        typer.echo("Nothing is in quarantine.", err=True)


@quarantine_app.command("redrive")
def quarantine_redrive(
    name: Annotated[str, typer.Argument(help="The name shown by quarantine list.")] = "",
    everything: Annotated[bool, typer.Option("--all", help="Every record that can be tried again.")] = False,
    data: Data = None,
) -> None:
    """Try a record again, after an update or a change of rules."""
    if bool(name) == everything:
        raise SettingsError("Name one record, or say --all.")
    settings = load_settings({"data": data})
    done = run_verb(settings, folder_of(settings), "quarantine_redrive", {"name": name, "all": everything})
    say(f"{done['items']} items are on their way again")


@quarantine_app.command("drop")
def quarantine_drop(
    name: Annotated[str, typer.Argument(help="The name shown by quarantine list.")], data: Data = None
) -> None:
    """Destroy a record for good; its items are counted as dropped by a person."""
    settings = load_settings({"data": data})
    done = run_verb(settings, folder_of(settings), "quarantine_drop", {"name": name})
    say(f"{done['items']} items were destroyed")


@config_app.command("show")
def config_show(data: Data = None) -> None:
    """Print every setting with its value; addresses that may hold a password show as stars."""
    for name, value in load_settings({"data": data}).masked().items():
        say(f"{name} = {value}")


@app.command("detect")
def detect_series(
    method: Annotated[str, typer.Option(help="record (any metric) or spend (hourly amounts).")],
) -> None:
    """Read CSV `ts,value` on standard input and print one causal score per row."""
    from tracetape.detect import Method, detect

    if method not in set(Method):
        raise SettingsError(f"--method is {method!r}; use {' or '.join(Method)}.")
    for score in detect(Method(method), sys.stdin):
        say(repr(score))


@app.command()
def version() -> None:
    """Print the version."""
    say(__version__)
