"""The table of docs/replayability.md, and that each reason in it is true of what the captures hold."""

from __future__ import annotations

import json

import pytest

from replay.reading import read_recording
from replay.recording import recording_json
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


@pytest.mark.parametrize("folder", FOLDERS[::EVERY], ids=lambda path: path.name)
def test_history_and_definitions_are_missing_exactly_where_the_model_server_saw_more_than_was_sent(folder):
    """The server of the capture counted messages and offered tools; neither number comes from the trace."""
    calls = [c for run in json.loads(read(folder, "facts.json"))["runs"] for c in run["model_calls"]]
    calls = [c for c in calls if c.get("status", 200) < 400]
    seen = sum(c.get("n_messages") or 0 for c in calls)
    store, runs = stored(items_of(load(folder)))
    asked = [
        e["asked"]
        for run in runs
        for e in recording_json(read_recording(store, run))["exchanges"]
        if e["kind"] == "model" and e["answered"]["messages"]
    ]
    if not seen or len(asked) < 0.8 * len(calls):
        return  # the server counted nothing, or most content is off
    line = told(name_of(folder))
    assert ("`provider_state`" in line) is (sum(map(messages_in, asked)) < 0.9 * seen)
    with_tools, offered = sum(bool(a["tools"]) for a in asked), sum(bool(c.get("offered_tools")) for c in calls)
    if with_tools < 0.9 * offered:
        assert "`tool_schemas_missing`" in line
    elif "`tool_schemas_missing`" in line and folder.name.removesuffix(".tar.xz") != CUT:
        assert with_tools < offered


def messages_in(asked):
    """How many messages a server would have counted; a system prompt beside them is one more."""
    told_in_messages = any(message["role"] in {"system", "developer"} for message in asked["messages"])
    return len(asked["messages"]) + bool(asked["system"] and not told_in_messages)


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
