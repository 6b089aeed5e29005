from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from spans.erasure import ErasureOutlook, Waiting
from spans.errors import RefusedError
from tracetape import web_calls
from tracetape.folder import DataFolder
from tracetape.web_calls import Main, answer


class Desk:
    """Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []

    def preview(self, *what: object) -> ErasureOutlook:
        self.asked.append(what)
        return ErasureOutlook(2, {"spans": 3}, 1, 2, {"quarantine": 1}, 4, {"legal_hold": 1}, is_record=True, left=5)

    def erase(self, *what: object) -> tuple[str, ...]:
        self.asked.append(what)
        return ("one",)

    def waiting(self) -> dict[str, Waiting]:
        return {"one": Waiting(1, 2, 3, old_files=True)}


def test_what_a_web_of_its_own_asks_about_erasures_comes_back_as_main_said_it(tmp_path, monkeypatch):
    desk = Desk()

    def over_the_socket(_socket, verb, arguments):
        assert verb == web_calls.VERB
        return json.loads(json.dumps(answer(SimpleNamespace(erasure_desk=desk), json.loads(json.dumps(arguments)))))

    monkeypatch.setattr(web_calls, "ask", over_the_socket)
    main = Main(DataFolder(tmp_path))
    assert main.call("erasure_preview", "p", "person", ["a", "b"]) == Desk().preview()
    assert main.call("erasure_erase", "p", "run", ["a"], "member:x", "why") == ("one",)
    assert main.call("erasure_waiting") == Desk().waiting()
    assert desk.asked == [("p", "person", ["a", "b"]), ("p", "run", ["a"], "member:x", "why")]


def test_a_question_that_main_does_not_know_is_refused():
    with pytest.raises(RefusedError, match="does not know"):
        answer(SimpleNamespace(), {"call": "nothing"})
