from __future__ import annotations

from decimal import Decimal

from spans.clean import Redaction, RedactionNote
from spans.content import SpanContent
from spans.facts import Decision
from spans.kinds import SpanKind, UsageRole, Verdict
from spans.span import Link
from spans.usage import ReportedCost, Usage
from spans.why import Why
from tests.builders import a_clean_log, a_clean_span, a_span_id, a_step, a_trace_id
from tests.web.test_conversation import HELLO, HI
from web.pages.detail import MAX_LINKED, build_detail, group_notes, usage_words
from web.places import Place, TimeRange

PLACE = Place("", "default", TimeRange(0, 1, "24h"))


def detail(step=None, span=None, logs=(), content=None, **changes):
    return build_detail(PLACE, "/runs/x", step or a_step(), span, logs, content or SpanContent(), **changes)


def test_the_cost_is_explained_line_by_line():
    cost = detail(a_step()).cost
    assert cost.sentence == "$0.0006, computed from public prices."
    assert [(line.token_class, line.tokens) for line in cost.lines] == [("input", 120), ("output", 30)]


def test_what_is_counted_elsewhere_says_so():
    assert "steps inside" in detail(a_step(usage_role=UsageRole.ROLLUP)).cost.sentence
    assert "same call" in detail(a_step(usage_role=UsageRole.DUPLICATE)).cost.sentence


def test_unpriced_is_said_and_never_zero():
    cost = detail(a_step(cost=None, unpriced=True, response_model="our-own-model")).cost
    assert cost.total is None
    assert cost.sentence == "No price is known for our-own-model, so it is not in any sum."


def test_a_reported_cost_stands_beside_ours():
    cost = detail(a_step(reported_cost=ReportedCost(Decimal("0.5"), "llm.cost.total"))).cost
    assert (cost.reported.usd, cost.total) == (Decimal("0.5"), Decimal("0.0006"))


def test_redactions_are_grouped_with_the_places_where_they_were():
    notes = [RedactionNote("/a/0", "EMAIL", "pseudonym", Why.EMAIL)] * 2 + [
        RedactionNote("/b", "CARD", "pseudonym", Why.CARD),
        RedactionNote("/c", "CARD", "pseudonym"),
    ]
    groups = group_notes(notes)
    assert [(g.entity, g.number, g.paths, g.why[:8]) for g in groups] == [
        ("EMAIL", 2, ("/a/0",), "the form"), ("CARD", 1, ("/b",), "the issu"), ("CARD", 1, ("/c",), "")
    ]  # fmt: skip


def test_links_to_other_spans_open_their_runs():
    span = a_clean_span(
        links=(Link(a_trace_id(9), a_span_id(9), {"why": "retry of <b>"}), Link(a_trace_id(8), a_span_id(8)))
    )
    first, second = detail(span=span).linked
    assert first.href == f"/t/{a_trace_id(9)}?span={a_span_id(9)}&project=default"
    assert (first.trace_id, first.span_id, second.attributes) == (a_trace_id(9), a_span_id(9), None)
    assert first.attributes.children[0].key == "why"
    assert "Links" not in [raw.label for raw in detail(span=span).raws]


def test_more_links_than_are_listed_stand_among_what_was_received():
    span = a_clean_span(links=tuple(Link(a_trace_id(9), a_span_id(n + 1)) for n in range(MAX_LINKED + 2)))
    told = detail(span=span)
    assert (len(told.linked), told.more_linked) == (MAX_LINKED, 2)
    assert {raw.label: raw.number for raw in told.raws}["Links"] == MAX_LINKED + 2


def test_the_rules_and_the_key_a_step_was_cleaned_with_are_told_once_each():
    span = a_clean_span(fingerprint="rules-2", key_id="0a1b2c3d")
    told = detail(span=span, logs=(a_clean_log(), a_clean_log())).redacted_with
    assert [(one.item, one.mode, one.rules, one.key_id) for one in told] == [
        ("span", "full", "rules-2", "0a1b2c3d"),
        ("log record", "full", "rules-1", ""),
    ]


def test_the_mode_of_redaction_is_the_weakest_of_its_parts():
    assert detail(span=a_clean_span()).redaction == "full"
    assert detail(span=a_clean_span(redaction=Redaction.RULES)).redaction == "rules"
    assert detail(span=a_clean_span(redaction=Redaction.OFF), logs=(a_clean_log(),)).redaction == "off"
    assert detail(span=a_clean_span(redaction=Redaction.WITHHELD)).redaction == "withheld"
    assert detail().redaction == "none"


def test_raw_evidence_is_there_as_trees():
    raws = {r.label: r for r in detail(span=a_clean_span(), logs=(a_clean_log(),)).raws}
    assert set(raws) == {"Attributes", "Resource", "Scope", "Log records"}
    assert raws["Attributes"].number == 4


def test_a_long_history_is_folded_to_its_last_messages():
    content = SpanContent(input_messages=(HELLO, HI) * 6, output_messages=(HI,))
    folded = detail(content=content)
    assert (len(folded.asked), folded.earlier) == (4, 8)
    assert detail(content=content, all_messages=True).earlier == 0


def test_a_reason_that_is_also_the_error_is_said_once():
    step = a_step(kind=SpanKind.TOOL, error_message="no", decisions=(Decision(Verdict.DENY, reason="no"),))
    assert detail(step).error_message == ""


def test_tokens_name_their_parts():
    usage = Usage(input=639, output=57, cache_read=512, reasoning=20)
    assert usage_words(usage).replace("\xa0", " ") == "639 in (512 cached) → 57 out (20 reasoning)"


def test_a_text_result_stays_text_and_a_mapping_becomes_a_tree():
    step = a_step(kind=SpanKind.TOOL, tool_name="t", usage=None)
    assert detail(step, content=SpanContent(tool_result="plain")).result_text == "plain"
    assert detail(step, content=SpanContent(tool_result={"a": 1})).result.size == 1
