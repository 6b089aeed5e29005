"""`tracetape export --run`, `verify` and `compare`: recordings as files, their proof, and two of them side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from replay.bundle import check_bundle
from replay.compare import one_line
from replay.proof import Verdict
from spans.errors import SettingsError
from tracetape.commands.common import Data, folder_of, run_verb, say
from tracetape.commands.evaluate import parse_period_ns
from tracetape.settings import load_settings

Project = Annotated[str, typer.Option("--project", help="Project of the run; default the first that has it.")]
AsJson = Annotated[bool, typer.Option("--json", help="The answer as JSON.")]
MOST_SHOWN = 20
ALTERED_CODE = 3
UNSEALED_CODE = 4


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(verify)
    app.command()(compare)
    app.command()(whatif)


def export_run(run: str, out: Path | None, project: str, data: Path | None) -> None:
    """Write one run to a file: its recording, the evidence behind it and its proof, all redacted.

    Raises:
        SettingsError: the file has neither of the two endings.
    """
    settings = load_settings({"data": data})
    target = (out or Path(f"{run}.zip")).expanduser().resolve()
    if target.suffix not in {".zip", ".json"}:
        raise SettingsError("--out must end in .zip (with proof) or .json (the recording alone).")
    done = run_verb(settings, folder_of(settings), "export_run", {"run": run, "out": str(target), "project": project})
    say(f"{done['out']}: {done['bytes']:,} bytes" + (f", root {done['root']}" if target.suffix == ".zip" else ""))


def verify(
    what: Annotated[str, typer.Argument(help="A run id, or an exported file.")],
    root: Annotated[str, typer.Option("--root", help="The root you kept, to check a file against.")] = "",
    project: Project = "",
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Check that a run, or an exported file of one, is what was sealed. A file needs no server and no data folder.

    Exit code 0: intact, or its content expired or was erased as certified. 3: altered. 4: not sealed yet.
    """
    file = Path(what)
    if file.is_file():
        found: Mapping[str, Any] = _checked_file(file, root)
    else:
        settings = load_settings({"data": data})
        found = run_verb(settings, folder_of(settings), "verify_run", {"run": what, "project": project})
        if root and root.lower() != found["root"]:
            found = {**found, "verdict": Verdict.ALTERED.value, "sentence": "Altered: its root is not the one given."}
    if as_json:
        say(json.dumps(found, indent=2, default=str))
    else:
        say(f"{found['verdict']}: {one_line(found['sentence'])}")
        if found["root"]:
            say(f"root {found['root']}, {found['chapters']} chapter(s), {found['leaves']} pieces of evidence")
        for one in found["touched"][:MOST_SHOWN]:
            name = f" {one_line(one['name'])}" if one["name"] else ""
            say(f"  {one['state']}: {one['kind']} {one_line(one['item_id'])}{name}: {one_line(one['sentence'])}")
        if len(found["touched"]) > MOST_SHOWN:
            say(f"  and {len(found['touched']) - MOST_SHOWN} more; --json names them all")
    code = {Verdict.ALTERED.value: ALTERED_CODE, Verdict.UNSEALED.value: UNSEALED_CODE}.get(found["verdict"], 0)
    if code:
        raise typer.Exit(code)


def _checked_file(file: Path, root: str) -> Mapping[str, Any]:
    found = check_bundle(file.read_bytes(), root=root)
    return {name: getattr(found, name) for name in found.__slots__ if name != "touched"} | {
        "touched": [{name: getattr(one, name) for name in one.__slots__} for one in found.touched]
    }


def compare(
    left: Annotated[str, typer.Argument(help="A run id: the one that is known to be good.")],
    right: Annotated[str, typer.Argument(help="Another run id.")],
    project: Project = "",
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Compare two runs step by step: what is the same, where they part first, and why. Exit code 3 when they part."""
    settings = load_settings({"data": data})
    arguments = {"left": left, "right": right, "project": project}
    found = run_verb(settings, folder_of(settings), "compare_runs", arguments)
    say(json.dumps(found["json"], indent=2) if as_json else found["text"])
    if found["json"]["verdict"] != "same":
        raise typer.Exit(ALTERED_CODE)


def whatif(
    policy: Annotated[Path, typer.Argument(help="The candidate: a policy file (YAML).")],
    since: Annotated[str, typer.Option(help="How far back: 24h, 7d or 30d.")] = "30d",
    project: Annotated[str, typer.Option(help="Project whose runs are judged.")] = "default",
    workflow: Annotated[str, typer.Option(help="Only runs of this workflow.")] = "",
    environment: Annotated[str, typer.Option(help="Only runs of this environment.")] = "",
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """What would this policy have meant for stored runs: which calls it denies, which successful runs it would have cut."""
    try:
        text = policy.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{policy} cannot be read as a policy file: {error}.") from error
    settings = load_settings({"data": data})
    found = run_verb(
        settings,
        folder_of(settings),
        "whatif",
        {
            "policy": text,
            "file": policy.name,
            "since_ns": parse_period_ns(since),
            "project": project,
            "workflow": workflow,
            "environment": environment,
        },
    )
    if as_json:
        say(json.dumps(found, indent=2))
        return
    say(found["sentence"])
    for group in found["groups"]:
        rule = f" by {group['rule']}" if group["rule"] else ""
        shape = f"({one_line(group['arguments_shape'])})" if group["arguments_shape"] else ""
        told = f"  {group['change'].replace('_', ' '):16} {one_line(group['tool']) or '(no name)'}{shape}{rule}: {group['calls']:,} calls"
        if group["runs"] is not None:
            told += f" in {group['runs']:,} runs, {group['successful_runs']:,} of them successful"
        say(told)
        for example in group["examples"]:
            say(f"    {example['run_id']}  step {example['span_id']}")
    if found["kinds"] > len(found["groups"]):
        say(f"  … and {found['kinds'] - len(found['groups']):,} more kinds of calls, the smallest ones.")
    for limit in found["limits"]:
        say(
            f"  {limit['rule']}: {limit['runs']:,} runs would have stopped, {limit['successful_runs']:,} of them successful, "
            f"saving ${limit['saved_usd']}; {limit['cannot_evaluate']:,} cannot be evaluated"
        )
        for stop in limit["examples"]:
            if stop["span_id"]:
                say(
                    f"    {stop['run_id']}  before call {stop['call']}, after {stop['after_s']} s, saving ${stop['saved_usd']}"
                )
