from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from spans.clean import CleanLog, CleanSpan, Origin, Redaction, RedactionNote
from spans.ids import SpanId, TraceId
from spans.span import Event, Link, LogRecord, Resource, Scope, Span, StatusCode
from store.columns import plain_row
from store.rows import copy_score, evidence_tables, log_of, span_of
from tests.builders import a_clean_log, a_clean_span, some_facts

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text(
    "ab\0\u202e😀", min_size=250, max_size=260
)
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
attributes = st.dictionaries(texts, values, max_size=5)
u32, u64 = st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1)
trace_ids = st.from_regex("[0-9a-f]{32}", fullmatch=True).map(TraceId)
span_ids = st.from_regex("[0-9a-f]{16}", fullmatch=True).map(SpanId)
origins = st.builds(Origin, texts, u64, st.dates(date(1970, 1, 1), date(2100, 1, 1)), texts, u32, u32)
notes = st.lists(st.builds(RedactionNote, texts, texts, texts), max_size=2).map(tuple)
resources = st.builds(Resource, attributes, u32, texts)
scopes = st.builds(Scope, texts, texts, attributes, u32, texts)
marks = st.lists(texts, max_size=2).map(tuple)
events = st.lists(st.builds(Event, texts, u64, attributes, u32), max_size=2).map(tuple)
links = st.lists(st.builds(Link, trace_ids, span_ids, attributes, texts, u32, u32), max_size=2).map(tuple)
spans = st.builds(
    Span,
    trace_ids,
    span_ids,
    texts,
    st.none() | span_ids,
    st.integers(-(2**31), 2**31 - 1),
    u64,
    u64,
    attributes,
    events,
    links,
    st.sampled_from(StatusCode),
    texts,
    texts,
    u32,
    u32,
    u32,
    u32,
    resources,
    scopes,
    marks,
)
logs = st.builds(
    LogRecord,
    u64,
    u64,
    st.integers(0, 24),
    texts,
    texts,
    values,
    attributes,
    st.none() | trace_ids,
    st.none() | span_ids,
    u32,
    u32,
    resources,
    scopes,
    marks,
)
clean_spans = st.builds(CleanSpan, spans, origins, notes, st.sampled_from(Redaction), texts)
clean_logs = st.builds(
    CleanLog, logs, st.from_regex("[0-9a-f]{32}", fullmatch=True), origins, notes, st.sampled_from(Redaction), texts
)

quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def back(item, **options):
    """The item after its way through rows."""
    tables = evidence_tables([item], [some_facts()], **options)
    contents = tables["span_contents"].to_pylist()
    if isinstance(item, CleanSpan):
        return span_of(plain_row(tables["spans"].to_pylist()[0]), plain_row(contents[0]) if contents else None)
    return log_of(plain_row(tables["logs"].to_pylist()[0]))


@quick
@given(clean_spans)
def test_a_span_survives_the_round_trip(span):
    assert back(span) == span


@quick
@given(clean_spans)
def test_where_an_attribute_is_kept_changes_nothing(span):
    assert back(span, is_content=lambda key: len(key) % 2 == 0) == span


@quick
@given(clean_logs)
def test_a_log_survives_the_round_trip(log):
    """One that names no trace comes back with the trace that its facts gave it."""
    trace_id = log.log.trace_id or some_facts().trace_id
    assert back(log) == replace(log, log=replace(log.log, trace_id=trace_id))


@quick
@given(st.lists(st.text(st.characters(), max_size=8), max_size=6), st.lists(st.floats(), max_size=3))
def test_no_text_and_no_number_can_break_a_row(words, floats):
    """Lone surrogates, NaN and infinities included."""
    attributes = dict(zip(words, [*words, *floats], strict=False)) | {"deep": [{w: floats} for w in words]}
    name = "".join(words)
    span = a_clean_span(name=name, attributes=attributes, status_message=name, events=(Event(name, 0, attributes),))
    assert len(back(span).span.name.encode()) >= len(name) // 2
    assert back(a_clean_log(body={"a": floats, "b": words})).log.body["b"] is not None


@pytest.mark.parametrize("bits", [63, 64, 8_191, 20_000])
def test_integers_of_any_size_are_kept_or_shown_in_hex(bits):
    number = -(2**bits)
    kept = back(a_clean_span(attributes={"n": number})).span.attributes["n"]
    assert kept in (number, hex(number))


def test_not_a_number_is_marked_as_everywhere_else():
    assert back(a_clean_span(attributes={"n": float("nan")})).span.attributes == {"n": {"$double": "NaN"}}


def test_numbers_out_of_range_are_clamped():
    span = back(a_clean_span(start_ns=2**80, end_ns=-5, kind=2**40, flags=-1)).span
    assert (span.start_ns, span.end_ns, span.kind, span.flags) == (2**64 - 1, 0, 2**31 - 1, 0)


def test_content_stands_apart_from_what_lists_read():
    span = a_clean_span(
        attributes={"short": "a", "long": "x" * 257, "list": ["a"], "gen_ai.prompt": "hi", "n": 1},
        status_message="boom",
    )
    tables = evidence_tables([span], [some_facts()], is_content=lambda key: key == "gen_ai.prompt")
    assert {k for k, _ in tables["spans"].to_pylist()[0]["attributes"]} == {"short", "n"}
    assert {k for k, _ in tables["span_contents"].to_pylist()[0]["attributes"]} == {"long", "list", "gen_ai.prompt"}
    assert tables["spans"].to_pylist()[0]["has_contents"]
    assert "boom" not in str(tables["spans"].to_pylist())


def test_a_span_without_content_has_no_row_for_it():
    assert evidence_tables([a_clean_span(attributes={"n": 1})], [some_facts()])["span_contents"].num_rows == 0


def test_nothing_makes_four_empty_tables():
    assert {name: t.num_rows for name, t in evidence_tables([], []).items()} == dict.fromkeys(
        ("spans", "span_contents", "logs", "facts"), 0
    )


def test_items_and_facts_must_be_as_many():
    with pytest.raises(ValueError, match="argument 2"):
        evidence_tables([a_clean_span()], [])


def test_the_score_orders_copies_as_assembly_does():
    facts = some_facts(end_ns=5, attribute_count=3, content_hash="aa" * 16)
    ordered = [
        structs.replace(facts, end_ns=0, attribute_count=99, content_hash="ff" * 16),
        structs.replace(facts, end_ns=4, attribute_count=99),
        structs.replace(facts, attribute_count=2, content_hash="ff" * 16),
        structs.replace(facts, content_hash="a9" * 16),
        facts,
        structs.replace(facts, attribute_count=2**40),
        structs.replace(facts, end_ns=2**64 - 1),
    ]
    scores = [copy_score(f) for f in ordered]
    assert all(a < b for a, b in pairwise(scores))
    assert scores[-1] < 2**256


def test_a_hash_that_is_not_hex_still_orders():
    assert copy_score(some_facts(content_hash="not hex")) != copy_score(some_facts(content_hash="nor this"))
    assert copy_score(some_facts(content_hash="")) < 2**256
