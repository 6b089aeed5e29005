"""The store at ten million spans: made inside the engine in minutes, then every page's questions timed warm and cold.

python -m bench.store make --spans 10000000 --data DIR     # days, workflows, growing conversations, 1 % duplicates
python -m bench.store ask --data DIR                       # medians and 95th percentiles of warm pages, cold beside
python -m bench.store write --data DIR                     # evidence rows of 1 KB per second, batches of 20,000
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from spans.ids import RunId, SpanId, TraceId
from spans.span import Resource
from store import open_store
from store.api import RunQuery
from store.clickhouse.store import ClickHouseStore
from store.hours import HourField, HourQuery
from tests.builders import a_clean_span
from tests.store.contract import tables_for

SPANS_PER_RUN = 20
DAYS = 30
LAST = date(2026, 11, 20)
WORKFLOWS = 12
PROJECT = "default"
DUPLICATES = 0.01
ROUNDS = 10
BIG_RUN = "b" * 32
BIG_STEPS = 1_000

# One row per run: its ids, its time and the words of its conversation. Skewed as fleets are: a few workflows make most runs.
RUNS = """
SELECT
  number AS n,
  hex(sipHash128(number, {day:UInt32})) AS id,
  cityHash64(number, {day:UInt32}) AS h,
  least(toUInt64(pow((h % 10007) / 10007, 2) * {workflows:UInt32}), {workflows:UInt32} - 1) AS w,
  {day_ns:UInt64} + toUInt64((h % 86389) * 1e9) + h % 1000000000 AS t,
  arrayStringConcat(arrayMap(i -> concat(
    substring('thecustomerasksaboutaparcelrefundinvoicewhichisdelayedpleasecheckorder', 1 + cityHash64(h, i) % 60, 2 + cityHash64(i, h) % 7),
    if(cityHash64(h, i, 3) % 40 = 0, concat(' ', lower(hex(cityHash64(h, i, 5)))), '')), range(620)), ' ') AS text
FROM numbers({first:UInt64}, {count:UInt64})
"""
# Twenty spans: an agent, nine turns of a model call and its tool call, one retrieval.
SPANS = f"""
SELECT *, k, lower(hex(cityHash64(id, k))) AS span,
  multiIf(k = 0, 'agent', k = 19, 'retrieval', k % 2 = 1, 'model', 'tool') AS kind,
  substring(text, 1, 420 + 480 * intDiv(k, 2)) AS said
FROM ({RUNS}) ARRAY JOIN range(20) AS k
"""
INSERTS = {
    "spans": """
INSERT INTO spans (project, trace_id, span_id, received_day, received_ns, segment, slot, position, score, content_hash,
  has_contents, parent_span_id, name, kind, start_ns, end_ns, attributes, resource_attributes, scope_name, redaction,
  fingerprint, notes)
SELECT 'default', lower(id), span, {received:Date}, t + 5000000000, 's1', 0, k, toUInt256(t), hex(cityHash64(span)), kind != 'agent',
  if(k = 0, '', lower(hex(cityHash64(id, 0)))), concat(kind, ' step'), 3, t + k * 1000000000, t + k * 1000000000 + h % 900000000,
  map('gen_ai.operation.name', '"chat"', 'gen_ai.request.model', '"gpt-4o"', 'gen_ai.usage.input_tokens', toString(300 + 120 * k),
    'gen_ai.usage.output_tokens', toString(h % 300), 'gen_ai.conversation.id', concat('"', lower(substring(id, 1, 12)), '"'),
    'user.id', concat('"USER_', toString(h % 5000), '"')),
  map('service.name', concat('"service-', toString(w), '"'), 'telemetry.sdk.language', '"python"'),
  'opentelemetry.instrumentation.openai_v2', 'full', 'rules-1', '[]'
FROM ({spans}) WHERE {keep}
""",
    "span_contents": """
