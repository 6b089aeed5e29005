"""`tracetape retention`, `tracetape pin` and `tracetape erase`: what goes when, what stays, and what goes for good."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from spans.errors import SettingsError
from tracetape.commands.common import Data, folder_of, run_verb, say
from tracetape.folder import DataFolder
from tracetape.settings import ServeSettings, load_settings

Project = Annotated[str, typer.Option(help="Project.")]
Override = Annotated[str, typer.Option(help="Why records go before six months are over; the access log will hold it.")]
DEFAULT = "default"


def register(app: typer.Typer) -> None:
    """Add the commands."""
    retention = typer.Typer(
        help="How long what is kept: preview, receipts, and periods of their own.", no_args_is_help=True
    )
    retention.command("preview")(preview)
    retention.command("receipts")(receipts)
    retention.command("set")(set_period)
    retention.command("unset")(unset_period)
    app.add_typer(retention, name="retention")
    app.command()(pin)
    app.command()(erase)
    app.command()(erasures)


def preview(data: Data = None) -> None:
    """Say what the next round of retention would remove, by day and table."""
    settings = load_settings({"data": data})
    answer = run_verb(settings, folder_of(settings), "retention_preview", {})
    for day in answer["days"]:
        rows = ", ".join(f"{count:,} {table}" for table, count in day["rows"].items() if count)
        say(f"{day['day']}  {day['kind']}  {rows}")
    if not answer["days"]:
        say("nothing has expired")
    if answer["pinned"]:
        say(f"{answer['pinned']:,} runs are pinned and stay")


def receipts(limit: Annotated[int, typer.Option(help="How many.")] = 50, data: Data = None) -> None:
    """Print the receipts of what was removed, newest first, one JSON object a line."""
    settings = load_settings({"data": data})
    for receipt in run_verb(settings, folder_of(settings), "retention_receipts", {"limit": limit})["receipts"]:
        say(json.dumps(receipt, sort_keys=True))


def set_period(
    content: Annotated[int, typer.Option(help="Days that messages and arguments are kept.")],
    metadata: Annotated[int, typer.Option(help="Days that runs, steps and numbers are kept.")],
    project: Project = DEFAULT,
    workflow: Annotated[str, typer.Option(help="Only this workflow; default the whole project.")] = "",
    records: Annotated[
        bool, typer.Option("--records", help="Keep it as records: everything but content six months at least.")
    ] = False,
    override: Override = "",
    data: Data = None,
) -> None:
    """Keep a project, or one of its workflows, for a period of its own."""
    settings = load_settings({"data": data})
    arguments = {
        "project": project, "workflow": workflow, "content": content, "metadata": metadata,
        "records": records, "override": override,
    }  # fmt: skip
    run_verb(settings, folder_of(settings), "retention_set", arguments)
    say(f"{workflow or project}: content {content} days, everything else {metadata} days")


def unset_period(
    project: Project = DEFAULT,
    workflow: Annotated[str, typer.Option(help="Only this workflow; default the whole project.")] = "",
    override: Override = "",
    data: Data = None,
) -> None:
    """Go back to the default period."""
    settings = load_settings({"data": data})
    arguments = {"project": project, "workflow": workflow, "override": override}
    done = run_verb(settings, folder_of(settings), "retention_unset", arguments)
    say("back to the default" if done["removed"] else "there was no period of its own")


def pin(
    run: Annotated[str, typer.Argument(help="Run or trace id.")],
    reason: Annotated[str, typer.Option(help="incident, legal_hold, golden or person.")] = "person",
    lift: Annotated[bool, typer.Option("--lift", help="Let it expire again.")] = False,
    project: Project = DEFAULT,
    data: Data = None,
) -> None:
    """Keep a run beyond its retention, or let it expire again."""
    settings = load_settings({"data": data})
    arguments = {"project": project, "run": run, "reason": reason, "lift": lift}
    done = run_verb(settings, folder_of(settings), "pin", arguments)
    say(f"{done['run_id']} {'may expire again' if lift else 'is kept'} ({reason})")


def erase(
    run: Annotated[str, typer.Option("--run", help="Erase this run.")] = "",
    person: Annotated[
        bool, typer.Option("--person", help="Erase the person whose value stands on standard input.")
    ] = False,
    entity: Annotated[str, typer.Option(help="What the value is: PERSON, EMAIL_ADDRESS, PHONE_NUMBER, …")] = "PERSON",
    pseudonym: Annotated[str, typer.Option(help="Erase the person this pseudonym stands for.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Really erase; without it only what would go is said.")] = False,
    override: Override = "",
    project: Project = DEFAULT,
    data: Data = None,
) -> None:
    """Erase a run, or every run that holds a person, for good; prints the certificate when the bytes are gone."""
    settings = load_settings({"data": data})
    folder = folder_of(settings)
    if sum((bool(run), person, bool(pseudonym))) != 1:
        raise SettingsError("Say what to erase: one of --run ID, --person or --pseudonym TOKEN.")
    if person:
        from tracetape.redact_text import pseudonyms_of

        # Read from standard input, so that the name is in no shell history and no list of processes.
        found = pseudonyms_of(sys.stdin.read().strip(), entity, folder, settings, project)
        targets = [token.text for token in found]  # one for each key that was ever in force
        say(f"stands as {', '.join(targets)}")
    else:
        targets = [run or pseudonym]
    for target in targets:
        subject = "run" if run else "person"
        arguments = {"project": project, "subject": subject, "target": target, "override": override}
        _erase_one(settings, folder, arguments, yes=yes)


def _erase_one(settings: ServeSettings, folder: DataFolder, arguments: dict[str, Any], *, yes: bool) -> None:
    if yes:
        say(json.dumps(run_verb(settings, folder, "erase", arguments), indent=2, sort_keys=True))
        return
    found = run_verb(settings, folder, "erase_preview", arguments)
    rows = ", ".join(f"{count:,} {table}" for table, count in found["rows"].items() if count) or "nothing"
    say(f"would erase {found['traces']:,} traces: {rows}; add --yes to do it")
    if found["is_record"] or found["pinned"].get("legal_hold"):
        say("some of it is kept for a dispute or as records: --override REASON is needed")
    sealed = {**found["sealed"], "items of the spool": found["spool_items"]}
    look = ", ".join(f"{count:,} {what.replace('_', ' ')}" for what, count in sealed.items() if count)
    if look:
        say(
            f"would look through {look}; a sealed record that holds it, or that nobody can look through, goes as a whole"
        )


def erasures(
    project: Annotated[str, typer.Option(help="Only this project; default all.")] = "",
    data: Data = None,
) -> None:
    """Print the certificate of every erasure, one JSON object a line; unfinished ones say what they wait for."""
    settings = load_settings({"data": data})
    for one in run_verb(settings, folder_of(settings), "erasures", {"project": project})["erasures"]:
        say(json.dumps(one, sort_keys=True))
