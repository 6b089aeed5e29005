"""Reads one span or log with every dialect that recognises it: once for facts, once for content."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from runs.cuts import cut_keys
from runs.dialects import DIALECTS
from runs.dialects.base import Dialect, never
from runs.dialects.generic import GENERIC
from runs.draft import Draft
from runs.sheet import Sheet
from runs.values import is_broken_json
from runs.view import View
from spans.content import SpanContent
from spans.kinds import SpanKind


def dialects_of(view: View) -> tuple[Dialect, ...]:
    """The dialects this span or log is written in, in order of trust."""
    candidates = _candidates(view.scope[:_SCOPE_CHARS], view.families & _FAMILIES)
    return tuple(dialect for dialect, is_sure in candidates if is_sure or dialect.detect(view))


_FAMILIES = frozenset(family for dialect in DIALECTS for family in dialect.families)
_SCOPE_CHARS = 1 + max(len(scope) for dialect in DIALECTS for scope in dialect.scopes)
"""What is remembered below is short, however long the scopes and however many the keys that somebody sends."""


@lru_cache(maxsize=1024)
def _candidates(scope: str, families: frozenset[str]) -> tuple[tuple[Dialect, bool], ...]:
    """Dialects of such spans, in order of trust, and whether that is sure already; others need a look at the span."""
    told = ((dialect, dialect.is_told_by(scope, families)) for dialect in DIALECTS)
    return tuple((dialect, is_sure) for dialect, is_sure in told if is_sure or dialect.detect is not never)


def names_of(dialects: Sequence[Dialect]) -> tuple[str, ...]:
    """Their ids, without those that another one includes."""
    if len(dialects) < 2:
        return tuple(dialect.id for dialect in dialects)
    covered = {name for dialect in dialects for name in dialect.covers}
    return tuple(dialect.id for dialect in dialects if dialect.id not in covered)


def draft_of(view: View, dialects: Sequence[Dialect]) -> Draft:
    """The filled-in sheet of facts."""
    draft = Draft()
    for dialect in (*dialects, GENERIC):
        dialect.facts(view, draft)
    return draft


def content_on(view: View, dialects: Sequence[Dialect], kind: SpanKind) -> SpanContent:
    """Content of a span from its attributes, its events and the logs folded onto it, in this order of trust."""
    sheet = Sheet()
    for dialect in (*dialects, GENERIC):
        dialect.content(view, sheet)
    _note_cuts(view, sheet)
    for log in view.logs:
        _fold_log(log, sheet)
    return sheet.content(kind)


def _note_cuts(view: View, sheet: Sheet) -> None:
    """A limit of the sender holds for every text of a span, so one that was cut makes the recording incomplete."""
    for attributes in (view.attributes, *(event.attributes for event in view.events)):
        for key in cut_keys(attributes):
            sheet.states.add("truncated")
            if key not in sheet.parse_errors and is_broken_json(attributes[key]):
                sheet.parse_errors.append(key)


def _fold_log(log: View, sheet: Sheet) -> None:
    """One log that holds whole transcripts: the longest input wins, other fields only fill gaps (section 7.4)."""
    own = Sheet()
    for dialect in (*dialects_of(log), GENERIC):
        dialect.content(log, own)
    _note_cuts(log, own)
    if len(own.input_messages) > len(sheet.input_messages):
        sheet.input_messages = own.input_messages
    sheet.put_output(own.output_messages)
    sheet.put_system(own.system)
    sheet.put_tools(own.tool_definitions)
    for field, value in own.values.items():
        sheet.put(field, value)
    for name, value in own.params.items():
        sheet.param(name, value)
    sheet.states |= own.states


def content_preview(text: str, limit: int = 200) -> str:
    """The start of a text on one line."""
    if not text:
        return ""
    flat = " ".join(text[: limit * 4].split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"
