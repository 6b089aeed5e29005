"""What redaction hid, summed; and the search for a text in every column that is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from store.text import from_json

MAX_FIELDS = 500
"""Rows of the table by field: the most frequent ones."""
MAX_TEXTS = 10_000


@dataclass(frozen=True, slots=True)
class HiddenQuery:
    """Of which project, received when, in periods of which width."""

    project: str
    since_ns: int
    until_ns: int
    width_ns: int


@dataclass(frozen=True, slots=True)
class HiddenInTime:
    """Values of an entity hidden in one period."""

    begin_ns: int
    entity: str
    values: int


@dataclass(frozen=True, slots=True)
class HiddenField:
    """Values of an entity hidden under one field of one service."""

    entity: str
    field: str
    service: str
    values: int


@dataclass(frozen=True, slots=True)
class RulesInUse:
    """Items that went through redaction under one version of the rules, in one way."""

    fingerprint: str
    redaction: str
    items: int
    first_ns: int
    last_ns: int


@dataclass(frozen=True, slots=True)
class Hidden:
    """Everything the Redaction page shows of stored items; copies that await their merge are counted."""

    in_time: tuple[HiddenInTime, ...]
    fields: tuple[HiddenField, ...]
    rules: tuple[RulesInUse, ...]


@dataclass(frozen=True, slots=True)
class FoundColumn:
    """Rows of a column in which a text occurs; `text` is its index in the question."""

    table: str
    column: str
    text: int
    rows: int


def field_of(path: str) -> str:
    """The field a note is about, by its path: `gen_ai.input.messages`, `resource host.name`, `event exception.message`."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    match parts:
        case ["attributes", key, *_]:
            return key
        case ["resource" | "scope" as owner, "attributes", key, *_]:
            return f"{owner} {key}"
        case ["events" | "links" as owner, _, "attributes", key, *_]:
            return f"{owner[:-1]} {key}"
        case ["events" | "links" as owner, _, name, *_]:
            return f"{owner[:-1]} {name}"
        case [owner, name, *_] if owner in {"resource", "scope", "status"}:
            return f"{owner} {name}"
        case [name, *_]:
            return name
    return ""


def summed(rows: Iterable[Mapping[str, Any]], query: HiddenQuery) -> Hidden:
    """The sums over rows of spans and logs, as the memory store makes them; the reference for the statements."""
    in_time: Counter[tuple[int, str]] = Counter()
    fields: Counter[tuple[str, str, str]] = Counter()
    rules: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        received_ns = int(row["received_ns"])
        if row["project"] != query.project or not query.since_ns <= received_ns < query.until_ns:
            continue
        rules.setdefault((row["fingerprint"], row["redaction"]), []).append(received_ns)
        told = dict(row["resource_attributes"]).get("service.name")
        service = str(from_json(told)) if told else ""
        for path, entity, *_ in from_json(row["notes"]):
            in_time[received_ns // query.width_ns * query.width_ns, entity] += 1
            fields[entity, field_of(path), service] += 1
    return Hidden(
        ordered_in_time(in_time),
        ordered_fields(fields),
        tuple(
            sorted((RulesInUse(*key, len(times), min(times), max(times)) for key, times in rules.items()), key=_newest)
        ),
    )


def ordered_in_time(counts: Mapping[tuple[int, str], int]) -> tuple[HiddenInTime, ...]:
    """Oldest first."""
    return tuple(HiddenInTime(*key, values) for key, values in sorted(counts.items()))


def ordered_fields(counts: Mapping[tuple[str, str, str], int]) -> tuple[HiddenField, ...]:
    """Most frequent first, bounded."""
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(HiddenField(*key, values) for key, values in ranked[:MAX_FIELDS])


def ordered_rules(rules: Iterable[RulesInUse]) -> tuple[RulesInUse, ...]:
    """Newest first; what spans and logs say of one version becomes one."""
    joined: dict[tuple[str, str], RulesInUse] = {}
    for one in rules:
        key = (one.fingerprint, one.redaction)
        old = joined.get(key, one)
        joined[key] = (
            one
            if old is one
            else RulesInUse(*key, old.items + one.items, min(old.first_ns, one.first_ns), max(old.last_ns, one.last_ns))
        )
    return tuple(sorted(joined.values(), key=_newest))


def found_in(rows: Mapping[str, Iterable[Mapping[str, Any]]], texts: Sequence[str]) -> tuple[FoundColumn, ...]:
    """Where texts occur in rows by table, without regard to case."""
    found: Counter[tuple[str, str, int]] = Counter()
    lowered = [text.lower() for text in texts]
    for table, some in rows.items():
        for row in some:
            for column, value in row.items():
                shown = str(value).lower()
                found.update((table, column, index) for index, text in enumerate(lowered) if text in shown)
    return tuple(FoundColumn(*key, count) for key, count in sorted(found.items()))


def _newest(one: RulesInUse) -> tuple[int, str, str]:
    return (-one.last_ns, one.fingerprint, one.redaction)
