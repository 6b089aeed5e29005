from __future__ import annotations

from insights.marks import SETTLED_NS, seen_marks
from spans.change import MarkKind
from store.measures import VersionSpan


def test_a_label_that_appears_later_is_a_change_and_the_first_ones_are_not():
    spans = [
        VersionSpan("w", "prod", "v1", 9, 1_000, 9_000),
        VersionSpan("w", "prod", "beside", 9, 1_000 + SETTLED_NS, 9_000),
        VersionSpan("w", "prod", "v2", 9, 1_001 + SETTLED_NS, 9_000),
        VersionSpan("w", "test", "v2", 9, 5_000, 9_000),
    ]
    (mark,) = seen_marks("default", MarkKind.VERSION, spans)
    assert (mark.label, mark.environment, mark.at_ns) == ("v2", "prod", 1_001 + SETTLED_NS)
    assert mark.sentence == "version v2 first seen"
