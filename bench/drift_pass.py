"""How long one drift pass takes, and a table of cost per success: 50 workflows over 14 days of runs, in the embedded engine.

    python -m bench.drift_pass --runs 1000000

A million runs stand for ten million spans: the pass reads runs only. Rows are made by the engine itself, with ten numbers and about ten
yes/no features per run. A drift pass compares every feature of every workflow; the tables are those of all workflows by version and by model,
of one workflow by version, and the fleet's.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from insights.detectors.base import Inputs
from insights.detectors.drift import evaluate
from store.api import RunQuery
from store.clickhouse.address import parse_address
from store.clickhouse.engine import Engine
from store.clickhouse.store import ClickHouseStore

DAY_S = 86_400
START_S = 1_788_739_200
DAYS = 14
FILL = """
INSERT INTO runs (project, run_id, version, partition_day, workflow, environment, mode, shape, status, outcome, started_ns, user_id, cost_usd,
  workflow_version, models,
  measure_names, measure_values, measure_flags, tool_sequence)
SELECT
  'default', lower(hex(MD5(toString(number)))), 1, toDate({at:UInt32}), concat('wf', toString(number % 50)), 'prod', 'live', 'agent', 'ok',
  ['success', 'success', 'success', 'success', 'success', 'failure', 'unknown'][number % 7 + 1],
  toUInt64(({at:UInt32} + intDiv((number - {first:UInt64}) * 86400, {count:UInt64})) * 1000000000),
  toString(number % 977), 0.01 + (number % 101) / 1000, concat('v', toString(number % 3)), [concat('m', toString(number % 5))],
  ['input_tokens', 'output_tokens', 'cost_usd', 'latency_ms', 'model_calls', 'tool_calls', 'retrieval_score', 'retrieval_docs',
   'arg_amount', 'redactions'],
  [exp(randNormal(5., .5)), exp(randNormal(6., .5)), exp(randNormal(7., .51)), exp(randNormal(7., .52)), toFloat64(randPoisson(4)),
   toFloat64(randPoisson(5)), randUniform(0, 1), toFloat64(randBinomial(5, .85)), exp(randNormal(3., 1.)), toFloat64(randPoisson(2))],
  arrayFilter((f, i) -> cityHash64(number, i) % 100 < 40, arrayMap(i -> concat('tools_t', toString(i)), range(20)), range(20)),
  arrayMap(i -> concat('t', toString(cityHash64(number, i) % 8)), range(4))
FROM numbers({first:UInt64}, {count:UInt64})
"""


def main() -> None:
    """Fill, look once, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine.open(parse_address(f"chdb://{Path(folder) / 'store'}"))
        store = ClickHouseStore(engine)
        store.migrate()
        count = arguments.runs // DAYS
        started = time.monotonic()
        for day in range(DAYS):
            params = {"at": START_S + day * DAY_S, "first": day * count, "count": count}
            engine.change(FILL, params, what="Filling")
        print(f"filled {count * DAYS:,} runs in {time.monotonic() - started:.1f} s")
        now_ns = (START_S + DAYS * DAY_S) * 1_000_000_000
        for _ in range(2):
            started, spent = time.monotonic(), time.process_time()
            found = list(evaluate(Inputs("default", now_ns, now_ns, store)))
            print(
                f"drift pass: {time.monotonic() - started:.1f} s, {time.process_time() - spent:.1f} s of them Python's and the "
                f"engine's processor time; {len(found)} findings"
            )
        since = START_S * 1_000_000_000
        everything = RunQuery("default", since_ns=since, until_ns=now_ns)
        tables: dict[str, Callable[[], object]] = {
            "all workflows, by version": lambda: store.economics(everything, "version"),
            "all workflows, by model": lambda: store.economics(everything, "model"),
            "one workflow, by version": lambda: store.economics(replace(everything, workflow="wf7"), "version"),
            "the fleet": lambda: store.fleet(everything),
        }
        for name, ask in tables.items():
            took = []
            for _ in range(6):
                started = time.monotonic()
                ask()
                took.append(1000 * (time.monotonic() - started))
            print(f"{name}: {took[0]:.0f} ms, then {min(took[1:]):.0f} to {max(took[1:]):.0f} ms")
        print("load", " ".join(f"{load:.1f}" for load in os.getloadavg()))
        store.close()


if __name__ == "__main__":
    main()
