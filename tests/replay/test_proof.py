from __future__ import annotations

import random
from dataclasses import replace

from replay.proof import LeafState, Verdict, check, entries_of, root_of, seal_of
from spans.span import StatusCode
from tests.builders import DAY, a_clean_log, a_clean_span, a_run, a_span_id

RUN = a_run()
EVIDENCE = [
    *(a_clean_span(span_id=a_span_id(n), attributes={"said": f"text {n}", "n": n}) for n in range(1, 6)),
    a_clean_log(log_id="1" * 32),
    a_clean_log(log_id="2" * 32, body={"content": "bye"}),
]


def sealed(evidence, before=(), **changes):
    return seal_of(RUN, entries_of(evidence), before, sealed_ns=7, **changes)


def checked(evidence, *seals, **known):
    return check(RUN.run_id, seals, entries_of(evidence), **known)


SEAL = sealed(EVIDENCE)


def touched(found):
    return [(t.state.value, t.item_id) for t in found.touched]


def test_untouched_evidence_is_intact_in_any_order_and_however_often_it_came():
    shuffled = list(EVIDENCE)
    random.Random(1).shuffle(shuffled)
    assert sealed(shuffled) == SEAL
    resent = [replace(item, origin=replace(item.origin, received_ns=99, segment="later")) for item in EVIDENCE]
    assert sealed(resent).root == SEAL.root
    found = checked(shuffled, SEAL)
    assert (found.verdict, found.intact, found.root) == (Verdict.INTACT, 7, SEAL.root)


def test_any_change_of_any_field_names_its_leaf():
    def with_(index, **changes):
        changed = list(EVIDENCE)
        inner = "span" if index < 5 else "log"
        changed[index] = replace(changed[index], **{inner: replace(getattr(changed[index], inner), **changes)})
        return changed

    for changes in (
        {"name": "x"},
        {"start_ns": 1},
        {"end_ns": 0},
        {"attributes": {"said": "text 3", "n": 4}},
        {"attributes": {"said": "text 3 "}},
        {"status_code": StatusCode.ERROR},
        {"status_message": "x"},
        {"parent_span_id": a_span_id(9)},
        {"events": ()},
        {"flags": 1},
        {"marks": ("x",)},
    ):
        if all(getattr(EVIDENCE[2].span, name) == value for name, value in changes.items()):
            continue
        found = checked(with_(2, **changes), SEAL)
        assert (found.verdict, touched(found)) == (Verdict.ALTERED, [("altered", a_span_id(3))]), changes
    for changes in ({"body": "x"}, {"time_ns": 1}, {"severity_text": "WARN"}, {"attributes": {"a": 1}}):
        assert touched(checked(with_(5, **changes), SEAL)) == [("altered", "1" * 32)]
    found = checked(with_(2, status_message="x"), SEAL)
    assert f"span {a_span_id(3)} (chat gpt-4o)" in found.sentence
    unnoted = [*EVIDENCE[:2], replace(EVIDENCE[2], notes=()), *EVIDENCE[3:]]
    assert touched(checked(unnoted, SEAL)) == [("altered", a_span_id(3))]


def test_dropped_and_inserted_evidence_is_named():
    assert touched(checked(EVIDENCE[1:], SEAL)) == [("missing", a_span_id(1))]
    more = [*EVIDENCE, a_clean_span(span_id=a_span_id(77))]
    assert touched(checked(more, SEAL)) == [("added", a_span_id(77))]


def test_late_evidence_is_an_addendum_and_the_check_says_so():
    late = [*EVIDENCE, a_clean_span(span_id=a_span_id(8))]
    addendum = sealed(late, (SEAL,))
    assert [leaf.item_id for leaf in addendum.leaves] == [a_span_id(8)]
    assert addendum.header["before"] == SEAL.root
    found = checked(late, SEAL, addendum)
    assert (found.verdict, found.chapters) == (Verdict.INTACT, 2)
    assert found.sentence.endswith("1 came after the run was first sealed, in an addendum.")
    assert sealed(late, (SEAL, addendum)) is None


def test_a_fuller_copy_replaces_the_sealed_one_and_both_are_told():
    fuller = [replace(EVIDENCE[0], span=replace(EVIDENCE[0].span, end_ns=EVIDENCE[0].span.end_ns + 1)), *EVIDENCE[1:]]
    addendum = sealed(fuller, (SEAL,))
    found = checked(fuller, SEAL, addendum)
    assert found.verdict is Verdict.INTACT
    assert touched(found) == [("superseded", a_span_id(1))]
    assert "1 were replaced" in found.sentence


def test_content_that_expired_is_told_from_content_that_was_altered():
    emptied = [replace(i, span=replace(i.span, attributes={}, events=())) for i in EVIDENCE[:5]]
    assert checked(emptied, SEAL).verdict is Verdict.ALTERED
    found = checked(emptied, SEAL, is_expired=lambda day: day == DAY)
    assert found.verdict is Verdict.EXPIRED
    assert {state for state, _ in touched(found)} == {"content_expired"}
    assert found.verdict.value == "content expired, hash present"
    renamed = [replace(emptied[0], span=replace(emptied[0].span, name="x")), *emptied[1:]]
    assert checked(renamed, SEAL, is_expired=lambda _: True).verdict is Verdict.ALTERED
    assert sealed(emptied, (SEAL,), is_expired=lambda _: True) is None


def test_erased_evidence_names_its_certificate():
    found = checked([], SEAL, certificate="er-7")
    assert (found.verdict, found.certificate) == (Verdict.ERASED, "er-7")
    assert found.sentence == "Erased by certificate er-7."
    assert {t.state for t in found.touched} == {LeafState.ERASED}


def test_everything_gone_by_retention_is_expired():
    assert checked([], SEAL, is_gone=lambda _: True).verdict is Verdict.EXPIRED


def test_a_seal_that_was_changed_shows_itself():
    other = replace(SEAL.leaves[0], content="0" * 64)
    for changed in (
        replace(SEAL, leaves=(other, *SEAL.leaves[1:])),
        replace(SEAL, leaves=SEAL.leaves[1:]),
        replace(SEAL, leaves=tuple(reversed(SEAL.leaves))),
        replace(SEAL, header={**SEAL.header, "normalisation": "99"}),
        replace(SEAL, root="0" * 64),
    ):
        found = checked(EVIDENCE, changed)
        assert found.verdict is Verdict.ALTERED
        assert any(t.kind == "chapter" for t in found.touched)
    addendum = sealed([*EVIDENCE, a_clean_span(span_id=a_span_id(8))], (SEAL,))
    assert checked(EVIDENCE, addendum).verdict is Verdict.ALTERED


def test_without_a_seal_nothing_is_claimed():
    assert checked(EVIDENCE).verdict is Verdict.UNSEALED


def test_the_root_of_one_leaf_and_of_many_differ_and_no_leaf_passes_for_a_node():
    roots = {root_of(SEAL.header, SEAL.leaves[:n]) for n in range(8)}
    assert len(roots) == 8


def test_numbers_no_json_library_likes_have_a_leaf_too():
    (entry,) = entries_of([a_clean_span(attributes={"n": 2**70, "x": {"$double": "NaN"}})])
    assert len(entry.leaf().content) == 64
