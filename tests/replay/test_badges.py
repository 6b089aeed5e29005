"""The table of docs/replayability.md, and that each reason in it is true of what the captures hold."""

from __future__ import annotations

import json

import pytest

from tests.replay.badges import PAGE, folders, name_of, row
from tests.runs.scoring import read

LINES = PAGE.read_text("utf-8").splitlines()
FOLDERS = folders()
EVERY = 3
"""Every third capture is assembled anew here; `python -m tests.replay.badges` writes them all."""


def test_every_capture_has_its_line():
    assert len(FOLDERS) == 45
    for folder in FOLDERS:
        assert any(line.startswith(f"| {name_of(folder)} |") for line in LINES), folder.name


@pytest.mark.parametrize("folder", FOLDERS[::EVERY], ids=lambda path: path.name)
def test_the_line_is_what_the_capture_says(folder):
    """Run `python -m tests.replay.badges` after a change and read the difference."""
    assert row(folder) in LINES


CUT = "openai-sdk__openinference-truncated"


def told(name):
    return next(line for line in LINES if line.startswith(f"| {name} |"))


def test_reasons_agree_with_what_was_sent():
    """Facts stated apart from the traces: who cut values, who sent no content, who asked for embeddings, who waited."""
    assert "`truncated`" in told(CUT)
    assert all(
        "`truncated`" not in told(f.name)
        for f in FOLDERS
        if f.name in {"openai-sdk__openinference", "haystack__native"}
    )
    for folder in FOLDERS:
        facts = json.loads(read(folder, "facts.json"))
        approvals = any(run.get("approvals") for run in facts["runs"])
        if "`human_input_missing`" in told(name_of(folder)):
            assert approvals, folder.name
        calls = [call for run in facts["runs"] for call in run["model_calls"]]
        # not every instrumentation tells of embeddings, and an application may embed without a call to the model server
        if name_of(folder) in {"openai-sdk__openinference", "openai-sdk__openllmetry"} and any(
            "embed" in str(call.get("api", "")) for call in calls
        ):
            assert "`embedding_vector_missing`" in told(name_of(folder)), folder.name
