"""One loaded redactor for all tests of this room: loading the model takes seconds."""

from __future__ import annotations

import pytest

from redaction.engine import Redactor
from redaction.presidio import People, Recognisers
from redaction.rules import RedactionRules


def key_for(project: str) -> bytes:
    return project.encode().ljust(32, b"k")


@pytest.fixture(scope="session")
def redactor() -> Redactor:
    return Redactor(RedactionRules.default(), key_for)


@pytest.fixture(scope="session")
def forgetful() -> Redactor:
    """The same without caches."""
    return Redactor(RedactionRules.default(), key_for, remember=False)


@pytest.fixture(scope="session")
def people() -> People:
    return People(RedactionRules.default().model)


@pytest.fixture(scope="session")
def recognisers() -> Recognisers:
    return Recognisers()
