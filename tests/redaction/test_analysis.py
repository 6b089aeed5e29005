"""Every text is analysed once; what fails is withheld and nothing else."""

from __future__ import annotations

import logging

import pytest

import redaction.analysis as analysis
from redaction.analysis import MAX_CHUNK, Analyser, Ask, Models
from redaction.detectors.piece import Scope
from redaction.rules import Mode, RedactionRules

NAME = Ask("We saw Barack Obama there.", "content", Scope.FULL)
CARD = Ask("card 4111 1111 1111 1111", "content", Scope.FULL)


@pytest.fixture(scope="module")
def analyser():
    return Analyser(RedactionRules.default(), models=Models.load(RedactionRules.default()), memory_bytes=1_000_000)


@pytest.fixture
def fresh():
    return Analyser(RedactionRules.default(), models=Models.load(RedactionRules.default()), memory_bytes=1_000_000)


def entities(found):
    return [finding.entity for finding in found]


def test_it_finds_what_rules_and_model_find(analyser):
    found = analyser.analyse([NAME, CARD, NAME], "p", Mode.FULL)
    assert entities(found[NAME]) == ["PERSON"]
    assert entities(found[CARD]) == ["CREDIT_CARD"]


def test_rules_mode_leaves_the_model_alone(analyser):
    assert analyser.analyse([NAME], "p", Mode.RULES)[NAME] == ()


def test_a_text_is_analysed_once(fresh, monkeypatch):
    first = fresh.analyse([NAME], "p", Mode.FULL)
    monkeypatch.setattr(fresh, "_by_rules", None)
    monkeypatch.setattr(fresh, "_by_model", lambda works: None)
    assert fresh.analyse([NAME], "p", Mode.FULL) == first
    assert fresh.analyse([NAME], "another project", Mode.FULL)[NAME] is None


def test_a_detector_that_breaks_withholds_its_text_alone(fresh, monkeypatch, caplog):
    def broken(piece):
        if "card" in piece.text:
            raise RuntimeError("card 4111 1111 1111 1111")
        return ()

    monkeypatch.setattr(fresh, "_detectors", (broken,))
    analysis._log_once.cache_clear()
    with caplog.at_level(logging.ERROR):
        found = fresh.analyse([NAME, CARD], "p", Mode.FULL)
    assert found[CARD] is None
    assert entities(found[NAME]) == ["PERSON"]
    assert "withheld" in caplog.text
    assert "4111" not in str([record.__dict__ for record in caplog.records])


def test_a_model_that_breaks_withholds_the_text_that_broke_it(fresh, monkeypatch):
    whole = fresh.models.people.entities

    def entities_of(texts, **options):
        if any("Barack" in text for text in texts):
            raise MemoryError
        return whole(texts, **options)

    monkeypatch.setattr(fresh.models.people, "entities", entities_of)
    other = Ask("Please ask Tobias Achterberg about it.", "content", Scope.FULL)
    found = fresh.analyse([NAME, other], "p", Mode.FULL)
    assert found[NAME] is None
    assert entities(found[other]) == ["PERSON"]


def test_a_text_over_its_time_budget_is_withheld(fresh, monkeypatch):
    monkeypatch.setattr(analysis, "BUDGET_S", -1_000.0)
    assert fresh.analyse([CARD], "p", Mode.FULL)[CARD] is None


def test_a_text_too_long_for_the_model_is_withheld(fresh, monkeypatch):
    monkeypatch.setattr(analysis, "MAX_MODEL_CHARS", 10)
    assert fresh.analyse([NAME], "p", Mode.FULL)[NAME] is None


def test_names_are_found_in_every_chunk_of_a_long_text(analyser):
    filler = "The parcel was delivered on time and nobody complained about it. " * 1_200
    text = f"Ask Maria Gonzalez. {filler} Ask Tobias Achterberg. {filler} Ask Sung-min Park."
    assert len(text) > 2 * MAX_CHUNK
    ask = Ask(text, "content", Scope.FULL)
    found = {text[f.start : f.end] for f in analyser.analyse([ask], "p", Mode.FULL)[ask] if f.entity == "PERSON"}
    assert {"Maria Gonzalez", "Tobias Achterberg"} <= found


@pytest.mark.parametrize(
    "text",
    ["x" * 1_000_000, "\ud83d Maria Gonzalez called", "İstanbul'da Maria Gonzalez", "A" * 300 + " Maria Gonzalez left"],
)
def test_odd_texts_are_analysed(analyser, text):
    ask = Ask(text, "content", Scope.FULL)
    found = analyser.analyse([ask], "p", Mode.FULL)[ask]
    assert found is not None
    assert all(0 <= finding.start < finding.end <= len(text) for finding in found)


def test_allowed_values_and_low_scores_are_dropped():
    rules = RedactionRules(allow=frozenset({"4111 1111 1111 1111"}), threshold=0.4)
    assert Analyser(rules, models=Models(), memory_bytes=0).analyse([CARD], "p", Mode.RULES)[CARD] == ()
    strict = Analyser(RedactionRules(threshold=1.0), models=Models(), memory_bytes=0)
    mail = Ask("maria@example.com", "content", Scope.FULL)
    assert strict.analyse([mail], "p", Mode.RULES)[mail] == ()
