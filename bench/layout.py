"""The layouts of the store that were not taken, beside the one that was, on the data of `bench/store.py`.

    python -m bench.store make --spans 10000000 --data DIR && python -m bench.layout --data DIR [--days 2]

Copies the contents of some days into tables of their own, one per codec and per text index; adds a projection; asks indexed
questions with and without the skip indexes. Prints bytes, seconds of writing and milliseconds of reading (the best of five):
ratios within one run mean something, figures of two runs on a shared machine do not.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.store import PROJECT
from store import open_store
from store.clickhouse.engine import Engine
from store.clickhouse.store import ClickHouseStore

ROUNDS = 5
CODECS = ("LZ4", "ZSTD(1)", "ZSTD(3)", "ZSTD(6)", "ZSTD(9)")
TEXT_INDEXES = {
    "none: scanned as it stands": "",
    "token bloom filter": "INDEX words said TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 1",
    "3-gram bloom filter": "INDEX words said TYPE ngrambf_v1(3, 65536, 3, 0) GRANULARITY 1",
    "inverted (text) index": "INDEX words said TYPE text(tokenizer = 'splitByNonAlpha')",
}
ABSENT, COMMON = "zzqqxxyy", "parcel"
KEY = "trace_id String CODEC(ZSTD(1)), span_id String CODEC(ZSTD(1))"


def main() -> None:
    """Measure every layout on copies, and remove them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--days", type=int, default=2)
    options = parser.parse_args()
    store = open_store(f"chdb://{options.data.resolve()}")
    assert isinstance(store, ClickHouseStore)
    engine = store._engine  # noqa: SLF001 a bench asks what no page asks
    try:
        rows = engine.select(
            "SELECT DISTINCT received_day AS day FROM span_contents ORDER BY day DESC LIMIT 2, 50", pool="job"
        )
        days = ", ".join(f"'{row['day']}'" for row in rows[: options.days])
        _codecs(engine, days)
        _text_indexes(engine, days)
        _projection(engine, days)
        _skip_indexes(engine)
    finally:
        store.close()


def _codecs(engine: Engine, days: str) -> None:
    print(f"\n{'codec of attributes':34} {'MiB':>8} {'write s':>8} {'scan ms':>8}")
    for codec in CODECS:
        attributes = f"attributes Map(LowCardinality(String), String) CODEC({codec})"
        with _table(engine, f"{KEY}, {attributes}", "") as name:
            took = _fill(engine, name, "trace_id, span_id, attributes", days)
            scan = _ms(
                engine,
                f"SELECT countIf(arrayExists(v -> position(v, '{ABSENT}') > 0, mapValues(attributes))) FROM {name}",
            )
            print(f"{codec:34} {_mib(engine, name, 'attributes'):8.1f} {took:8.2f} {scan:8.0f}")


def _text_indexes(engine: Engine, days: str) -> None:
    print(f"\n{'full text':34} {'MiB':>8} {'index':>8} {'write s':>8} {'absent':>8} {'common':>8}   (ms)")
    for words, index in TEXT_INDEXES.items():
        columns = f"{KEY}, said String CODEC(ZSTD(3))" + (f", {index}" if index else "")
        with _table(engine, columns, "allow_experimental_full_text_index = 1" if "text(" in index else "") as name:
            took = _fill(engine, name, "trace_id, span_id, arrayStringConcat(mapValues(attributes), ' ')", days)
            asked = [
                _ms(engine, f"SELECT count() FROM {name} WHERE {_holds(word, index)}") for word in (ABSENT, COMMON)
            ]
            row = engine.select(
                "SELECT sum(secondary_indices_compressed_bytes) / 1048576 AS mib FROM system.parts WHERE table = {t:String} AND active",
                {"t": name}, pool="job",
            )[0]  # fmt: skip
            said = _mib(engine, name, "said")
            print(f"{words:34} {said:8.1f} {row['mib']:8.1f} {took:8.2f} {asked[0]:8.0f} {asked[1]:8.0f}")


def _holds(word: str, index: str) -> str:
    return f"hasToken(said, '{word}')" if index else f"position(said, '{word}') > 0"


