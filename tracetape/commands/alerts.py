"""`tracetape alerts`: rules from a file, a back-test, channels and a test message; the same things the pages do."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from insights.alerts.rule import Severity
from insights.alerts.rule_file import parse_alerts, parse_rule, rule_yaml
from insights.alerts.targets import apprise_scheme, webhook_host
from spans.errors import RefusedError
from tracetape.alerting.targets import target_check
from tracetape.commands.common import Data, folder_of, run_verb, say
from tracetape.settings import load_settings

Project = Annotated[str, typer.Option(help="Project whose alerts are meant.")]
SOURCE = "alerts.source"
WHO = "command line"

group = typer.Typer(help="Alert rules and the channels they speak through.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="alerts")


@group.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(help="alerts.yaml with rules and silences.")],
    data: Data = None,
    project: Project = "default",
) -> None:
    """Make the rules of a file the rules in force; the page becomes read-only until `release`."""
    from tracetape.house import open_ledger

    parsed = parse_alerts(_text(file), file=file.name)
    settings = load_settings({"data": data})
    ledger = open_ledger(settings, folder_of(settings))
    ledger.audit.append(WHO, "rule_change", target=file.name, detail={"did": "apply"}, project=project)
    wanted = {rule.rule_id: rule for rule in parsed.rules}
    for kept in ledger.alert_rules.list(project):
        if kept.rule_id not in wanted:
            ledger.alert_rules.remove(project, kept.rule_id, WHO)
            say(f"{kept.rule_id}: removed")
    for rule in wanted.values():
        ledger.alert_rules.put(project, rule.rule_id, rule_yaml(rule), WHO)
    known = {(s.rule_id, s.workflow, s.until_ns) for s in ledger.alert_rules.silences(project)}
    for silence in parsed.silences:
        if (silence.rule_id, silence.workflow, silence.until_ns) not in known:
            ledger.alert_rules.silence(
                project, silence.rule_id, silence.workflow, silence.until_ns, silence.reason, WHO
            )
    ledger.settings.put(f"{SOURCE}.{project}", "file")
    channels = {channel.name for channel in ledger.channels.list(project)} | {"owner"}
    for name in sorted({to for rule in wanted.values() for to in rule.to} - channels):
        typer.echo(f"There is no channel {name} yet: tracetape alerts channel {name} --kind webhook", err=True)
    say(f"{len(wanted)} rules in force")


@group.command("release")
def release(data: Data = None, project: Project = "default") -> None:
    """Let people change the rules on the page again."""
    from tracetape.house import open_ledger

    settings = load_settings({"data": data})
    ledger = open_ledger(settings, folder_of(settings))
    ledger.audit.append(WHO, "rule_change", detail={"did": "release"}, project=project)
    ledger.settings.put(f"{SOURCE}.{project}", "")
    say("the rules can be changed on the page")


@group.command("list")
def list_rules(data: Data = None, project: Project = "default") -> None:
    """Print the rules in force as a file that `apply` takes, and what fires now on standard error."""
    from tracetape.house import open_ledger

    settings = load_settings({"data": data})
    ledger = open_ledger(settings, folder_of(settings))
    say("rules:")
    for kept in ledger.alert_rules.list(project):
        lines = rule_yaml(parse_rule(kept.body, file=kept.rule_id)).splitlines()
        say("\n".join([f"  - {lines[0]}", *(f"    {line}" for line in lines[1:])]))
    for alert in ledger.alerts.load(project, state="firing"):
        typer.echo(f"firing: {alert.rule_id}  {alert.reading.sentence}", err=True)


@group.command("backtest")
def backtest(
    file: Annotated[Path, typer.Argument(help="File with one rule, or a whole alerts.yaml.")],
    days: Annotated[int, typer.Option(min=1, max=90, help="How far back.")] = 14,
    data: Data = None,
    project: Project = "default",
) -> None:
    """Print when the rules would have fired; nothing is saved and nobody is told."""
    text = _text(file)
    rules = parse_alerts(text, file=file.name).rules if "rules:" in text else (parse_rule(text, file=file.name),)
    settings = load_settings({"data": data})
    for rule in rules:
        arguments = {"project": project, "rule": rule_yaml(rule), "days": days}
        found = run_verb(settings, folder_of(settings), "alerts_backtest", arguments)["episodes"]
        say(f"{rule.rule_id}: would have fired {len(found)} times in the last {days} days")
        for episode in found:
            at = datetime.fromtimestamp(episode["began_ns"] / 1e9, UTC)
            say(f"  {at:%Y-%m-%d %H:%M}Z  {episode['workflow']}  {episode['sentence']}")


@group.command("channel")
def channel(
    name: Annotated[str, typer.Argument(help="Small letters, digits and dashes.")],
    kind: Annotated[str, typer.Option(help="webhook or apprise.")],
    min_severity: Annotated[Severity, typer.Option(help="The least that is sent there.")] = Severity.TICKET,
    data: Data = None,
    project: Project = "default",
) -> None:
    """Make or re-aim a channel. Its address is read from standard input, so that it reaches no shell history.

    `env:NAME` or `file:/path` instead of an address keeps it out of the ledger. A new webhook's signing secret is printed
    once.
    """
    from tracetape.house import open_ledger

    settings = load_settings({"data": data})
    address = sys.stdin.read().strip()
    if kind not in {"webhook", "apprise"}:
        raise RefusedError(f"--kind is {kind!r}; use webhook or apprise.")
    if not address.startswith(("env:", "file:")):
        if kind == "webhook":
            target_check(settings.alert_networks)(*webhook_host(address))
        else:
            apprise_scheme(address)
    ledger = open_ledger(settings, folder_of(settings))
    ledger.audit.append(WHO, "rule_change", target=f"channel {name}", detail={"did": "save"}, project=project)
    secret = ledger.channels.put(project, name, kind, address, min_severity.value)
    if secret:
        say(secret)


@group.command("test")
def send_test(
    name: Annotated[str, typer.Argument(help="The channel.")], data: Data = None, project: Project = "default"
) -> None:
    """Queue a test message; a running `serve` sends it within a second."""
    from tracetape.house import open_ledger

    settings = load_settings({"data": data})
    ledger = open_ledger(settings, folder_of(settings))
    if ledger.channels.get(project, name) is None:
        raise RefusedError(f"There is no channel {name!r} in project {project!r}.")
    ledger.outbox.put_test(project, name, "This is a test message from tracetape. The channel works.")
    say(f"a test message to {name} is on its way")


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError(f"{file} cannot be read as text: {error}.") from None
