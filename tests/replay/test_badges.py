"""The table of docs/replayability.md, and that each reason in it is true of what the captures hold."""

from __future__ import annotations

import json

import pytest

from spans.kinds import Replayability
from tests.replay.badges import PAGE, folders, name_of, row
from tests.replay.house import items_of, stored
from tests.runs.scoring import load, read

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
        # an application that looks something up may embed its question by itself, without a call to the model server
        embeds = any("embed" in str(call.get("api", "")) for call in calls) or any(
            r.get("retrievals") for r in facts["runs"]
        )
        if "`embedding_vector_missing`" in told(name_of(folder)):
            assert embeds, folder.name


def test_complete_means_that_every_answer_the_server_gave_is_there():
    """Of a capture whose runs are all complete, each answer text of the model server's log stands in a recording."""
    from replay.reading import read_recording
    from replay.recording import recording_json

    folder = next(f for f in FOLDERS if name_of(f) == "haystack__native")
    store, runs = stored(items_of(load(folder)))
    assert {run.replayability for run in runs} == {Replayability.COMPLETE}
    text = json.dumps([recording_json(read_recording(store, run))["exchanges"] for run in runs], ensure_ascii=False)
    facts = json.loads(read(folder, "facts.json"))
    said = [c["text"] for run in facts["runs"] for c in run["model_calls"] if c["status"] < 400 and c.get("text")]
    assert said
    missing = [words for words in said if json.dumps(words, ensure_ascii=False)[1:-1][:40] not in text]
    assert missing == []
