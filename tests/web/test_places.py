from __future__ import annotations

import pytest

from spans.errors import RefusedError
from tests.builders import NOW_NS, SECOND_NS
from web.places import Place, TimeRange, local_path, parse_range, parse_time

DAY_NS = 86_400 * 1_000_000_000


def test_the_last_day_is_the_default():
    found = parse_range({}, NOW_NS)
    assert (found.since_ns, found.until_ns, found.key) == (NOW_NS - DAY_NS, NOW_NS, "24h")
    assert found.params() == {}
    assert found.words() == "last 24 hours"


@pytest.mark.parametrize(
    ("key", "words"), [("15m", "last 15 minutes"), ("30d", "last 30 days"), ("5h", "last 5 hours")]
)
def test_relative_ranges_read_as_words(key, words):
    assert parse_range({"range": key}, NOW_NS).words().replace("\xa0", " ") == words


def test_a_custom_range_keeps_its_ends():
    found = parse_range({"since": "2026-11-19T00:00:00Z", "until": "2026-11-20T00:00:00+01:00"}, NOW_NS)
    assert found.length_ns == 23 * 3600 * 1_000_000_000
    assert found.params() == {"since": "2026-11-19T00:00:00Z", "until": "2026-11-19T23:00:00Z"}
    assert found.words() == "19 Nov 00:00 to 19 Nov 23:00 UTC"


def test_the_fields_of_a_form_hold_the_whole_range_in_whole_seconds():
    ends = TimeRange(NOW_NS + 1, NOW_NS + SECOND_NS + 1).field_ends()
    assert ends == ("2026-11-20T12:00:00", "2026-11-20T12:00:02")
    assert TimeRange(NOW_NS, NOW_NS + SECOND_NS).field_ends() == ("2026-11-20T12:00:00", "2026-11-20T12:00:01")


def test_the_range_before_has_the_same_length():
    found = parse_range({"range": "6h"}, NOW_NS)
    assert found.previous().until_ns == found.since_ns
    assert found.previous().length_ns == found.length_ns


@pytest.mark.parametrize("text", ["2026-11-20", "2026-11-20T12:00:00Z", "2026-11-20T12:00:00 01:00", "24h", "90m"])
def test_times_are_read_in_several_spellings(text):
    assert 0 < parse_time(text, NOW_NS, "since") <= NOW_NS


def test_nine_digits_of_a_time_are_kept():
    assert parse_time("2026-11-20T12:00:00.123456789Z", NOW_NS, "since") == NOW_NS + 123_456_789


@pytest.mark.parametrize(
    "params",
    [
        {"range": "soon"},
        {"range": "0h"},
        {"range": "9999999d"},
        {"range": "٣h"},
        {"since": "yesterday"},
        {"since": "1960-01-01"},
        {"since": "2026-11-20T00:00:00Z", "until": "2026-11-19T00:00:00Z"},
        {"until": "99999-01-01"},
    ],
)
def test_what_cannot_be_read_is_refused_in_a_sentence(params):
    with pytest.raises(RefusedError, match=r"\.$"):
        parse_range(params, NOW_NS)


def test_links_keep_project_environment_and_range():
    place = Place("/sub", "demo", parse_range({"range": "7d"}, NOW_NS), "staging")
    assert place.url("/runs", workflow="a b&c", x=None) == (
        "/sub/runs?project=demo&environment=staging&range=7d&workflow=a%20b%26c"
    )
    assert place.bare("/static/app.css") == "/sub/static/app.css"
    assert place.url("/runs", path="x", self="y").endswith("path=x&self=y")


def test_the_home_project_is_not_written():
    place = Place("", "default", TimeRange(0, 1, "24h"))
    assert place.url("/") == "/"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/a\nSet-Cookie: x",
        "javascript:alert(1)",
        "",
        "/\x00",
        "/" + "a" * 3000,
    ],
)
def test_only_local_paths_are_followed(target):
    assert local_path(target) == "/"


def test_a_local_path_is_followed_with_its_query():
    assert local_path("/runs?workflow=a&range=7d") == "/runs?workflow=a&range=7d"