INSERT INTO span_contents (project, trace_id, span_id, received_day, score, content_hash, attributes, events, links)
SELECT 'default', lower(id), span, {received:Date}, toUInt256(t), hex(cityHash64(span)),
  if(kind = 'model', map('gen_ai.input.messages', said, 'gen_ai.output.messages', substring(text, 900 + 480 * intDiv(k, 2), 300)),
    map('gen_ai.tool.call.arguments', substring(text, 700 + 480 * intDiv(k, 2), 120),
        'gen_ai.tool.call.result', substring(text, 800 + 480 * intDiv(k, 2), 280))), '[]', '[]'
FROM ({spans}) WHERE kind != 'agent' AND {keep}
""",
    "facts": """
INSERT INTO facts (project, trace_id, span_id, source, content_hash, received_day, received_ns, score, shared_keys,
  input_preview, output_preview, data)
SELECT 'default', lower(id), span, 'span', hex(cityHash64(span)), {received:Date}, t + 5000000000, 17592186044416,
  if(kind = 'model', [concat('response:', hex(cityHash64(span, 2)))], []), substring(said, 1, 200), substring(text, 900, 200),
  concat('{"version":1,"kind":"', kind, '","start_ns":', toString(t), ',"service":"service-', toString(w),
    '","request_model":"gpt-4o","response_model":"gpt-4o-2024-08-06","usage":{"input":', toString(300 + 120 * k), ',"output":',
    toString(h % 300), '},"tool_name":"tool_', toString(k % 5), '","attribute_count":6}')
FROM ({spans}) WHERE {keep}
""",
    "steps": """
INSERT INTO steps (project, run_id, ordinal, version, partition_day, trace_id, span_id, parent_span_id, kind, name, start_ns,
  duration_ns, status, provider, request_model, response_model, usage_role, tool_name, tool_outcome, counted, agent_name,
  cost_usd, input_tokens, output_tokens, data)
SELECT 'default', lower(id), k, {version:UInt64}, {received:Date}, lower(id), span, if(k = 0, '', lower(hex(cityHash64(id, 0)))),
  kind, concat(kind, ' step'), t + k * 1000000000, h % 900000000, if(h % 29 = k, 'error', 'ok'),
  'openai', if(kind = 'model', 'gpt-4o', ''), if(kind = 'model', concat('gpt-4o-', toString(w % 3)), ''),
  if(kind = 'model', 'own', 'none'), if(kind = 'tool', concat('tool_', toString(k % 5)), ''),
  if(kind = 'tool', if(h % 17 = k, 'denied', 'ok'), ''), true, 'agent', if(kind = 'model', toDecimal128(h % 1000 / 100000, 12), NULL),
  if(kind = 'model', 300 + 120 * k, NULL), if(kind = 'model', h % 300, NULL),
  concat('{"depth":1,"subkind":"chat","usage":{"input":', toString(300 + 120 * k), '},"dialects":["otel"],"has_input":true,',
    '"has_output":true,"content_state":"whole"}')
FROM ({spans}) WHERE {keep}
""",
    "runs": """
INSERT INTO runs (project, run_id, version, partition_day, first_received_day, last_received_ns, name, service, environment, mode,
  shape, workflow, workflow_version, agents, session_id, user_id, started_ns, duration_ns, status, outcome, cost_usd, unpriced_calls,
  input_tokens, output_tokens, span_count, model_calls, tool_calls, denials, errors, models, tools, dialects, tags, attributes,
  waiting_for, input_preview, output_preview, data, traces)
