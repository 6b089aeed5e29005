"""How long one look of a hundred alert rules takes, and a back-test over 30 days.

    python -m bench.alerts --runs 1000000

A million runs stand for ten million spans: rules read runs and hourly roll-ups only. Rows are made by the engine itself.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from insights.alerts.backtest import backtest
from insights.alerts.rule_file import parse_rule
from store.clickhouse.address import parse_address
from store.clickhouse.engine import Engine
from store.clickhouse.store import ClickHouseStore
from store.ledger import Ledger
from tracetape.alerting.answers import history_of
from tracetape.alerting.driver import AlertDriver

DAY_S = 86_400
DAYS = 30
WORKFLOWS = 50
START_S = 1_788_739_200
END_NS = (START_S + DAYS * DAY_S) * 1_000_000_000
FILL = """
INSERT INTO runs (project, run_id, version, partition_day, workflow, environment, mode, status, outcome, started_ns, duration_ns,
  cost_usd, input_tokens, output_tokens, model_calls, tool_calls, denials)
SELECT
  'default', lower(hex(MD5(toString(number)))), 1, toDate({at:UInt32}), concat('wf', toString(number % 50)), 'prod', 'live',
  if(number % 37 = 0, 'error', 'ok'), if(number % 9 = 0, 'failure', 'success'),
  toUInt64(({at:UInt32} + intDiv((number - {first:UInt64}) * 86400, {count:UInt64})) * 1000000000),
  toInt64(exp(randNormal(22., .7))), toDecimal128(exp(randNormal(-4., .8)), 12), 1000 + number % 777, 100 + number % 77,
  4, number % 6, number % 61 = 0
FROM numbers({first:UInt64}, {count:UInt64})
"""
MARK = """
INSERT INTO hour_marks (project, environment, workflow, hour_ns, partition_day, marked_ns, rolled_ns)
SELECT DISTINCT project, environment, workflow, intDiv(started_ns, 3600000000000) * 3600000000000, partition_day, 1, 0 FROM runs
WHERE partition_day = toDate({at:UInt32})
"""
WINDOWS = ("5m", "15m", "1h", "6h", "1d", "7d", "30d")
METRICS = ("cost_usd", "cpsc", "success_rate", "error_rate", "denials", "tokens", "mean_duration_s")


def a_hundred_rules() -> list[str]:
    """Every kind, every window, for one workflow or for all."""
    texts = []
    for n in range(60):
        who = "'*'" if n % 3 == 0 else f"wf{n % WORKFLOWS}"
        limit = "below: 0.0001" if "rate" in METRICS[n % 7] and n % 2 else "above: 1000000000000"
        texts.append(
            f"{{id: t{n}, type: threshold, workflow: {who}, metric: {METRICS[n % 7]}, window: {WINDOWS[n % 7]}, {limit}}}"
        )
    texts += [f"{{id: b{n}, type: burn, workflow: wf{n}, budget: 1000000, per: 30d}}" for n in range(15)]
    texts += [
        f"{{id: p{n}, type: per_run, workflow: wf{n}, any: [cost_usd > {n + 10}], window: 1h}}" for n in range(10)
    ]
    texts += [f"{{id: n{n}, type: no_data, workflow: wf{n}, window: 6h}}" for n in range(8)]
    texts += [
        f"{{id: f-{kind.replace('_', '-')}, type: {kind}}}"
        for kind in ("spike", "drift", "near_miss", "violation", "duplicate_write", "exposure", "health")
    ]
    return texts


def main() -> None:
    """Fill, look, try, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = Engine.open(parse_address(f"chdb://{Path(folder) / 'store'}"))
        store = ClickHouseStore(engine)
        store.migrate()
        count, started = arguments.runs // DAYS, time.monotonic()
        for day in range(DAYS):
            params = {"at": START_S + day * DAY_S, "first": day * count, "count": count}
            engine.change(FILL, params, what="Filling")
            engine.change(MARK, {"at": params["at"]}, what="Marking hours")
        while store.roll_up(10_000):
            pass
        print(f"filled and rolled up {count * DAYS:,} runs in {time.monotonic() - started:.0f} s")
        ledger = Ledger.open(f"sqlite:///{Path(folder) / 'ledger.sqlite'}", clock=lambda: END_NS)
        for text in a_hundred_rules():
            ledger.alert_rules.put("default", parse_rule(text).rule_id, text, "bench")
        driver = AlertDriver(store, ledger, clock_ns=lambda: END_NS)
        for _ in range(4):
            driver._ticked = dict.fromkeys((("default", parse_rule(t).rule_id) for t in a_hundred_rules()), 0)  # noqa: SLF001
            started, spent = time.monotonic(), time.process_time()
            looked = driver.look()
            print(
                f"{looked} rules: {time.monotonic() - started:.2f} s, {time.process_time() - spent:.2f} s of processor time"
            )
        errors = [s.error for s in driver.status("default").values() if s.error]
        print(f"rules in error: {errors}")
        for who in ("wf7", "'*'"):
            rule = parse_rule(f"{{id: x, type: threshold, workflow: {who}, metric: cost_usd, above: 20, window: 1d}}")
            started, spent = time.monotonic(), time.process_time()
            history = history_of("default", rule, store, ledger, END_NS - 30 * DAY_S * 10**9, END_NS, lambda *_: None)
            found = backtest("default", rule, history, END_NS - 30 * DAY_S * 10**9, END_NS)
            print(
                f"back-test of 30 days for {who}: {time.monotonic() - started:.2f} s, {time.process_time() - spent:.2f} s of "
                f"processor time; would have fired {len(found)} times"
            )
        store.close()


if __name__ == "__main__":
    main()
