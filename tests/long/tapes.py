"""Every run of every capture of a folder: recorded, sealed, exported, verified, read back, and opened in the player.

pytest tests/long/tapes.py -s --timeout 0         # LONG_CAPTURES=FOLDER for other captures than those of tests/data
"""

# ruff: noqa: T201 a line per capture is what a person watches
from __future__ import annotations

import os
from pathlib import Path

import pytest

from replay.bundle import bundle_recording, check_bundle
from replay.checking import check_stored, pack, seal_run
from replay.proof import Verdict
from replay.reading import read_recording
from replay.recording import recording_json
from spans.roles import Role
from tests.replay.house import CAPTURES, items_of, stored
from tests.runs.scoring import load
from tests.web.house import a_house

FOLDER = Path(os.environ.get("LONG_CAPTURES", str(CAPTURES)))
ALL = sorted(p for p in FOLDER.iterdir() if (p / "headers.json").exists() or (p / "headers.json.gz").exists())


@pytest.mark.parametrize("folder", ALL, ids=lambda path: path.name)
def test_every_run_can_be_recorded_exported_verified_and_viewed(folder: Path, tmp_path: Path) -> None:
    store, runs = stored(items_of(load(folder)))
    house = a_house(tmp_path, store=store)
    client = house.client(Role.ADMIN)
    exchanges = 0
    for run in runs:
        assert seal_run(store, house.ledger, run, sealed_ns=5)
        assert check_stored(store, house.ledger, run.project, run.run_id).verdict is Verdict.INTACT
        recording = recording_json(read_recording(store, run))
        raw = pack(store, house.ledger, run, now_ns=6)
        found = check_bundle(raw)
        root = house.ledger.seals.of_run(run.project, run.run_id)[0].root
        assert (found.verdict, found.root) == (Verdict.INTACT, root)
        assert bundle_recording(raw) == recording
        answer = client.get(f"/api/v1/runs/{run.run_id}/recording")
        assert answer.json()["data"]["digest"] == recording["digest"]
        for step in {1, max(1, len(recording["exchanges"]))}:
            page = client.get(f"/runs/{run.run_id}/replay?step={step}")
            assert page.status_code == 200, (run.run_id, step)
            assert "Nothing is executed." in page.text or not recording["exchanges"], run.run_id
            assert "[object Object]" not in page.text
            assert ">None<" not in page.text
        exchanges += len(recording["exchanges"])
    print(f"{folder.name}: {len(runs)} runs, {exchanges} exchanges")
