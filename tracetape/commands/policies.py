"""`tracetape policies`: apply a folder of policy files, list what is in force, show a version."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from spans.errors import RefusedError
from tracetape.commands.common import Data, folder_of, run_verb, say
from tracetape.folder import is_held
from tracetape.settings import load_settings

Project = Annotated[str, typer.Option(help="Project whose policies are meant.")]
MOST_FILES = 2_000
MOST_BYTES = 64 * 1024
"""What `insights.policy_file` takes of one file; more is refused before it is read."""

group = typer.Typer(help="Tool policies, budgets and targets. They observe and report; they block nothing.")


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(group, name="policies")


@group.command("apply")
def apply(
    folder: Annotated[Path, typer.Argument(help="Folder with *.yaml files, one policy each; subfolders too.")],
    data: Data = None,
    project: Project = "default",
) -> None:
    """Make the files of a folder the policies in force; the page becomes read-only until `release`."""
    settings = load_settings({"data": data})
    opened = folder_of(settings)
    alone = not is_held(opened)
    answer = run_verb(
        settings,
        opened,
        "policies_apply",
        {"project": project, "folder": folder.name, "files": _files(folder), "alone": alone},
    )
    for change in answer["changes"]:
        say(f"{change['workflow']}: version {change['number']}, {change['did']}")
    say(f"{answer['runs']:,} stored runs {'were judged' if alone else 'are being judged'} again")


def _files(folder: Path) -> dict[str, str]:
    if not folder.is_dir():
        raise RefusedError(f"{folder} is not a folder. Give the folder that holds the policy files.")
    found = sorted(p for p in folder.rglob("*") if p.suffix in {".yaml", ".yml"} and p.is_file())
    if not found:
        raise RefusedError(f"{folder} holds no *.yaml file, so nothing was changed.")
    if len(found) > MOST_FILES:
        raise RefusedError(f"{folder} holds more than {MOST_FILES:,} files.")
    files: dict[str, str] = {}
    for path in found:
        name = path.relative_to(folder).as_posix()
        if path.stat().st_size > MOST_BYTES:
            raise RefusedError(f"{name}: larger than {MOST_BYTES // 1024} KiB. Write one policy per workflow.")
        try:
            files[name] = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RefusedError(f"{name}: cannot be read as UTF-8 text ({type(error).__name__}).") from None
    return files


@group.command("release")
def release(data: Data = None, project: Project = "default") -> None:
    """Let people edit policies on the page again."""
    settings = load_settings({"data": data})
    run_verb(settings, folder_of(settings), "policies_release", {"project": project})
    say(f"The policies of {project} can be edited on their page.")


@group.command("list")
def listing(data: Data = None, project: Project = "default") -> None:
    """What is in force."""
    settings = load_settings({"data": data})
    found = run_verb(settings, folder_of(settings), "policies_list", {"project": project})["policies"]
    for one in found:
        at = datetime.fromtimestamp(one["created_ns"] / 1e9, UTC)
        say(f"{one['workflow']}: version {one['number']} ({one['digest']}), {at:%Y-%m-%d %H:%M} UTC, {one['source']}")
    if not found:
        say(f"Project {project} has no policy.")


@group.command("show")
def show(
    workflow: Annotated[str, typer.Argument(help="The workflow, or '*'.")],
    data: Data = None,
    project: Project = "default",
    number: Annotated[int, typer.Option("--version", help="Which version (default: the one in force).")] = 0,
) -> None:
    """Print one version."""
    settings = load_settings({"data": data})
    found = run_verb(
        settings, folder_of(settings), "policies_show", {"project": project, "workflow": workflow, "number": number}
    )
    say(found["text"].rstrip("\n") or "(withdrawn)")
