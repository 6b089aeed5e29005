from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

import pytest

from collector import credentials
from collector.answers import RefusalError, Trouble
from collector.credentials import Gate, is_loopback
from spans.errors import BusyError
from spans.roles import Role


@dataclass(frozen=True)
class Entry:
    project: str
    role: Role = Role.INGEST


class Source:
    def __init__(self, **keys: Entry) -> None:
        self.keys, self.down, self.reads = keys, False, 0

    def snapshot(self) -> tuple[tuple[str, Entry], ...]:
        self.reads += 1
        if self.down:
            raise BusyError("down")
        return tuple((digest(name), entry) for name, entry in self.keys.items())


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def gate(source: Source, *, keyless: bool = True) -> Gate:
    return Gate(source, digest, keyless=keyless)


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer good"},
        {"authorization": "BEARER   good "},
        {"authorization": "Bearer%20good"},
        {"authorization": "good"},
        {"authorization": basic("public:good")},
        {"authorization": basic("good:")},
        {"authorization": basic("good")},
        {"authorization": basic("good:x").replace(" ", "%20")},
        {"x-api-key": "good"},
        {"x-api-key": "%67ood"},
        {"x-api-key": "stale", "authorization": "Bearer good"},
    ],
)
def test_a_key_is_found_wherever_senders_put_it(headers: dict[str, str]) -> None:
    assert gate(Source(good=Entry("shop"))).project_of(headers, "10.0.0.1") == "shop"


@pytest.mark.parametrize(
    ("headers", "trouble"),
    [
        ({}, Trouble.NO_KEY),
        ({"authorization": ""}, Trouble.NO_KEY),
        ({"authorization": "Bearer bad"}, Trouble.NO_KEY),
        ({"authorization": "Basic ???"}, Trouble.NO_KEY),
        ({"x-api-key": "\udcff"}, Trouble.NO_KEY),
        ({"x-api-key": "view"}, Trouble.NOT_ALLOWED),
    ],
)
def test_who_may_not_send_hears_why(headers: dict[str, str], trouble: Trouble) -> None:
    source = Source(good=Entry("shop"), view=Entry("shop", Role.VIEWER))
    with pytest.raises(RefusalError, match="tracetape keys create") as caught:
        gate(source).project_of(headers, "10.0.0.1")
    assert caught.value.trouble is trouble


def test_keyless_is_for_this_machine_only_and_can_be_turned_off() -> None:
    assert gate(Source()).project_of({}, "127.0.0.1") == "default"
    for keyless, peer in ((True, "192.168.0.5"), (False, "127.0.0.1"), (True, "")):
        with pytest.raises(RefusalError):
            gate(Source(), keyless=keyless).project_of({}, peer)


@pytest.mark.parametrize(
    ("peer", "ours"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("x", False),
    ],
)
def test_this_machine_is_recognised(peer: str, ours: bool) -> None:
    assert is_loopback(peer) is ours


def test_an_unreadable_key_store_is_never_a_wrong_key(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(credentials.time, "monotonic", lambda: now[0])
    source = Source(good=Entry("shop"))
    door = gate(source)
    assert door.project_of({"x-api-key": "good"}, "") == "shop"
    source.down = True
    now[0] += 3
    assert door.project_of({"x-api-key": "good"}, "") == "shop", "a short outage is bridged"
    now[0] += 3
    with pytest.raises(RefusalError) as caught:
        door.project_of({"x-api-key": "good"}, "")
    assert caught.value.trouble is Trouble.BUSY
    assert door._reading is not None
    door._reading.result(5)
    source.down = False
    now[0] += 3
    assert door.project_of({"x-api-key": "good"}, "") == "shop"


def test_an_unreadable_key_store_never_refuses_an_unknown_key_for_good() -> None:
    source = Source()
    source.down = True
    with pytest.raises(RefusalError) as caught:
        gate(source).project_of({"x-api-key": "new"}, "")
    assert caught.value.trouble is Trouble.BUSY


def test_wrong_keys_do_not_make_us_read_the_store_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(credentials.time, "monotonic", lambda: now[0])
    source = Source()
    door = gate(source)
    for _ in range(50):
        with pytest.raises(RefusalError):
            door.project_of({"x-api-key": "bad"}, "")
    assert source.reads == 1
    now[0] += 0.3
    source.keys["bad"] = Entry("fresh")
    assert door.project_of({"x-api-key": "bad"}, "") == "fresh"
