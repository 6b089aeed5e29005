from __future__ import annotations

import pytest

from spans.health import IngestStatus
from spans.roles import Permission, Role
from store.ledger.incidents import Incident
from tests.builders import NOW_NS, SECOND_NS
from tests.web.house import an_arrival
from web.callers import ANONYMOUS, Caller
from web.pages.frame import CONFIGURE, OPERATE, TABS, build_frame, ingest_dot
from web.places import Place, TimeRange

PAGES = {
    "/": Permission.READ,
    "/runs": Permission.READ,
    "/workflows": Permission.READ,
    "/access-log": Permission.AUDIT,
    "/connect": Permission.READ,
    "/keys": Permission.ADMINISTER,
}
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
        "pages": PAGES,
    }
    return build_frame(**{**values, **changes})


@pytest.mark.parametrize(
    ("role", "operate", "configure"),
    [
        (Role.ADMIN, 3, ["Data & privacy", "Settings"]),
        (Role.VIEWER, 3, ["Settings"]),
        (Role.AUDITOR, 0, ["Data & privacy"]),
        (Role.INGEST, 0, []),
        (None, 0, []),
    ],
)
def test_the_navigation_shows_what_the_role_may_open(role, operate, configure):
    made = frame(role)
    assert len(made.operate) == operate
    assert [item.label for item in made.configure] == configure


def test_a_place_appears_once_its_page_exists_with_its_number():
    made = frame(Role.VIEWER, pages={**PAGES, "/incidents": Permission.READ}, firing=2)
    assert [(i.label, i.number) for i in made.operate][1] == ("Incidents", 2)
    assert "incidents" not in [i.key for i in frame(Role.VIEWER).operate]


def test_a_tab_belongs_to_its_place_and_only_those_who_may_open_it_see_it():
    made = frame(Role.ADMIN, path="/keys")
    assert (made.active, made.section) == ("settings", "Settings")
    assert [(t.label, t.active) for t in made.tabs] == [("Connect", False), ("API keys", True)]
    assert [t.label for t in frame(Role.VIEWER, path="/connect").tabs] == ["Connect"]
    assert frame(Role.ADMIN, path="/workflows/refund-agent").active == "workflows"


def test_the_palette_is_offered_every_page_with_the_words_people_use():
    known = {i.label: i.words for i in frame(Role.ADMIN).everywhere}
    assert "traces" in known["Runs"]
    assert "agents" in known["Workflows"]
    assert "API keys" in known
    assert "API keys" not in {i.label for i in frame(Role.VIEWER).everywhere}


def test_every_destination_has_its_own_key_and_path():
    flat = {*OPERATE, *CONFIGURE, *(tab for tabs in TABS.values() for tab in tabs)}
    assert len({d.key for d in flat}) == len(flat)
    assert len({d.path for d in flat if d.path}) == len([d for d in flat if d.path])
    offered = [item.href for item in frame(Role.ADMIN).everywhere]
    assert len(offered) == len(set(offered))
    assert all(d.path or d.key in TABS for d in flat)


def test_switching_range_or_environment_keeps_the_page_and_its_filters():
    made = frame(
        Role.VIEWER, params={"workflow": "a", "cursor": "c", "span": "s", "range": "1h"}, environments=("prod",)
    )
    assert made.kept == {"workflow": "a"}
    assert made.ranges[0].href == "/runs?workflow=a&range=15m"
    assert [c.href for c in made.environments] == [
        "/runs?environment=*&workflow=a",
        "/runs?environment=prod&workflow=a",
    ]


def test_the_range_menu_offers_the_time_around_an_incident():
    began = NOW_NS - 7200 * SECOND_NS
    incident = Incident(
        incident_id="1", project="default", workflow="refunds", environment="", severity="page", sentence="It burns.",
        began_ns=began, opened_ns=began, ended_ns=0, closed_ns=0, closed_by="", acknowledged_ns=0, acknowledged_by="",
        assignee="", first_bad_run="",
    )  # fmt: skip
    (choice,) = frame(Role.VIEWER, params={"workflow": "a", "cursor": "c"}, incidents=(incident,)).around
    assert choice.label == "Around the incident of refunds"
    assert choice.href == "/runs?since=2026-11-20T09%3A00%3A00Z&until=2026-11-20T12%3A00%3A00Z&workflow=a"


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
