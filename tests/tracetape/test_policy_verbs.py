"""`tracetape policies`: apply, release, list, show, on a folder nobody holds and through the control socket."""

from __future__ import annotations

from contextlib import contextmanager

import pytest
from typer.testing import CliRunner

from collector.spool.keys import ensure_spool_keys
from spans.change import MarkKind
from spans.errors import HouseError
from spans.kinds import OutcomeLabel
from tests.web.samples import add_refund
from tracetape.cli import app
from tracetape.commands.policies import MOST_BYTES
from tracetape.control import ControlServer
from tracetape.folder import DataFolder, FolderLock
from tracetape.house import House
from tracetape.policies import MANAGED
from tracetape.settings import ServeSettings
from tracetape.verbs import VERBS

REFUNDS = "workflow_id: refund-agent  # ours\ndenied_tools: [drop_table]\n"


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.setenv("TRACETAPE_STORE", "memory://")
    folder = DataFolder(tmp_path / "data")
    folder.create()
    ensure_spool_keys(folder.keys)
    made = House.open(ServeSettings(data=folder.root, store="memory://"), folder, lambda _phase: None)
    yield made
    made.ledger.close()


@pytest.fixture
def files(tmp_path):
    made = tmp_path / "ours"
    (made / "sub").mkdir(parents=True)
    (made / "refunds.yaml").write_text(REFUNDS)
    (made / "sub" / "all.yml").write_text("workflow_id: '*'\n")
    (made / "notes.txt").write_text("not a policy")
    return made


@contextmanager
def served(house: House):
    """The house as a running server holds it."""
    lock = FolderLock(house.folder)
    lock.acquire()
    server = ControlServer(house.folder.control_socket, house, VERBS)
    server.start()
    try:
        yield
    finally:
        server.stop()
        lock.release()


def cli(house: House, *words: object) -> list[str]:
    asked = ["policies", *map(str, words), "--data", str(house.folder.root)]
    done = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert done.exit_code == 0
    return done.output.splitlines()


def work_through(house: House, files, judged: str) -> None:
    assert cli(house, "list") == ["Project default has no policy."]
    assert cli(house, "apply", files) == ["*: version 1, new", "refund-agent: version 1, new", judged]
    assert house.ledger.settings.get(MANAGED + "default") == "ours"
    listed = cli(house, "list")
    assert [line.split(" (")[0] for line in listed] == ["*: version 1", "refund-agent: version 1"]
    assert all(line.endswith("UTC, file") for line in listed)
    assert cli(house, "show", "refund-agent") == REFUNDS.splitlines()

    (files / "refunds.yaml").write_text(REFUNDS.replace("drop_table", "pay"))
    (files / "sub" / "all.yml").unlink()
    assert cli(house, "apply", files)[:2] == ["refund-agent: version 2, changed", "*: version 2, withdrawn"]
    assert cli(house, "apply", files)[0] == "refund-agent: version 2, unchanged"
    assert cli(house, "show", "refund-agent", "--version", 1) == REFUNDS.splitlines()
    assert cli(house, "show", "*") == ["(withdrawn)"]
    with pytest.raises(HouseError, match="no policy for 'mail'"):
        cli(house, "show", "mail")
    with pytest.raises(HouseError, match="version 7"):
        cli(house, "show", "refund-agent", "--version", 7)

    assert cli(house, "release") == ["The policies of default can be edited on their page."]
    assert house.ledger.settings.get(MANAGED + "default") == ""
    logged = [(e.target, e.detail["did"]) for e in house.ledger.audit.list() if e.action == "policy_change"]
    assert sorted(logged) == [
        ("", "release"),
        ("*", "apply"),
        ("*", "withdraw"),
        ("refund-agent", "apply"),
        ("refund-agent", "apply"),
    ]
    assert [m.kind for m in house.ledger.marks.list("default")] == [MarkKind.POLICY] * 4


def test_policies_are_applied_listed_shown_and_released_without_a_server(house, files):
    work_through(house, files, "0 stored runs were judged again")


def test_policies_are_applied_listed_shown_and_released_through_a_running_server(house, files):
    add_refund(house.store)
    with served(house):
        # once for `*`, once for the workflow
        work_through(house, files, "2 stored runs are being judged again")


def test_what_was_saved_on_the_page_stays_when_files_are_applied(house, files):
    house.ledger.policies.save("default", "mail", "d", "workflow_id: mail\n", author="member:1")
    cli(house, "apply", files)
    assert "mail: version 1" in [line.split(" (")[0] for line in cli(house, "list")]


def test_a_project_has_policies_of_its_own(house, files):
    cli(house, "apply", files, "--project", "beta")
    assert cli(house, "list") == ["Project default has no policy."]
    assert len(cli(house, "list", "--project", "beta")) == 2


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("refunds.yaml", "workflow_id: refund-agent\nlimts: {}\n", "refunds.yaml, line 2: unknown name"),
        ("twin.yaml", REFUNDS, "both are the policy of 'refund-agent'"),
        ("latin.yaml", b"workflow_id: caf\xe9\n", "latin.yaml: cannot be read as UTF-8"),
        ("big.yaml", "#" * (MOST_BYTES + 1), "big.yaml: larger than 64 KiB"),
    ],
)
def test_one_bad_file_and_nothing_is_changed(house, files, name, text, said):
    (files / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(HouseError, match=said):
        cli(house, "apply", files)
    assert house.ledger.policies.current() == ()
    assert not house.ledger.settings.get(MANAGED + "default")


def test_a_folder_without_policies_withdraws_nothing(house, files, tmp_path):
    cli(house, "apply", files)
    (tmp_path / "empty").mkdir()
    for folder, said in ((tmp_path / "empty", "holds no"), (tmp_path / "none", "is not a folder")):
        with pytest.raises(HouseError, match=said):
            cli(house, "apply", folder)
    assert len(house.ledger.policies.current("default")) == 2


def test_stored_runs_are_judged_by_what_was_applied(house, files):
    """The verb as the socket calls it, on a house that nobody serves: judged before it answers."""
    run_id = add_refund(house.store)
    text = "workflow_id: refund-agent\nsuccess: {status: ok}\n"
    asked = {"project": "default", "folder": "ours", "files": {"a.yaml": text}, "alone": True}
    assert VERBS["policies_apply"](house, asked)["runs"] == 1
    run = house.store.read_run("default", run_id)
    assert run is not None
    assert run.outcome.label is not OutcomeLabel.UNKNOWN
    assert run.outcome.source == "policy"
