from __future__ import annotations

from spans.health import RedactionFigures
from store.privacy import Hidden, HiddenField, HiddenInTime, RulesInUse
from tests.builders import NOW_NS, SECOND_NS
from web.charts import HIDDEN_SERIES
from web.pages.privacy import build_dry_run, build_redaction, period_of
from web.places import Place, TimeRange

HOUR_NS = 3_600 * SECOND_NS
PLACE = Place("", "default", TimeRange(NOW_NS - 24 * HOUR_NS, NOW_NS, "24h"))


def test_rare_entities_are_one_series_and_nothing_is_lost():
    width = period_of(PLACE)
    kinds = [f"KIND_{letter}" for letter in "ABCDEFGHIJ"]
    in_time = tuple(HiddenInTime((NOW_NS - HOUR_NS) // width * width, kind, 20 - n) for n, kind in enumerate(kinds))
    page = build_redaction(PLACE, Hidden(in_time, (), ()), RedactionFigures(), width_ns=width)
    assert len(page.chart.figure["data"]) == HIDDEN_SERIES
    assert sum(sum(bar["y"]) for bar in page.chart.figure["data"]) == sum(one.values for one in in_time)
    assert page.entities[0] == ("KIND_A", 20)


def test_failures_are_counted_from_the_items_themselves():
    rules = (RulesInUse("a", "withheld", 3, 1, 2), RulesInUse("a", "full", 5, 1, 2))
    fields = tuple(HiddenField("PERSON", f"k{n}", "s", 1) for n in range(100))
    page = build_redaction(PLACE, Hidden((), fields, rules), RedactionFigures(), width_ns=HOUR_NS)
    assert (page.withheld, page.more_fields, page.chart.is_empty) == (3, 40, True)


def test_a_dry_run_shows_every_character_once():
    text = "ask Maria Gonzalez in Lima"
    reasons = [
        {"start": 4, "end": 18, "entity": "PERSON", "why": "known", "token": "<PERSON_abcdefgh>"},
        {"start": 4, "end": 9, "entity": "LOCATION", "why": "guess", "token": ""},
        {"start": 22, "end": 26, "entity": "LOCATION", "why": "place", "token": ""},
    ]
    tried = build_dry_run(text, "", reasons, failed=False)
    assert "".join(piece.text for piece in tried.pieces) == text
    assert (tried.hidden, tried.kept) == (1, 1)
