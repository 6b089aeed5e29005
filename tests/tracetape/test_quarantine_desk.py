from __future__ import annotations

from collector.quarantine import KEEP_NS
from collector.spool.sidestore import SetAside
from tracetape.quarantine_desk import QuarantineDesk


class Kept:
    def list(self):
        return (
            SetAside("a", "segment", 1, "spans", "shop", 3, 10, 20, "It failed."),
            SetAside("b", "", 0, "logs", "", 2, 30, 0, "Damaged."),
        )

    def redrive(self, name):
        return f"again {name}"

    def drop(self, name):
        return f"gone {name}"


def test_it_says_when_a_record_is_destroyed_and_whether_it_can_be_tried_again():
    first, second = QuarantineDesk(Kept).list()
    assert (first.expires_ns, first.can_be_redriven) == (20 + KEEP_NS, True)
    assert (second.expires_ns, second.can_be_redriven) == (30 + KEEP_NS, False)


def test_decisions_are_passed_on():
    desk = QuarantineDesk(Kept)
    assert (desk.redrive("a"), desk.drop("b")) == ("again a", "gone b")
