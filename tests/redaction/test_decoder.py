"""The fast decoder says exactly what spaCy says, alone or in any batch."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest

from redaction.decoder import FastDecoder

NAMES = [
    "Maria Gonzalez-Lindqvist",
    "Tobias Achterberg",
    "Sung-min Park",
    "Anneke van der Berg",
    "D. Bzymek",
    "yuki tanaka",
    "Kafka",
]
PLACES = ["Berlin", "New Zealand", "São Paulo", "the Empire State Building", "Springfield, IL", "CUST-4471"]
FORMS = [
    "Please ask {n} about the refund of $1,249.00 in {p} before Friday, 3 May 2024.",
    "{n} ({n}) flew from {p} to {p}.",
    '{{"name": "{n}", "city": "{p}", "n": 12}}',
    "ERROR 2025-07-20T10:57:23Z worker-3 failed for {n}\n\n  at run_agent (agent.py:12)\n",
    "| {n} | {p} | 250 |",
    "   ",
    "\n\n{n}\n",
    "{p}",
    "I'm {n}; it's 50% off at Acme Corp. — isn't it?! 😀 {p}",
    "",
]


@pytest.fixture(scope="module")
def texts():
    rng = random.Random(3)
    return [rng.choice(FORMS).format(n=rng.choice(NAMES), p=rng.choice(PLACES)) for _ in range(300)]


def test_it_is_in_use(people):
    assert people.decodes_fast


def test_it_agrees_with_spacy_on_every_text(people, texts):
    assert people.entities(texts) == people.slow_entities(texts)


def test_batches_change_nothing(people, texts):
    together = people.entities(texts)
    assert [people.entities([text])[0] for text in texts] == together
    assert people.entities(texts[::-1])[::-1] == together


def test_a_model_of_another_shape_is_refused():
    def get_ref(name):
        raise ValueError(name)

    ner = SimpleNamespace(model=SimpleNamespace(attrs={}, get_ref=get_ref))
    with pytest.raises(ValueError, match="lower"):
        FastDecoder(ner)
