"""What goes into redaction and what comes out: a value with its key and class; a clean value with notes."""

from __future__ import annotations

from dataclasses import dataclass

from spans.clean import RedactionNote
from spans.fields import FieldClass
from spans.values import Value


@dataclass(frozen=True, slots=True)
class Item:
    """One value to clean.

    `key` is the raw key it stands under (context for the detectors), `path` the JSON pointer of the value in the
    item it belongs to. Items with the same `group` describe one span: a person's name found in one of its values is
    hidden in all of them. `series` names what the value belongs to over time, such as its trace: a list that
    continues an earlier one of the same series and key is done faster, with the same result.
    """

    value: Value
    key: str
    field: FieldClass
    path: str
    group: int = 0
    series: str = ""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A value fit to be stored. When `failed`, its text was replaced by `<REDACTION_FAILED>`."""

    value: Value
    notes: tuple[RedactionNote, ...]
    failed: bool = False