SELECT 'default', lower(id), {version:UInt64}, {received:Date}, {received:Date}, t + 30000000000, concat('agent ', toString(w)),
  concat('service-', toString(w)), if(h % 10 = 0, 'staging', 'production'), if(h % 50 = 0, 'shadow', 'live'),
  multiIf(h % 11 = 0, 'single_call', h % 97 = 0, 'no_agent', 'agent'), concat('workflow-', toString(w)), toString(h % 4),
  ['agent', concat('helper-', toString(w))], lower(substring(id, 1, 12)), concat('USER_', toString(h % 5000)), t, 20000000000 + h % 90000000000,
  if(h % 29 < 1, 'error', 'ok'), multiIf(h % 29 < 1, 'failure', h % 3 = 0, 'unknown', 'success'), toDecimal128(h % 100000 / 100000, 12),
  h % 50 = 1, 20000 + h % 9000, h % 3000, 20, 9, 9, h % 17 < 9 AND h % 3 = 0, h % 29 < 1, ['gpt-4o', concat('gpt-4o-', toString(w % 3))],
  ['tool_0', 'tool_1', 'tool_2', 'tool_3', concat('tool_w', toString(w))], ['otel'], if(h % 200 = 0, ['vip'], []),
  map('team', concat('team-', toString(w % 4)), 'region', if(h % 2 = 0, 'eu', 'us')), if(h % 500 = 0, 'approval', ''),
  substring(text, 1, 200), substring(text, 3000, 200),
  '{"workflow_source":"agent","usage":{"input":20000,"output":900},"replayability":"complete","digest":"d"}', [lower(id)]
FROM ({runs}) WHERE {keep}
""",
}


def make(data: Path, spans: int, tables: tuple[str, ...]) -> None:
    """Fill a store, day by day; duplicates of one in a hundred runs stand in the next day's partition."""
    if data.exists():
        shutil.rmtree(data)
    store = ClickHouseStore.open(f"chdb://{data}")
    store.migrate()
    engine = store._engine  # noqa: SLF001 - rows are made inside the engine
    engine.change("SET max_block_size = 2048", what="blocks")
    engine.change("SET max_insert_threads = 2", what="threads")
    runs_a_day = spans // SPANS_PER_RUN // DAYS
    started = time.monotonic()
    for back in reversed(range(DAYS)):
        day = LAST - timedelta(days=back)
        for table in tables:
            _fill(engine, table, day, day, runs_a_day, "1", version=1)
            if table not in {"runs", "steps"}:
                _fill(engine, table, day, day + timedelta(days=1), runs_a_day, "n % 100 = 0", version=1)
            else:
                _fill(engine, table, day, day, runs_a_day, "n % 100 = 1", version=2)
        if back % 5 == 0:
            print(
                f"{day}: {(DAYS - back) * runs_a_day * SPANS_PER_RUN:,} spans, {time.monotonic() - started:.0f} s",
                flush=True,
            )
    _big_run(engine)
    _whole_days(engine, tables)
    print(f"made in {time.monotonic() - started:.0f} s; roll-ups …", flush=True)
    started = time.monotonic()
    _mark_all(engine)
    summed = 0
    while some := store.roll_up(10_000):
        summed += some
    print(f"{summed:,} hours summed in {time.monotonic() - started:.1f} s")
    store.close()


def _fill(engine, table: str, day: date, received: date, runs: int, keep: str, version: int) -> None:
    text = INSERTS[table].replace("{spans}", SPANS).replace("{runs}", RUNS).replace("{keep}", keep)
    day_ns = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1_000_000_000
    params = {
        "day": (day - date(2020, 1, 1)).days,
        "day_ns": day_ns,
        "received": received,
        "first": 0,
        "count": runs,
        "workflows": WORKFLOWS,
        "version": version,
    }
    engine.change(text, params, what=f"Making {table}")


def _whole_days(engine, tables: tuple[str, ...]) -> None:
    """What the engine does by itself hours after a day's last row (schema 0013): all days but the last are one part."""
    for table in {"runs", "steps"} & set(tables):
        for back in range(1, DAYS):
            engine.change(f"OPTIMIZE TABLE {table} PARTITION '{LAST - timedelta(days=back)}' FINAL", what="merging")


