"""The near-miss page over ten million spans: half a million runs in the embedded engine, one in ten with an attempt in it.

    python -m bench.near_misses --runs 500000

A run stands for twenty spans: the page reads runs only. Rows are made by the engine; times are those of what the page asks: kinds of
attempts of two weeks with the four weeks before them, workflows without content, one kind opened, and the weekly review.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from insights.near_misses import BEFORE_NS, DAY_NS, rank
from store.api import RunQuery
from store.clickhouse.address import parse_address
from store.clickhouse.engine import Engine
from store.clickhouse.store import ClickHouseStore
from store.judged import AttemptQuery

DAYS = 42
START_S = 1_788_739_200
ROUNDS = 6
FILL = """
INSERT INTO runs (project, run_id, version, partition_day, workflow, environment, workflow_version, mode, shape, status, outcome, started_ns,
  cost_usd, model_calls, tool_calls, input_preview, attempts)
SELECT
  'default', lower(hex(MD5(toString(number)))), 1, toDate({at:UInt32}), concat('wf', toString(number % 50)), 'prod', concat('v', toString(number % 3)),
  'live', 'agent', 'ok', 'success', toUInt64({at:UInt32} + intDiv((number - {first:UInt64}) * 86400, {count:UInt64})) * 1000000000,
  0.01 + (number % 101) / 1000, 9, 9, if(number % 50 = 7, '', 'a question'),
  arrayMap(i -> concat('{"kind":"', ['stopped', 'stopped', 'malformed', 'violation'][cityHash64(number, i) % 4 + 1],
    '","reason":"', ['policy_deny', 'permission', 'invalid_args', 'policy_file'][cityHash64(number, i) % 4 + 1],
    '","grade":"explicit","at_ns":', toString(toUInt64({at:UInt32}) * 1000000000 + number), ',"span_id":"', lower(hex(cityHash64(number, i))),
    '","tool":"tool_', toString(cityHash64(i, number) % 12), '","level":"tool","rule":"rule-', toString(number % 7),
    '","by":"policy","shape":"amount number, order text","arguments_hash":"a","harm":"', ['money', 'write', 'read'][number % 3 + 1],
    '","followed":"', ['gave_up', 'asked', 'went_round', 'retried'][number % 4 + 1], '"}'), range(if(number % 10 = 0, 1 + number % 3, 0)))
FROM numbers({first:UInt64}, {count:UInt64})
"""


def main() -> None:
    """Fill, ask as the page does, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine.open(parse_address(f"chdb://{Path(folder) / 'store'}"))
        store = ClickHouseStore(engine)
        store.migrate()
        count = options.runs // DAYS
        for day in range(DAYS):
            engine.change(FILL, {"at": START_S + day * 86_400, "first": day * count, "count": count}, what="Filling")
        now_ns = (START_S + DAYS * 86_400) * 1_000_000_000
        since_ns = now_ns - 14 * DAY_NS
        query = AttemptQuery("default", since_ns, now_ns)
        runs = RunQuery("default", since_ns=since_ns, until_ns=now_ns)
        ranked = rank(store.attempt_groups(query, BEFORE_NS), since_ns, 14 * DAY_NS)
        top = ranked[0].group
        one = AttemptQuery(
            *("default", since_ns, now_ns), workflow=top.workflow, kind=top.kind, tool=top.tool, rule=top.rule
        )
        print(
            f"{count * DAYS:,} runs, {len(ranked)} kinds, {sum(r.group.count for r in ranked):,} attempts in two weeks"
        )
        asked: dict[str, Callable[[], object]] = {
            "the page": lambda: (store.attempt_groups(query, BEFORE_NS), store.blind_workflows(runs)),
            "one kind": lambda: (store.attempt_groups(one, BEFORE_NS), store.attempts(one, 50)),
        }
        for name, ask in asked.items():
            took, spent = [], []
            for _ in range(ROUNDS):
                started, burnt = time.perf_counter(), time.process_time()
                ask()
                took.append(1e3 * (time.perf_counter() - started))
                spent.append(1e3 * (time.process_time() - burnt))
            print(
                f"{name}: first {took[0]:.0f} ms, then median {statistics.median(took[1:]):.0f} ms, best {min(took[1:]):.0f} ms; "
                f"processor time {statistics.median(spent[1:]):.0f} ms"
            )
        print("load", " ".join(f"{load:.1f}" for load in os.getloadavg()))
        store.close()


if __name__ == "__main__":
    main()
