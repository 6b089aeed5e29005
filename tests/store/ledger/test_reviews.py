from __future__ import annotations

from store.ledger.reviews import Review


def test_the_newest_review_of_a_kind_counts(ledger):
    ledger.reviews.add("default", "kind", Review.RULE_RIGHT, author="member:1")
    ledger.reviews.add("default", "kind", Review.LOOSEN, author="member:2", note="needed at night")
    assert {k: (r.answer, r.author) for k, r in ledger.reviews.newest("default").items()} == {
        "kind": (Review.LOOSEN, "member:2")
    }


def test_patterns_are_taught_once_and_can_be_forgotten(ledger):
    def teach():
        return ledger.reviews.add_pattern(
            "default", workflow="refunds", tool="", text="quota", counts=False, author="member:1"
        )

    before = ledger.reviews.revision()
    pattern = teach()
    assert teach() == pattern
    assert ledger.reviews.patterns("default") == (pattern,)
    ledger.reviews.remove_pattern("default", pattern.pattern_id)
    ledger.reviews.remove_pattern("default", pattern.pattern_id)
    assert ledger.reviews.patterns("default") == ()
    assert ledger.reviews.revision() not in {before, (1, 0)}


def test_a_pattern_about_one_reason_is_not_that_about_all(ledger):
    said = {"workflow": "refunds", "tool": "pay", "text": "", "counts": False, "author": "member:1"}
    every = ledger.reviews.add_pattern("default", **said)
    one = ledger.reviews.add_pattern("default", **said, reason="permission")
    assert ledger.reviews.add_pattern("default", **said, reason="permission") == one
    assert [p.reason for p in ledger.reviews.patterns("default")] == ["", "permission"]
    assert every.pattern_id != one.pattern_id
