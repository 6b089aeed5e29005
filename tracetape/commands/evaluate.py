"""`tracetape evaluate`: the detectors over stored history, as if time passed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from spans.errors import SettingsError
from tracetape.commands.common import Data, folder_of, run_verb, say
from tracetape.folder import is_held
from tracetape.settings import load_settings

MAX_WINDOWS = 10_000


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(evaluate)


def evaluate(
    begin: Annotated[datetime, typer.Option("--from", help="First moment (UTC).")],
    end: Annotated[datetime, typer.Option("--to", help="Last moment (UTC), exclusive.")],
    every: Annotated[str, typer.Option(help="Length of one window: 30m, 6h or 1d.")] = "6h",
    project: Annotated[str, typer.Option(help="Only this project; default all.")] = "",
    runs: Annotated[bool, typer.Option("--runs", help="Also judge anew what each run achieved.")] = False,
    data: Data = None,
) -> None:
    """Evaluate stored history as if time passed, with the detectors that also judge live; see GET /api/v1/findings."""
    settings = load_settings({"data": data})
    folder = folder_of(settings)
    begin_ns, end_ns = (int(moment.replace(tzinfo=UTC).timestamp() * 1e9) for moment in (begin, end))
    every_ns = parse_period_ns(every)
    if begin_ns >= end_ns:
        raise SettingsError("--from must lie before --to.")
    if (end_ns - begin_ns) / every_ns > MAX_WINDOWS:
        raise SettingsError(f"That is more than {MAX_WINDOWS:,} windows; choose a longer --every.")
    # A running server is asked window by window: each answer comes soon, and what was judged stays when this ends early.
    asked = every_ns if is_held(folder) else end_ns - begin_ns
    for since_ns in range(begin_ns, end_ns, asked):
        until_ns = min(since_ns + asked, end_ns)
        span = {"from_ns": since_ns, "to_ns": until_ns, "every_ns": every_ns}
        done = run_verb(settings, folder, "evaluate", {**span, "project": project, "runs": runs})
        for window in done["windows"]:
            moment = datetime.fromtimestamp(window["until_ns"] / 1e9, UTC)
            judged = f"{window['runs']} runs judged, " if runs else ""
            say(f"{moment:%Y-%m-%dT%H:%M}Z  {judged}{window['findings']} findings opened, changed or closed")


def parse_period_ns(text: str) -> int:
    """A period such as 30m, 6h or 1d in nanoseconds.

    Raises:
        SettingsError: it is not written like that.
    """
    units = {"m": 60, "h": 3600, "d": 86_400}
    number, unit = text[:-1], text[-1:]
    if unit not in units or not (number.isascii() and number.isdecimal()) or int(number) == 0:
        raise SettingsError(f"--every is {text!r}; write it like 30m, 6h or 1d.")
    return int(number) * units[unit] * 1_000_000_000
