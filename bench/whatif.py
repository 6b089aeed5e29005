"""What a candidate policy would have meant for every stored run: how long the store takes.

    python -m bench.store make --spans 10000000 --data DIR --tables steps,runs
    python -m bench.whatif --data DIR

Prints wall clock and processor time of the process, each the median of three, for the parts of a policy alone and together.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from decimal import Decimal
from pathlib import Path

from spans.policy import Limits, Policy
from store.api import RunQuery
from store.clickhouse.address import parse_address
from store.clickhouse.engine import Engine
from store.clickhouse.store import ClickHouseStore


def _limits(engine: Engine, share: float) -> Limits:
    """Limits that this share of the runs keeps."""
    row = engine.select(
        "SELECT quantile({share:Float64})(c) AS calls, quantile({share:Float64})(usd) AS usd, "
        "quantile({share:Float64})(used) AS tokens, quantile({share:Float64})(duration_ns) AS ns FROM "
        "(SELECT tool_calls AS c, toFloat64(ifNull(cost_usd, 0)) AS usd, duration_ns, "
        "ifNull(input_tokens, 0) + ifNull(output_tokens, 0) AS used FROM runs FINAL)",
        {"share": share},
        pool="job",
    )[0]
    cost = Decimal(f"{row['usd'] * 0.999:.6f}")
    return Limits(
        max_tool_calls=max(0, int(row["calls"]) - 1 if share == 0 else int(row["calls"])),
        max_cost_usd=cost,
        max_tokens=max(0, int(row["tokens"]) - 1),
        max_duration_s=row["ns"] / 1e9 * 0.999,
    )


def main() -> None:
    """Ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    engine = Engine.open(parse_address(f"chdb://{options.data}"))
    store = ClickHouseStore(engine)
    store.migrate()
    counted = "SELECT (SELECT count() FROM runs FINAL) AS runs, (SELECT count() FROM steps FINAL WHERE kind = 'tool' AND counted) AS calls"
    size = engine.select(counted, pool="job")[0]
    tools = [
        row["tool_name"]
        for row in engine.select(
            "SELECT tool_name, count() AS n FROM steps WHERE kind = 'tool' GROUP BY tool_name ORDER BY n DESC LIMIT 9",
            pool="job",
        )
    ]
    print(
        f"{size['runs']:,} runs, {size['calls']:,} tool calls; tools {', '.join(tools)}; load {os.getloadavg()[0]:.1f}"
    )
    limits, low = (_limits(engine, share) for share in (0.95, 0.0))
    policies = {
        "one tool denied": Policy("*", denied_tools=(tools[0],)),
        "one tool needs approval": Policy("*", require_approval=(tools[0],)),
        "an allow-list of all but one": Policy("*", allowed_tools=tuple(tools[1:])),
        "four limits, each exceeded by a twentieth of the runs": Policy("*", limits=limits),
        "everything at once": Policy(
            "*", denied_tools=(tools[0],), require_approval=(tools[-1],), allowed_tools=tuple(tools), limits=limits
        ),
        "the worst case: four limits, each exceeded by all runs": Policy("*", limits=low),
    }
    for name, policy in policies.items():
        took, spent = [], []
        for _ in range(options.rounds):
            started, cpu = time.monotonic(), time.process_time()
            found = store.what_if(RunQuery("default"), policy)
            took.append(time.monotonic() - started)
            spent.append(time.process_time() - cpu)
        changed = sum(g.calls for g in found.groups if g.change.value != "unchanged")
        print(
            f"{name}: {statistics.median(took):.2f} s, {statistics.median(spent):.2f} s of processor time; "
            f"{found.runs:,} runs, {changed:,} calls changed, {sum(limit.runs for limit in found.limits):,} stops"
        )
    store.close()


if __name__ == "__main__":
    main()
