from __future__ import annotations

import pytest

from replay.volatile import Bindings, Hole, Holes, Volatile

NEAR = 1_764_000_000 * 10**9
UUID = "3f2b8c1e-7a4d-4f6b-9c1d-0e2f4a6b8c1d"
OTHER = "9a1b2c3d-4e5f-4a6b-8c7d-1e2f3a4b5c6d"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.sflKxwRJSMeKKF2QT4"),
        ("uuid", UUID),
        ("ulid", "01ARZ3NDEKTSV4RRFFQ69G5FAV"),
        ("time", "2026-11-25T22:44:17Z"),
        ("time", "2026-11-25 22:44:17.123456+02:00"),
        ("time", "2026-11-25"),
        ("http_date", "Wed, 25 Nov 2026 22:44:17 GMT"),
        ("loopback", "127.0.0.1:53211"),
        ("loopback", "localhost:8080"),
        ("temp_path", "/tmp/pytest-of-ada/file.txt"),
        ("hex", "b7ad6b7169203331b7ad6b71"),
        ("epoch", "1764000017"),
        ("epoch", "1764000017123"),
    ],
)
def test_each_class_becomes_a_hole(kind, text):
    holes = Holes(NEAR)
    assert holes.mask(f"at {text}, and no more") == f"at ⟦{kind}#1⟧, and no more"
    assert holes.found == [Hole(Volatile(kind), text)]


@pytest.mark.parametrize(
    "text",
    [
        "order A-1249 for 499.00",
        "1234567890123456",
        "1600000000 years",
        "2026-13-45",
        "deadbeef",
        "facade",
        "10.0.0.1:80",
        "v1.2.3-beta",
        "the /tmpfile of /etc/tmp",
        "",
    ],
)
def test_what_belongs_to_no_class_stays(text):
    assert Holes(NEAR).mask(text) == text


def test_equal_values_share_a_number_and_the_order_of_two_shows():
    assert Holes(NEAR).mask(f"{UUID} {OTHER} {UUID}") == "⟦uuid#1⟧ ⟦uuid#2⟧ ⟦uuid#1⟧"


def test_text_that_looks_like_a_hole_is_none():
    assert Holes(NEAR).mask("⟦uuid#1⟧") != Holes(NEAR).mask(UUID)


def test_numbers_are_moments_only_near_the_run():
    assert Holes(NEAR).mask_number(1_764_000_100) == "⟦epoch#1⟧"
    assert Holes(NEAR).mask_number(1_764_000_100.25) == "⟦epoch#1⟧"
    assert Holes(NEAR).mask_number(1_600_000_000) is None
    assert Holes(NEAR).mask_number(1249.0) is None


def test_bindings_are_one_to_one_over_the_run():
    def holes(*values):
        return [Hole(Volatile.UUID, value) for value in values]

    bindings = Bindings()
    assert bindings.bind(holes("a", "b"), holes("x", "y")) is None
    assert bindings.bind(holes("a"), holes("x")) is None
    assert bindings.bind(holes("a"), holes("y")) == (Hole(Volatile.UUID, "a"), Hole(Volatile.UUID, "y"))
    assert bindings.bind(holes("c"), holes("x")) == (Hole(Volatile.UUID, "c"), Hole(Volatile.UUID, "x"))
    assert bindings.counts() == {"uuid": 3}
