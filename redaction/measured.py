"""What the detectors found of what was planted in generated texts; written by `python -m bench.redaction --write`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).with_name("measured.json")


@dataclass(frozen=True, slots=True)
class EntityRecall:
    """Share of the values of one entity of which at least four fifths of the characters were hidden."""

    entity: str
    recall: float
    planted: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measurement; `engine` is the version of the detectors it was taken with."""

    engine: int
    texts: int
    seed: int
    recall: tuple[EntityRecall, ...]
    false_findings_per_400: float


def read_measurement(path: Path = FILE) -> Measurement:
    """The measurement that is shipped."""
    raw = json.loads(path.read_text("utf-8"))
    recall = tuple(EntityRecall(*row) for row in raw["recall"])
    return Measurement(raw["engine"], raw["texts"], raw["seed"], recall, raw["false_findings_per_400"])


MEASURED = read_measurement()
