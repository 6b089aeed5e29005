"""Writes docs/replayability.md from the recorded captures: how much of each can be played back, and why not more."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from replay.replayability import REMEDIES, ReplayReason
from spans.kinds import Replayability
from tests.replay.house import items_of, stored
from tests.runs.scoring import load, recorded

PAGE = Path(__file__).parents[2] / "docs" / "replayability.md"
WORDS = {
    Replayability.COMPLETE: "complete",
    Replayability.PARTIAL: "partial",
    Replayability.METADATA_ONLY: "metadata only",
}

HEAD = """# How much of a run can be played back

Every run has a badge. *Complete recording*: every counted model, tool, retrieval and reranker step has what was asked and what was answered, and the run has
ended. *Partial*: something is missing, and the reason says what. *Metadata only*: no step has any content; times, names, tokens and cost are there.

This page is written by the test suite from recorded traffic of real frameworks (`tests/data/captures`, content as sent).

## Reasons

A closed set. Each comes with the one switch that would change it.

| reason | what helps |
|---|---|
"""

TABLE = """
## What real frameworks send

Runs (traces) of each capture by badge, and how many runs have each reason. A capture without content was sent by an instrumentation whose capture of messages
is off by default.

| recorded | runs | complete | partial | metadata only | reasons |
|---|---|---|---|---|---|
"""


def badges(folder: Path) -> tuple[Counter[str], Counter[str]]:
    """Runs of a capture by badge, and by reason."""
    _, runs = stored(items_of(load(folder)))
    levels = Counter(WORDS[run.replayability] for run in runs)
    return levels, Counter(reason for run in runs for reason in run.replay_reasons)


def row(folder: Path) -> str:
    """The line of one capture."""
    levels, reasons = badges(folder)
    told = ", ".join(f"`{r.value}` {reasons[r.value]}" for r in ReplayReason if reasons[r.value]) or "none"
    counts = " | ".join(str(levels[word]) for word in WORDS.values())
    return f"| {name_of(folder)} | {sum(levels.values())} | {counts} | {told} |"


def name_of(folder: Path) -> str:
    """What a capture is called, packed or not."""
    return folder.name.removesuffix(".tar.xz")


def folders() -> list[Path]:
    """Every capture."""
    return [path for _, path in sorted(recorded().items())]


def page() -> str:
    """The whole page."""
    reasons = "\n".join(f"| `{reason.value}` | {REMEDIES[reason]} |" for reason in ReplayReason)
    return HEAD + reasons + "\n" + TABLE + "\n".join(row(folder) for folder in folders()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
