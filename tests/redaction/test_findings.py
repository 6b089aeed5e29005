"""Overlaps are decided by a total order, and tokens of ours are never touched."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from redaction.findings import PRIORITY, Finding, resolve

TEXT = "Maria Gonzalez maria@example.com 4111 1111 1111 1111"
some_findings = st.lists(
    st.builds(
        lambda start, length, entity: Finding(start, min(start + length, len(TEXT)), entity, 0.5),
        st.integers(0, len(TEXT) - 1),
        st.integers(1, 20),
        st.sampled_from(sorted(PRIORITY)),
    ),
    max_size=12,
)


@given(some_findings, st.randoms())
def test_the_order_of_findings_changes_nothing(findings, random):
    shuffled = list(findings)
    random.shuffle(shuffled)
    assert resolve(TEXT, findings) == resolve(TEXT, shuffled)


@given(some_findings)
def test_what_is_decided_never_overlaps(findings):
    decided = resolve(TEXT, findings)
    assert all(left.end <= right.start for left, right in pairwise(decided))


@given(some_findings)
def test_the_strongest_and_longest_finding_is_hidden_whole(findings):
    covered = {place for finding in resolve(TEXT, findings) for place in range(finding.start, finding.end)}
    if findings:
        strongest = min(findings, key=lambda one: (PRIORITY[one.entity], one.start - one.end, one.start, one.entity))
        assert covered.issuperset(range(strongest.start, strongest.end))


def test_a_card_wins_over_a_phone():
    assert resolve(TEXT, [Finding(33, 52, "PHONE_NUMBER", 0.9), Finding(33, 52, "CREDIT_CARD", 0.6)]) == (
        Finding(33, 52, "CREDIT_CARD", 0.6),
    )


def test_what_is_left_of_a_name_beside_an_address_stays_hidden():
    found = resolve(TEXT, [Finding(0, 32, "PERSON", 0.8), Finding(15, 32, "EMAIL_ADDRESS", 0.9)])
    assert [TEXT[finding.start : finding.end] for finding in found] == ["Maria Gonzalez", "maria@example.com"]


def test_the_host_behind_a_password_is_no_address():
    text = "postgres://admin:hunter2x@db.internal/x"
    found = resolve(text, [Finding(17, 25, "SECRET", 0.9), Finding(17, 37, "EMAIL_ADDRESS", 0.9)])
    assert [finding.entity for finding in found] == ["SECRET"]


def test_a_token_inside_a_finding_is_cut_out():
    text = "to <PERSON_aaaaaaaa>, Lisbon"
    assert resolve(text, [Finding(3, 28, "LOCATION", 0.8)]) == (Finding(22, 28, "LOCATION", 0.8),)


def test_no_findings_are_no_work():
    assert resolve(TEXT, []) == ()
