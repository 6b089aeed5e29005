"""What tests do to a store from another process: `python -m tests.store.other_process VERB ADDRESS [NUMBER]`."""

from __future__ import annotations

import sys

from spans.errors import HouseError
from store import open_store
from store.api import RunQuery, Store
from tests.builders import a_clean_span, a_span_id, a_trace_id, an_assembly
from tests.store.contract import tables_for

SPANS = 20


def write_from(store: Store, first: int) -> None:
    """Write a trace and its run, say its number, and so on until killed."""
    for n in range(first, 1_000_000):
        ids = [a_span_id(k + 1) for k in range(SPANS)]
        spans = [a_clean_span(trace_id=a_trace_id(n + 1), span_id=i, attributes={"c": "x" * 500}) for i in ids]
        store.write_evidence(tables_for(*spans))
        store.write_derived([an_assembly(run_id=a_trace_id(n + 1), version=1)])
        say(n)


def check(store: Store, count: int) -> None:
    """Say `whole` when the first `count` traces are there, each once."""
    for n in range(count):
        trace = a_trace_id(n + 1)
        assert len(store.read_evidence("default", trace).spans) == SPANS, n
        assert len(store.read_facts("default", [trace])) == SPANS, n
        assert store.read_run("default", trace) is not None, n
    assert store.totals(RunQuery("default")).runs in (count, count + 1)
    say("whole")


def hold(_store: Store, _number: int) -> None:
    """Keep the store open until standard input ends."""
    say("open")
    sys.stdin.read()


def say(words: object) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


VERBS = {"write": write_from, "check": check, "hold": hold}


def main() -> None:
    try:
        store = open_store(sys.argv[2])
        store.migrate()
    except HouseError as error:
        say(error)
        return
    VERBS[sys.argv[1]](store, int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    store.close()


if __name__ == "__main__":
    main()
