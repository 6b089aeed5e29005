"""A hundred random shuffles, repetitions and delays of every capture in a folder: the recording must stay the same.

python -m tests.long.shuffles [FOLDER] [SHUFFLES]
"""

# ruff: noqa: T201 a line per capture is what a person watches
from __future__ import annotations

import sys
from pathlib import Path

from replay.reading import read_recording
from replay.recording import recording_json
from tests.replay.house import CAPTURES, items_of, stored
from tests.runs.scoring import load


def main(folder: Path, shuffles: int) -> int:
    """The number of captures whose recording changed."""
    bad = 0
    for path in sorted(
        p for p in folder.iterdir() if (p / "headers.json").exists() or (p / "headers.json.gz").exists()
    ):
        items = items_of(load(path))
        store, runs = stored(items)
        first = [recording_json(read_recording(store, run)) for run in runs]
        same = 0
        for seed in range(shuffles):
            other, again = stored(items, seed=seed)
            same += [recording_json(read_recording(other, run)) for run in again] == first
        bad += same != shuffles
        print(f"{path.name}: {same} of {shuffles} the same, {sum(len(r['exchanges']) for r in first)} exchanges")
    return bad


if __name__ == "__main__":
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else CAPTURES
    sys.exit(1 if main(chosen, int(sys.argv[2]) if len(sys.argv) > 2 else 100) else 0)
