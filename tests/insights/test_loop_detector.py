from __future__ import annotations

from insights.detectors.base import HOUR_NS, Inputs
from insights.detectors.loops import LOOPS
from spans.finding import FindingKind
from spans.ids import RunId
from spans.run import Assembly, Measures
from store.memory import MemoryStore
from tests.builders import NOW_NS, a_run


def test_the_first_run_that_repeats_itself_is_found_at_once():
    store = MemoryStore()
    for n, flags in enumerate([(), ("loop",), ()]):
        run = a_run(run_id=RunId(f"{n + 1:032x}"), workflow="refunds", environment="prod", started_ns=NOW_NS - 3 + n)
        store.write_derived([Assembly(run, (), Measures({}, flags, ("search",) * 6))])
    (finding,) = LOOPS.evaluate(Inputs("default", NOW_NS - HOUR_NS, NOW_NS, store))
    assert (finding.kind, finding.workflow, finding.since_ns) == (FindingKind.LOOP, "refunds", NOW_NS - 2)
    assert finding.run_ids == (RunId(f"{2:032x}"),)
    assert (
        finding.summary == "refunds: 1 run calls a tool at least 5 times in a row with equal arguments, mostly search."
    )
    assert list(LOOPS.evaluate(Inputs("default", NOW_NS, NOW_NS + HOUR_NS, store))) == []
