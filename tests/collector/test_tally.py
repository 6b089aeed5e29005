from __future__ import annotations

import json
from pathlib import Path

import pytest

from collector.tally import ARRIVALS_MAX, Tally, read_tally
from spans.health import Arrival


def test_counts_and_arrivals_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "receiver.json"
    first = Tally(path)
    first.start()
    first.answered("spans", "grpc", "OK", kept=5, refused=1, user_agent="sdk/1\n\x1b[31m", took_s=0.25)
    first.answered("spans", "http", "401", kept=0, refused=0, reason="No key was sent.")
    first.stop()
    second = Tally(path)
    second.answered("spans", "grpc", "OK", kept=2, refused=0, user_agent="sdk/1\n\x1b[31m", took_s=0.5)
    second.stop()
    said = read_tally(path)
    assert said["acked"]["spans"] == 7
    assert said["refused"]["spans"] == 1
    assert said["received"]["spans"] == 8
    assert said["took_s"]["grpc"] == 0.75
    arrivals = [Arrival(**raw) for raw in said["arrivals"]]
    assert (arrivals[0].count, arrivals[0].items, arrivals[0].user_agent) == (2, 7, "sdk/1[31m")
    assert not arrivals[1].accepted


def test_many_kinds_of_arrivals_stay_few(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "t.json")
    for n in range(100):
        tally.answered("spans", "http", "200", kept=1, refused=0, user_agent=f"agent {n}" + "x" * 10_000)
    tally.stop()
    said = read_tally(tmp_path / "t.json")
    assert len(said["arrivals"]) == ARRIVALS_MAX
    assert said["arrivals"][0]["user_agent"].startswith("agent 99")
    assert len(json.dumps(said)) < 20_000


@pytest.mark.parametrize(
    "content", ["", "[]", '{"acked": 5, "arrivals": [{"bad": 1}, 7]}', '{"acked": {"spans": "x"}}']
)
def test_a_broken_status_file_stops_nobody(tmp_path: Path, content: str) -> None:
    path = tmp_path / "t.json"
    path.write_text(content)
    Tally(path).stop()
    assert read_tally(path)["acked"]["spans"] == 0


def test_an_unwritable_status_file_stops_nobody(tmp_path: Path) -> None:
    tally = Tally(tmp_path / "nowhere" / "t.json")
    tally.answered("spans", "http", "200", kept=1, refused=0)
    tally.stop()
    assert read_tally(tmp_path / "nowhere" / "t.json") == {}