def _projection(engine: Engine, days: str) -> None:
    print(f"\n{'spans by start, beside their key':34} {'MiB':>8} {'write s':>8} {'an hour ms':>10}")
    columns = f"{KEY}, start_ns UInt64 CODEC(Delta, ZSTD(1)), name LowCardinality(String), attributes Map(LowCardinality(String), String) CODEC(ZSTD(1))"
    for words, more in (
        ("as it stands", ""),
        ("minmax on start", ", INDEX start start_ns TYPE minmax GRANULARITY 1"),
        (
            "projection ordered by start",
            ", PROJECTION by_start (SELECT trace_id, span_id, start_ns, name ORDER BY start_ns)",
        ),
    ):
        with _table(engine, columns + more, "") as name:
            took = _fill(engine, name, "trace_id, span_id, start_ns, name, attributes", days, "spans")
            row = engine.select(f"SELECT min(start_ns) + 43200000000000 AS at FROM {name}", pool="job")[0]
            hour = _ms(
                engine,
                f"SELECT uniqExact(trace_id) FROM {name} WHERE start_ns BETWEEN {row['at']} AND {row['at'] + 3_600_000_000_000}",
            )
            size = engine.select(
                "SELECT sum(bytes_on_disk) / 1048576 AS mib FROM system.parts WHERE table = {t:String} AND active",
                {"t": name},
                pool="job",
            )[0]
            print(f"{words:34} {size['mib']:8.1f} {took:8.2f} {hour:10.0f}")


def _skip_indexes(engine: Engine) -> None:
    print(f"\n{'skip indexes':34} {'with ms':>8} {'without':>8}")
    key = engine.select(
        "SELECT shared_keys[1] AS key, trace_id FROM facts WHERE notEmpty(shared_keys) LIMIT 1", pool="job"
    )[0]
    for words, question in (
        ("facts by a response id", f"SELECT DISTINCT trace_id FROM facts WHERE project = '{PROJECT}' AND hasAny(shared_keys, ['{key['key']}'])"),
        ("facts by an absent response id", f"SELECT DISTINCT trace_id FROM facts WHERE project = '{PROJECT}' AND hasAny(shared_keys, ['response:0'])"),
        ("run of a trace id", f"SELECT run_id FROM runs WHERE project = '{PROJECT}' AND has(traces, '{key['trace_id']}')"),
        ("facts received in a minute", "SELECT count() FROM facts WHERE received_ns BETWEEN 1000 AND 60000001000"),
    ):  # fmt: skip
        print(
            f"{words:34} {_ms(engine, question):8.0f} {_ms(engine, question + ' SETTINGS use_skip_indexes = 0'):8.0f}"
        )


@contextmanager
def _table(engine: Engine, columns: str, setting: str) -> Iterator[str]:
    name = f"layout_{time.monotonic_ns()}"
    settings = f" SETTINGS {setting}" if setting else ""
    _do(engine, f"CREATE TABLE {name} ({columns}) ENGINE = MergeTree ORDER BY (trace_id, span_id){settings}")
    try:
        yield name
    finally:
        _do(engine, f"DROP TABLE {name} SYNC")


def _fill(engine: Engine, name: str, columns: str, days: str, source: str = "span_contents") -> float:
    """Seconds to write the days, merged into one part."""
    started = time.monotonic()
    _do(engine, f"INSERT INTO {name} SELECT {columns} FROM {source} WHERE received_day IN ({days})")
    took = time.monotonic() - started
    _do(engine, f"OPTIMIZE TABLE {name} FINAL")
    return took


def _do(engine: Engine, sql: str) -> None:
    """Past the store's guard against lost bytes, which does not know the parts of projections."""
    engine._writer.command(sql)  # noqa: SLF001


def _ms(engine: Engine, question: str, *, skip: bool = True) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.monotonic()
        # The writer's connection: readers may not change a setting, and a remembered answer is no measurement.
        engine._writer.query(f"{question} SETTINGS use_query_condition_cache = 0, use_skip_indexes = {skip:d}")  # noqa: SLF001
        best = min(best, time.monotonic() - started)
    return 1000 * best


def _mib(engine: Engine, name: str, column: str) -> float:
    row = engine.select(
        "SELECT sum(column_data_compressed_bytes) / 1048576 AS mib FROM system.parts_columns"
        " WHERE table = {t:String} AND active AND column = {c:String}",
        {"t": name, "c": column}, pool="job",
    )[0]  # fmt: skip
    return float(row["mib"])


if __name__ == "__main__":
    main()
