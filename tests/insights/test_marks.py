from __future__ import annotations

from insights.marks import MOST_CHANGES, SETTLED_NS, seen_marks
from spans.change import MarkKind
from store.measures import LabelField, VersionSpan


def test_a_label_that_appears_later_is_a_change_and_the_first_ones_are_not():
    spans = [
        VersionSpan("w", "prod", "v1", 9, 1_000, 9_000),
        VersionSpan("w", "prod", "beside", 9, 1_000 + SETTLED_NS, 9_000),
        VersionSpan("w", "prod", "v2", 9, 1_001 + SETTLED_NS, 9_000),
        VersionSpan("w", "test", "v2", 9, 5_000, 9_000),
    ]
    (mark,) = seen_marks("default", LabelField.VERSION, spans)
    assert (mark.label, mark.environment, mark.at_ns, mark.kind) == (
        "v2",
        "prod",
        1_001 + SETTLED_NS,
        MarkKind.VERSION,
    )
    assert mark.sentence == "version v2 first seen"


def spans_of(hours, runs=9):
    return [VersionSpan("w", "prod", f"l{n}", runs, 1 + hour * SETTLED_NS, 1) for n, hour in enumerate(hours)]


def test_every_kind_of_label_has_its_sentence():
    (prompt,) = seen_marks("default", LabelField.PROMPT, spans_of([0, 5]))
    (tools,) = seen_marks("default", LabelField.TOOLS, spans_of([0, 5]))
    assert (prompt.sentence, tools.sentence) == ("prompt l1 first seen", "tool schema l1 first seen")


def test_prompts_that_are_written_anew_for_every_run_are_no_changes():
    assert seen_marks("default", LabelField.PROMPT, spans_of([0, 5], runs=2)) == ()
    restless = spans_of(range(MOST_CHANGES + 3))
    assert seen_marks("default", LabelField.PROMPT, restless) == ()
    assert len(seen_marks("default", LabelField.VERSION, restless)) == MOST_CHANGES + 1


def test_twenty_tools_that_come_with_one_release_are_marked():
    assert len(seen_marks("default", LabelField.TOOLS, spans_of([0, *[5] * 20]))) == 20
