from __future__ import annotations

import stat

import pytest

from spans.errors import HouseError, RefusedError
from tracetape.control import ControlServer, ask


def refuse(_house, _arguments):
    raise RefusedError("That cannot be done to a run that is pinned.")


def crash(_house, _arguments):
    raise ValueError("secret detail")


@pytest.fixture
def control(tmp_path):
    path = tmp_path / "control.sock"
    server = ControlServer(
        path, "the house", {"echo": lambda house, a: {"house": house, **a}, "refuse": refuse, "crash": crash}
    )
    server.start()
    yield path
    server.stop()
    server.stop()


def test_a_verb_runs_in_the_server_with_its_house(control):
    assert ask(control, "echo", {"name": "ö"}) == {"house": "the house", "name": "ö"}


def test_only_the_owner_may_connect(control):
    assert stat.S_IMODE(control.stat().st_mode) == 0o600


def test_a_refusal_reaches_the_caller_as_its_sentence(control):
    with pytest.raises(HouseError, match="pinned"):
        ask(control, "refuse", {})


def test_a_crash_tells_nothing_but_where_to_look(control):
    with pytest.raises(HouseError, match="its log") as refused:
        ask(control, "crash", {})
    assert "secret" not in str(refused.value)


def test_an_unknown_verb_is_refused(control):
    with pytest.raises(HouseError, match="does not know this verb"):
        ask(control, "fly", {})


def test_nobody_there_is_said_in_words(tmp_path):
    with pytest.raises(HouseError, match="cannot be reached"):
        ask(tmp_path / "nothing.sock", "echo", {})
