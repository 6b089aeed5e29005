from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.accept import accept
from collector.answers import RefusalError, Trouble
from collector.bounds import Bounds
from collector.otlp_json import transcode
from collector.signals import LOGS, METRICS, SIGNALS, TRACES, OtlpSignal
from tests.collector.helpers import json_span, json_traces, logs, trace_id, traces

SLOW = Bounds(quick_bytes=0)
"""Every body is taken apart."""


def spans_of(raw: bytes) -> list[str]:
    request = ExportTraceServiceRequest.FromString(raw)
    return [s.name for g in request.resource_spans for scope in g.scope_spans for s in scope.spans]


@settings(max_examples=300)
@given(st.binary(max_size=300), st.sampled_from(SIGNALS), st.sampled_from([Bounds(), SLOW]))
def test_any_bytes_are_judged(raw: bytes, signal: OtlpSignal, bounds: Bounds) -> None:
    try:
        done = accept(raw, signal, bounds)
    except RefusalError as error:
        assert error.trouble in {Trouble.BAD_DATA, Trouble.TOO_LARGE}  # noqa: PT017
        return
    if signal is not METRICS:
        signal.request.FromString(done.payload.otlp)


@settings(max_examples=200)
@given(st.data())
def test_damaged_requests_never_yield_what_the_worker_cannot_read(data: Any) -> None:
    raw = bytearray(traces("one", "two", "three", key="value").SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    outcomes = []
    for bounds in (Bounds(), SLOW):
        try:
            done = accept(bytes(raw), TRACES, bounds)
        except RefusalError:
            outcomes.append(None)
            continue
        kept = spans_of(done.payload.otlp)
        assert len(kept) == done.items
        assert all(position < done.items for position in done.payload.marks)
        outcomes.append((done.items, done.rejected))
    assert outcomes[0] == outcomes[1], "the quick and the careful way judge alike"


_leaf = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5))
_json = st.recursive(
    _leaf,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                [
                    "resourceSpans",
                    "scopeSpans",
                    "spans",
                    "attributes",
                    "key",
                    "value",
                    "stringValue",
                    "arrayValue",
                    "kvlistValue",
                    "values",
                    "intValue",
                    "traceId",
                    "events",
                    "status",
                    "code",
                    "resource",
                    "scope",
                ]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=20,
)


@settings(max_examples=300)
@given(_json)
@example({"resourceSpans": [{"scopeSpans": [{"spans": [{}]}]}]})
@example({"resourceSpans": [{"resource": {"attributes": 5}, "scopeSpans": [{"scope": {"name": []}, "spans": []}]}]})
def test_any_json_is_judged(body: Any) -> None:
    raw = json.dumps(body).encode()
    for signal in SIGNALS:
        try:
            made = transcode(raw, signal, Bounds())
            accept(made.raw, signal, Bounds(), marks=made.marks, already=made.rejected)
        except RefusalError as error:
            assert error.trouble in {Trouble.BAD_DATA, Trouble.TOO_LARGE}  # noqa: PT017


@settings(max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_as_json_are_judged(raw: bytes) -> None:
    try:
        transcode(raw, LOGS, Bounds())
    except RefusalError:
        return


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=8))
def test_marks_follow_their_item_when_others_are_rejected(items: list[tuple[bool, bool]]) -> None:
    """Items are (usable, broken text); JSON and protobuf, quick and careful, agree on positions."""
    request = traces(*[f"s{n}@@" if broken else f"s{n}" for n, (_, broken) in enumerate(items)])
    for (usable, _), span in zip(items, request.resource_spans[0].scope_spans[0].spans, strict=True):
        if not usable:
            span.span_id = b""
    raw = request.SerializeToString().replace(b"@@", b"\xff\xff")
    spans = [
        json_span(name=f"s{n}" + ("@@" if broken else ""), **({} if usable else {"spanId": ""}))
        for n, (usable, broken) in enumerate(items)
    ]
    kept = [broken for usable, broken in items if usable]
    expected = {at: ("utf8_repaired",) for at, broken in enumerate(kept) if broken}
    if not kept:
        with pytest.raises(RefusalError):
            accept(raw, TRACES, Bounds())
        return
    assert accept(raw, TRACES, Bounds()).payload.marks == expected
    made = transcode(json.dumps(json_traces(*spans)).replace("@@", "\\udead").encode(), TRACES, Bounds())
    for bounds in (Bounds(), SLOW):
        done = accept(made.raw, TRACES, bounds, marks=made.marks, already=made.rejected)
        assert done.payload.marks == expected
        assert done.rejected == len(items) - len(kept)


def test_a_damaged_resource_costs_no_span() -> None:
    good = traces("a", "b").resource_spans[0]
    bad_resource = b"\x0a\x02\xff\xff"
    scope = good.scope_spans[0].SerializeToString()
    from collector.wire import frame

    done = accept(frame(1, bad_resource + frame(2, scope)), TRACES, Bounds())
    assert (done.items, done.rejected) == (2, 0)
    assert done.payload.marks == {0: ("depth_truncated",), 1: ("depth_truncated",)}


def test_too_many_items_or_attributes_are_too_large() -> None:
    for bounds in (Bounds(items=2), Bounds(messages=5), Bounds(messages=5, quick_bytes=0)):
        with pytest.raises(RefusalError) as caught:
            accept(traces("a", "b", "c", x="1", y="2").SerializeToString(), TRACES, bounds)
        assert caught.value.trouble is Trouble.TOO_LARGE


def test_a_large_span_of_nothing_but_nesting_is_rejected_alone() -> None:
    request = traces("good", "bad")
    value = request.resource_spans[0].scope_spans[0].spans[1].attributes.add(key="k").value.array_value
    for _ in range(300_000):
        value.values.add()
    done = accept(request.SerializeToString(), TRACES, Bounds(messages=100_000))
    assert (done.items, done.rejected) == (1, 1)
    assert spans_of(done.payload.otlp) == ["good"]


def test_hostile_keys_are_inert() -> None:
    request = traces("a")
    span = request.resource_spans[0].scope_spans[0].spans[0]
    for key in ("__proto__", "", "\0", "k" * 1_000_000, "\u202e", "\x1b[31m", "{{7*7}}", "'; DROP TABLE spans"):
        span.attributes.add(key=key).value.string_value = key
    raw = request.SerializeToString()
    assert accept(raw, TRACES, Bounds()).payload.otlp == raw


def test_duplicate_spans_in_one_batch_are_kept() -> None:
    request = traces("a", "b")
    for span in request.resource_spans[0].scope_spans[0].spans:
        span.trace_id, span.span_id = trace_id(), b"12345678"
    assert accept(request.SerializeToString(), TRACES, Bounds()).items == 2


@pytest.mark.parametrize(("sent", "path"), [(traces("a"), LOGS), (logs("a", "b"), TRACES), (logs("a"), METRICS)])
def test_the_wrong_address_is_named(sent: Any, path: OtlpSignal) -> None:
    with pytest.raises(RefusalError, match="send it to /v1/"):
        accept(sent.SerializeToString(), path, Bounds())
