from __future__ import annotations

import pytest

from spans.health import IngestStatus
from spans.roles import Role
from tests.builders import NOW_NS, SECOND_NS
from tests.web.house import an_arrival
from web.callers import ANONYMOUS, Caller
from web.pages.frame import build_frame, ingest_dot
from web.places import Place, TimeRange

PLACE = Place("", "default", TimeRange(NOW_NS - SECOND_NS, NOW_NS, "24h"))


def frame(role: Role | None, **changes: object):
    caller = Caller(role, "x", "key:x") if role else ANONYMOUS
    values = {
        "title": "t",
        "place": PLACE,
        "path": "/runs",
        "params": {},
        "caller": caller,
        "now_ns": NOW_NS,
        "version": "1",
    }
    return build_frame(**{**values, **changes})


@pytest.mark.parametrize(
    ("role", "operate", "configure"),
    [
        (Role.ADMIN, 4, ["Data & privacy", "Settings"]),
        (Role.VIEWER, 4, ["Settings"]),
        (Role.AUDITOR, 0, ["Data & privacy"]),
        (Role.INGEST, 0, []),
        (None, 0, []),
    ],
)
def test_the_navigation_shows_what_the_role_may_open(role, operate, configure):
    made = frame(role)
    assert len(made.operate) == operate
    assert [item.label for item in made.configure] == configure


def test_switching_range_or_environment_keeps_the_page_and_its_filters():
    made = frame(
        Role.VIEWER, params={"workflow": "a", "cursor": "c", "span": "s", "range": "1h"}, environments=("prod",)
    )
    assert made.kept == {"workflow": "a"}
    assert made.ranges[0].href == "/runs?workflow=a&range=15m"
    assert [c.href for c in made.environments] == ["/runs?workflow=a", "/runs?environment=prod&workflow=a"]


def test_only_the_demo_has_a_banner():
    assert not frame(Role.VIEWER).is_demo
    assert frame(Role.VIEWER, place=Place("", "demo", PLACE.range)).is_demo


@pytest.mark.parametrize(
    ("status", "state", "words"),
    [
        (IngestStatus(), "down", "receiver starting"),
        (IngestStatus(receiver_ready=True, workers=2), "down", "redaction loading"),
        (IngestStatus(receiver_ready=True), "quiet", "nothing yet"),
        (IngestStatus(receiver_ready=True, last_accepted_ns=NOW_NS - SECOND_NS, spans_per_s=214), "live", "214/s"),
        (IngestStatus(receiver_ready=True, last_accepted_ns=NOW_NS - SECOND_NS), "live", "live"),
        (IngestStatus(receiver_ready=True, last_accepted_ns=NOW_NS - 240 * SECOND_NS), "quiet", "last 4 m ago"),
        (
            IngestStatus(arrivals=(an_arrival(accepted=False, code="401", reason="no key"),)),
            "refused",
            "refused: no key",
        ),
    ],
)
def test_the_dot_says_what_is_arriving(status, state, words):
    dot = ingest_dot(status, NOW_NS)
    assert (dot.state, dot.words.replace("\xa0", " ")) == (state, words)