def _big_run(engine) -> None:
    """One run of a thousand steps, with its spans and contents."""
    columns = {
        "steps": ("run_id", "ordinal"),
        "spans": ("trace_id", "span_id"),
        "span_contents": ("trace_id", "span_id"),
    }
    for table, (own, each) in columns.items():
        source = f"(SELECT * FROM {table} WHERE project = 'default' AND {'partition' if table == 'steps' else 'received'}_day = toDate('{LAST}') LIMIT {BIG_STEPS})"
        value = (
            "toUInt32(rowNumberInAllBlocks())"
            if each == "ordinal"
            else "lower(hex(cityHash64(rowNumberInAllBlocks())))"
        )
        extra = ", '" + BIG_RUN + "' AS trace_id" if table == "steps" else ""
        engine.change(
            f"INSERT INTO {table} SELECT * REPLACE ('{BIG_RUN}' AS {own}{extra}, {value} AS {each}"
            f"{', 1 AS version' if table == 'steps' else ''}) FROM {source}",
            what="the big run",
        )
    engine.change(
        f"INSERT INTO runs SELECT * REPLACE ('{BIG_RUN}' AS run_id, ['{BIG_RUN}'] AS traces, toUInt32({BIG_STEPS}) AS span_count, toUInt64(1) AS version) "
        f"FROM (SELECT * FROM runs WHERE partition_day = toDate('{LAST}') LIMIT 1)",
        what="the big run",
    )


def _mark_all(engine) -> None:
    for back in range(DAYS):
        day = LAST - timedelta(days=back)
        engine.change(
            "INSERT INTO hour_marks SELECT DISTINCT project, environment, workflow, intDiv(started_ns, 3600000000000) * 3600000000000, "
            "partition_day, 1, 0 FROM runs WHERE partition_day = {day:Date}",
            {"day": day},
            what="marks",
        )


def ask(data: Path, rounds: int) -> None:
    """Time the questions pages ask."""
    opened = time.monotonic()
    store = open_store(f"chdb://{data}")
    store.migrate()
    end = int(datetime(LAST.year, LAST.month, LAST.day, tzinfo=UTC).timestamp()) * 1_000_000_000 + 86_400_000_000_000
    month = RunQuery(PROJECT, since_ns=end - DAYS * 86_400_000_000_000, until_ns=end)
    first = store.find_runs(RunQuery(PROJECT, limit=50))
    print(f"open to first page: {time.monotonic() - opened:.2f} s")
    some = first.rows[7]
    hours = HourQuery(PROJECT, since_ns=month.since_ns, until_ns=month.until_ns)
    filters = {
        "environment": "staging", "workflow": "workflow-9", "version": "2", "agent": "helper-3", "service": "service-5", "mode": "shadow",
        "shape": ("no_agent",), "status": "error", "outcome": "failure", "session": some.session_id, "user": "USER_77", "model": "gpt-4o-1",
        "tool": "tool_w11", "denied": True, "waiting": True, "tag": "vip", "attributes": {"region": "eu"}, "min_cost": Decimal("0.9999"),
    }  # fmt: skip

    def _time(name: str, work: Callable[[], object], bar_ms: int) -> None:
        _timed(name, work, bar_ms, rounds)

    print(f"\n{'question':34} {'cold ms':>8} {'median':>8} {'p95':>8} {'CPU ms':>8}   bar")
    for name, value in filters.items():
        query = replace(month, **{name: value})
        _time(f"runs, 30 days, {name}", lambda query=query: store.find_runs(query), 150)
        anytime = replace(query, since_ns=None, until_ns=None)
        _time(f"runs, any time, {name}", lambda query=anytime: store.find_runs(query), 150)
    _time("runs, no filter", lambda: store.find_runs(month), 150)
    _time("runs, page 20 (cursor)", lambda: store.find_runs(replace(month, cursor=first.next_cursor)), 150)
    _time("chart of the list (series)", lambda: store.series(month, 60), 150)
    _time("values of one field", lambda: store.values(month, "workflow", 30), 150)
    big = RunId(BIG_RUN)
    _time(
        "run of 1,000: run and steps",
        lambda: (store.read_run(PROJECT, TraceId(big)), store.read_steps(PROJECT, big)),
        100,
    )
    step = store.read_steps(PROJECT, big)[500]
    _time(
        "run of 1,000: one span's text", lambda: store.read_evidence(PROJECT, TraceId(big), SpanId(step.span_id)), 100
    )
    _time("run of 20 by a trace id", lambda: store.read_run(PROJECT, TraceId(some.run_id)), 100)
    _time("absent trace id", lambda: store.read_run(PROJECT, TraceId("f" * 32)), 100)

    def overview() -> None:
        store.totals(month)
        store.totals(replace(month, since_ns=0, until_ns=month.since_ns))
        store.series(month, 60)
        store.fleet(month)

    _time("Overview, 30 days", overview, 300)
    _time("roll-ups, 30 days by hour", lambda: store.hours(hours), 300)
    _time("roll-ups, 30 days by workflow", lambda: store.hours(hours, (HourField.WORKFLOW,)), 300)
    words = (
        word
        for one in store.read_evidence(PROJECT, TraceId(some.run_id)).spans
        for word in str(one.span.attributes).split()
        if len(word) == 16 and word.isalnum()
    )
    rare = next(words, "no-such-word-here")  # spans that `bench.busy` wrote hold none
    for name, text in (("rare", rare), ("absent", "zzqqxxyy"), ("common", "parcel")):
        _time(f"full text, {name} word", lambda text=text: store.find_runs(replace(month, text=text)), 1_000)
    print(f"\nbytes: {sum(store.stored_bytes().values()):,}", {k: f"{v:,}" for k, v in store.stored_bytes().items()})
    store.close()


