"""`tracetape whatif`, `verify`, `export --run` and `compare`: through a running server, on a folder nobody holds, on a file alone."""

from __future__ import annotations

import json
import time

import pytest
from typer.testing import CliRunner

from spans.errors import HouseError
from tests.tracetape.test_policy_verbs import house, served  # noqa: F401 the fixture is used by name
from tests.web.samples import add_refund
from tracetape.cli import app
from tracetape.commands.recording import ALTERED_CODE, UNSEALED_CODE
from tracetape.folder import DataFolder
from tracetape.house import House
from tracetape.settings import ServeSettings

POLICY = "workflow_id: '*'\nallowed_tools: [execute_refund]\nlimits: {max_duration_s: 0.001}\n"


def cli(folder, *words, code: int = 0) -> str:
    data = ["--data", str(folder)] if folder else []
    done = CliRunner().invoke(app, [*map(str, words), *data], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture
def policy(tmp_path):
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    return file


def two_runs(store):
    now = time.time_ns()
    return [str(add_refund(store, n, at_ns=now - n * 60 * 10**9)) for n in (1, 2)]


def asked(root, policy, runs):
    """The same answer as text and as JSON: calls by tool, rule and shape, with doors, and where a limit stops."""
    said = cli(root, "whatif", policy, "--since", "24h")
    found = json.loads(cli(root, "whatif", policy, "--since", "24h", "--json"))
    assert said.splitlines()[0] == found["sentence"]
    changed = [g for g in found["groups"] if g["change"] != "unchanged"]
    assert {(g["change"], g["tool"]) for g in changed} == {("newly_allowed", "execute_refund")}
    assert sum(g["calls"] for g in changed) == 2
    assert all("amount number" in g["arguments_shape"] for g in changed)
    assert all(f"execute_refund({g['arguments_shape']}): {g['calls']} calls in " in said for g in changed)
    assert all(run in said for run in runs)
    assert all(g["runs"] is None for g in found["groups"] if g["change"] == "unchanged")
    assert "in 0 runs" not in said
    (limit,) = found["limits"]
    assert (limit["rule"], limit["runs"]) == ("max_duration_s", 2)
    assert f"before call {limit['examples'][0]['call']}" in said


def test_what_if_answers_as_text_and_json_through_a_running_server(house, policy):  # noqa: F811
    runs = two_runs(house.store)
    with served(house):
        asked(house.folder.root, policy, runs)
        assert "No run in this range" in cli(house.folder.root, "whatif", policy, "--workflow", "nobody")


def test_the_verbs_of_the_tape_without_a_server(tmp_path, policy, monkeypatch):
    """On the embedded store, which one process holds at a time: filled, let go, and asked by the verbs themselves."""
    monkeypatch.setenv("TRACETAPE_DATA", str(tmp_path / "data"))
    folder = DataFolder(tmp_path / "data")
    folder.create()
    made = House.open(ServeSettings(data=folder.root), folder, lambda _phase: None)
    runs = two_runs(made.store)
    made.store.close()
    made.ledger.close()
    asked(folder.root, policy, runs)
    assert cli(folder.root, "verify", runs[0], code=UNSEALED_CODE).startswith("not sealed yet: ")
    out = tmp_path / "run.zip"
    told = cli(folder.root, "export", "--run", runs[0], "--out", out)
    root = told.split("root ")[1].strip()
    assert cli(folder.root, "verify", runs[0], "--root", root).startswith("intact: ")
    assert cli(None, "compare", runs[0], runs[0], "--data", folder.root)
    assert cli(None, "verify", out, "--root", root).startswith("intact: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("workflow_id: x\nallow: [y]\n", "policy.yaml, line 2"),
        ("- just a list\n", "policy.yaml"),
        (None, "cannot be read"),
    ],
)
def test_a_candidate_that_is_no_policy_is_refused_with_its_place(house, policy, text, said):  # noqa: F811
    policy.write_text(text) if text else policy.unlink()
    with pytest.raises(HouseError, match=said):
        cli(house.folder.root, "whatif", policy)


def test_acceptance_41_an_export_is_verified_without_server_data_folder_or_ledger(house, tmp_path, monkeypatch):  # noqa: F811
    """As on another machine: only the file is there; a touched byte is named, and another root is refused."""
    run = add_refund(house.store)
    out = tmp_path / "moved" / "run.zip"
    out.parent.mkdir()
    with served(house):
        told = cli(house.folder.root, "export", "--run", run, "--out", out)
    root = told.split("root ")[1].strip()
    house.ledger.close()
    monkeypatch.chdir(out.parent)
    monkeypatch.delenv("TRACETAPE_STORE")
    monkeypatch.setenv("TRACETAPE_DATA", "/nonexistent/never/made")
    found = json.loads(cli(None, "verify", out.name, "--json"))
    assert (found["verdict"], found["root"]) == ("intact", root)
    assert cli(None, "verify", out.name, "--root", "0" * 64, code=ALTERED_CODE).startswith("altered: ")
    raw = out.read_bytes()
    touched = raw.replace(b"execute_refund", b"execute_refunD", 1)
    out.write_bytes(touched)
    assert touched != raw
    assert cli(None, "verify", out.name, code=ALTERED_CODE).startswith("altered: ")
    assert not (out.parent / "tracetape-data").exists()
