"""The way from the spool to the page, in one process: what is sent again, changed, hostile or far off in time ends up once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.accept import accept
from collector.bounds import Bounds
from collector.broker import Delivery
from collector.pipeline import Orders, Pipeline, build_pipeline
from collector.signals import TRACES
from collector.spool.format import Signal
from collector.spool.keys import ensure_spool_keys, load_key_ring, load_seal_key
from collector.spool.reader import SegmentReader, segment_paths
from collector.spool.writer import SpoolWriter
from runs.pricing import PriceBook
from spans.ids import TraceId
from store.api import RunQuery
from store.ledger import Ledger
from store.ledger.slots import SlotKey
from store.memory import MemoryStore
from tests.collector.helpers import Place
from tracetape.assembler import Assembler
from tracetape.pump import Pump
from tracetape.watermark import Watermark

NOON = int(datetime(2026, 11, 20, 12, tzinfo=UTC).timestamp()) * 10**9
MIDNIGHT = int(datetime(2026, 11, 21, tzinfo=UTC).timestamp()) * 10**9
TRACE = bytes(range(16))
MODES = ("rules", "off")
INT64_MAX = (1 << 63) - 1


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Pipeline]:
    keys = tmp_path_factory.mktemp("keys")
    return {mode: build_pipeline(Orders(mode, None, keys)) for mode in MODES}


@dataclass
class Flow:
    """Spool, store and ledger with everything between them, driven step by step."""

    place: Place
    pipelines: dict[str, Pipeline]
    store: MemoryStore = field(default_factory=MemoryStore)
    ledgers: list[Ledger] = field(default_factory=list)

    def __post_init__(self) -> None:
        ensure_spool_keys(self.place.keys)
        self.new_ledger()

    def new_ledger(self) -> None:
        """Forget what was settled: the checkpoint is deleted, and so is the memory of what was seen."""
        ledger = Ledger.open(f"sqlite:///{self.place.root / f'ledger-{len(self.ledgers)}.sqlite'}")
        self.ledgers.append(ledger)
        self.assembler = Assembler(self.store, PriceBook)
        self.pump = Pump(self.store, ledger.slots, self.assembler, Watermark(ledger.settings))

    def send(self, request: Any, *, project: str = "default", at_ns: int = NOON) -> None:
        accepted = accept(request.SerializeToString(), TRACES, Bounds())
        writer = SpoolWriter(self.place.spool, lambda: load_seal_key(self.place.keys), clock_ns=lambda: at_ns)
        writer.start()
        writer.offer(Signal.SPANS, project, accepted.items, accepted.payload).result(10)
        writer.close(5)

    def drain(self, mode: str = "rules") -> None:
        """Store everything in the spool that is not settled; its files stay, so that it can be replayed."""
        ring, touched = load_key_ring(self.place.keys), set()
        for path in segment_paths(self.place.spool):
            reader = SegmentReader(path)
            settled = self.ledgers[-1].slots.settled(path.stem)
            for ref in reader.scan().records:
                head = ref.head
                if head.slot in settled:
                    continue
                done = self.pipelines[mode].process(path.stem, head, reader.read(ref, reader.header.data_key(ring)))
                key = SlotKey(path.stem, head.slot)
                self.pump._store_batch(
                    [
                        Delivery(
                            key, head.signal.word, head.project, head.received_ns, head.items, done.tables, done.traces
                        )
                    ]
                )
                touched |= {(head.project, trace) for trace in done.traces}
            reader.close()
        for project, trace in sorted(touched):
            self.assembler.assemble_now(project, [trace])

    def stored_as(self) -> Counter[str]:
        return Counter(self.ledgers[-1].slots.totals()["spans"].stored_as)

    def runs(self, project: str = "default") -> list[Any]:
        return list(self.store.find_runs(RunQuery(project, limit=2000)).rows)


@pytest.fixture
def flow(place: Place, pipelines: dict[str, Pipeline]) -> Iterator[Flow]:
    made = Flow(place, pipelines)
    yield made
    for ledger in made.ledgers:
        ledger.close()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def an_agent(
    trace: bytes = TRACE, text: str = "write to maria@example.com", calls: int = 3
) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for n in range(calls + 1):
        span = scope.spans.add(trace_id=trace, span_id=(n + 1).to_bytes(8, "big"), name="chat" if n else "agent")
        span.parent_span_id = (1).to_bytes(8, "big") if n else b""
        span.start_time_unix_nano, span.end_time_unix_nano = NOON + n, NOON + 10 + n
        said = {"gen_ai.operation.name": "chat" if n else "invoke_agent", "gen_ai.agent.name": "again"}
        if n:
            said |= {
                "gen_ai.request.model": "gpt-4o-mini",
                "gen_ai.provider.name": "openai",
                "gen_ai.input.messages": text,
            }
            span.attributes.add(key="gen_ai.usage.input_tokens").value.int_value = 1000
            span.attributes.add(key="gen_ai.usage.output_tokens").value.int_value = 100
        for key, value in said.items():
            span.attributes.add(key=key).value.string_value = value
    return request


def sums(flow: Flow) -> tuple[int, Decimal, int, int, list[int]]:
    runs = flow.runs()
    spans = [len(flow.store.read_evidence("default", TraceId(run.run_id)).spans) for run in runs]
    return (
        len(runs),
        sum((run.cost_usd or Decimal(0) for run in runs), Decimal(0)),
        sum(run.usage.input for run in runs),
        sum(run.model_calls for run in runs),
        spans,
    )


def test_r14_every_batch_three_times_and_the_whole_spool_once_more_changes_no_cent(flow: Flow) -> None:
    for n in range(4):
        for _ in range(3):
            flow.send(an_agent(bytes([n + 1]) * 16))
    flow.drain()
    first = sums(flow)
    assert first[0] == 4
    assert first[1] > 0
    assert first[2:] == (12_000, 12, [4, 4, 4, 4])
    assert flow.stored_as() == {"rows": 16, "duplicate": 32}
    flow.new_ledger()
    flow.drain()
    assert sums(flow) == first
    assert flow.ledgers[-1].slots.totals()["spans"].stored == 48


@pytest.mark.parametrize(("second_at", "second_mode"), [(MIDNIGHT + 10**9, "rules"), (NOON + 10**9, "off")])
def test_r14_a_resend_after_midnight_or_after_a_change_of_policy_is_the_same_run(
    flow: Flow, second_at: int, second_mode: str
) -> None:
    flow.send(an_agent(), at_ns=min(MIDNIGHT - 10**9, second_at - 10**9))
    flow.drain()
    first = sums(flow)
    flow.send(an_agent(), at_ns=second_at)
    flow.drain(second_mode)
    assert sums(flow) == first
    assert flow.stored_as()["duplicate"] == 4
    (run,) = flow.runs()
    assert run.first_received_day.isoformat() == "2026-11-20"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_r15_of_two_copies_with_other_content_the_same_one_wins_in_any_order_and_it_is_flagged(
    flow: Flow, order: tuple[int, int]
) -> None:
    early, late = an_agent(), an_agent()
    span = late.resource_spans[0].scope_spans[0].spans[1]
    span.end_time_unix_nano += 1000
    span.attributes.add(key="winner").value.string_value = "late"
    for which in order:
        flow.send((early, late)[which])
        flow.drain()
    evidence = flow.store.read_evidence("default", TraceId(TRACE.hex()))
    assert len(evidence.spans) == 4
    assert [clean.span.attributes.get("winner") for clean in evidence.spans if clean.span.span_id.endswith("2")] == [
        "late"
    ]
    steps = flow.store.read_steps("default", flow.runs()[0].run_id)
    assert [step.span_id[-1] for step in steps if "conflict" in step.flags] == ["2"]
    assert flow.runs()[0].usage.input == 3000


def test_r15_the_same_ids_in_two_projects_never_meet(flow: Flow) -> None:
    flow.send(an_agent(text="ours"), project="default")
    flow.send(an_agent(text="theirs", calls=1), project="other")
    flow.drain()
    assert [run.usage.input for run in flow.runs()] == [3000]
    assert [run.usage.input for run in flow.runs("other")] == [1000]
    assert "theirs" not in str(flow.store.read_evidence("default", TraceId(TRACE.hex())))
    assert flow.stored_as() == {"rows": 6}


def test_r15_a_span_twice_inside_one_batch_is_one_span(flow: Flow) -> None:
    request = an_agent()
    spans = request.resource_spans[0].scope_spans[0].spans
    spans.add().CopyFrom(spans[1])
    flow.send(request)
    flow.drain()
    assert sums(flow)[2:] == (3000, 3, [4])
    assert flow.stored_as() == {"rows": 4, "duplicate": 1}


TIMES: dict[str, tuple[int, int]] = {
    "nothing": (0, 0),
    "1970": (1, 2),
    "2262": (INT64_MAX - 1, INT64_MAX),
    "beyond int64": (INT64_MAX + 10, (1 << 64) - 1),
    "backwards": (NOON + 1000, NOON),
    "in ten years": (NOON + 3650 * 86_400 * 10**9, NOON + 3650 * 86_400 * 10**9 + 5),
}


@pytest.mark.parametrize("name", TIMES)
def test_r17_any_time_is_stored_and_shown(flow: Flow, name: str) -> None:
    request = an_agent()
    span = request.resource_spans[0].scope_spans[0].spans[2]
    span.start_time_unix_nano, span.end_time_unix_nano = TIMES[name]
    flow.send(request)
    flow.drain()
    assert sums(flow)[0] == 1
    assert sums(flow)[2:] == (3000, 3, [4])
    odd = next(
        clean.span
        for clean in flow.store.read_evidence("default", TraceId(TRACE.hex())).spans
        if clean.span.span_id.endswith("3")
    )
    assert (odd.start_ns, odd.end_ns or 0) == TIMES[name]


def test_r17_a_thousand_days_in_one_request_are_one_partition(flow: Flow, pipelines: dict[str, Pipeline]) -> None:
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for day in range(1000):
        at = NOON - day * 86_400 * 10**9
        scope.spans.add(
            trace_id=day.to_bytes(15, "big") + b"x",
            span_id=b"12345678",
            name="d",
            start_time_unix_nano=at,
            end_time_unix_nano=at + 1,
        )
    flow.send(request)
    flow.drain()
    assert flow.stored_as() == {"rows": 1000}
    assert flow.store.stored_days() == (datetime.fromtimestamp(NOON / 1e9, UTC).date(),)
    assert len(flow.store.recent_traces(None, 0)) == 1000


KEYS = [
    "__proto__",
    "constructor",
    "",
    "k" * 1_000_000,
    "a\0b",
    "\u202egnp",
    "\x1b[31mred",
    "{{7*7}}",
    "'; DROP TABLE spans--",
    "a.b['c']",
]


@pytest.mark.parametrize("key", KEYS, ids=range(len(KEYS)))
def test_r21_hostile_keys_are_stored_inert_and_come_back_as_they_were(flow: Flow, key: str) -> None:
    request = an_agent(calls=1)
    request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key=key).value.string_value = "harmless"
    flow.send(request)
    flow.drain()
    evidence = flow.store.read_evidence("default", TraceId(TRACE.hex()))
    assert {key.replace("\0", "")} <= {
        k for clean in evidence.spans for k, v in clean.span.attributes.items() if v == "harmless"
    }
    assert flow.runs()[0].usage.input == 1000


class Failing:
    """A redactor that does what redactors do on a bad day."""

    def __init__(self, inner: Pipeline, fail: Callable[[], None]) -> None:
        self.inner, self.fail = inner, fail

    def process(self, *arguments: Any) -> Any:
        self.fail()
        return self.inner.process(*arguments)

    def redact_text(self, project: str, text: str) -> str:
        return self.inner.redact_text(project, text)


def _raise(error: BaseException) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@pytest.mark.parametrize("error", [MemoryError(), TimeoutError(), RecursionError(), ValueError("maria@example.com")])
def test_r27_a_redactor_that_fails_stores_nothing_in_clear(flow: Flow, error: Exception) -> None:
    flow.send(an_agent())
    flow.pipelines = {"rules": Failing(flow.pipelines["rules"], _raise(error))}  # type: ignore[dict-item]
    with pytest.raises(type(error)):
        flow.drain()
    assert flow.store.recent_traces(None, 0) == []
    assert flow.stored_as() == {}
    for path in flow.place.root.rglob("*"):
        assert not path.is_file() or b"maria@example.com" not in path.read_bytes()