def _timed(name: str, work: Callable[[], object], bar_ms: int, rounds: int) -> None:
    took, spent = [], []
    for _ in range(rounds + 1):
        started, burnt = time.perf_counter(), time.process_time()
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a cap that is hit is a result
            print(f"{name:34} {type(error).__name__}: {str(error)[:90]}")
            return
        took.append((time.perf_counter() - started) * 1e3)
        spent.append((time.process_time() - burnt) * 1e3)
    cold, warm = took[0], sorted(took[1:])
    median, p95 = statistics.median(warm), warm[min(len(warm) - 1, int(0.95 * len(warm)))]
    cpu = statistics.median(spent[1:])
    print(
        f"{name:34} {cold:8.0f} {median:8.0f} {p95:8.0f} {cpu:8.0f}   {bar_ms}{'' if median <= bar_ms else ' OVER'}",
        flush=True,
    )


def write(data: Path) -> None:
    """Evidence rows of 1 KB per second, through the store, fsync on, batches of 20,000."""
    if data.exists():
        shutil.rmtree(data)
    store = open_store(f"chdb://{data}")
    store.migrate()
    size, rounds = 20_000, 6
    batches = []
    for n in range(rounds):
        spans = [
            a_clean_span(
                trace_id=TraceId(f"{n * size + k // 20 + 1:032x}"),
                span_id=SpanId(f"{n * size + k + 1:016x}"),
                attributes={
                    "gen_ai.input.messages": f"{n * size + k:08d} The customer asks where the parcel is. " * 18
                },
                resource=Resource({"service.name": "bench"}),
            )
            for k in range(size)
        ]
        batches.append(tables_for(*spans))
    started = time.perf_counter()
    for tables in batches:
        store.write_evidence(tables)
    seconds = time.perf_counter() - started
    print(f"{size * rounds / seconds:,.0f} spans/s, fsync on (bar 20,000)")
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("make", "ask", "write"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--tables", default="spans,span_contents,facts,steps,runs")
    options = parser.parse_args()
    if options.what == "make":
        make(options.data, options.spans, tuple(options.tables.split(",")))
    elif options.what == "ask":
        ask(options.data, options.rounds)
    else:
        write(options.data)


if __name__ == "__main__":
    main()
