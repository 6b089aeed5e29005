from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.decode import decode_logs, decode_traces
from spans.span import Event, Link, Resource, Scope, StatusCode
from spans.values import tag_bytes, tag_double
from tests.builders import a_clean_log, a_clean_span, a_log, a_span, a_span_id, a_trace_id
from tracetape.forwarding.otlp import PROJECT, count_of, halves_of, request_of

VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63), 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
        st.binary(max_size=8).map(tag_bytes),
        st.sampled_from([tag_double(float("nan")), tag_double(float("inf")), tag_double(float("-inf"))]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


def decoded(request):
    return list(decode_traces(request.SerializeToString()))


def with_project(span, project="default"):
    return replace(span, resource=replace(span.resource, attributes={**span.resource.attributes, PROJECT: project}))


@given(st.dictionaries(st.sampled_from(["x", "y", "gen_ai.input.messages"]), VALUES, max_size=3))
def test_what_is_decoded_again_is_what_was_stored(attributes):
    span = a_span(
        attributes=attributes,
        events=(Event("e", 5, attributes, 1),),
        links=(Link(a_trace_id(9), a_span_id(9), attributes, "a=b", 1, 2),),
        status_code=StatusCode.ERROR,
        status_message="no",
        resource=Resource({"service.name": "s"}, 1, "https://schema"),
        scope=Scope("scope", "1", {"k": "v"}, 2, "https://scope"),
        kind=3,
        flags=257,
        dropped_attributes=4,
    )
    assert decoded(request_of([a_clean_span(span)])) == [with_project(span)]


@pytest.mark.parametrize("odd", [2**80, "\ud800", {"$bytes": "not base64!"}, {"$double": "<PERSON_1>"}, {"$bytes": 7}])
def test_a_value_that_otlp_cannot_hold_is_written_as_near_as_it_can_be(odd):
    [span] = decoded(request_of([a_clean_span(a_span(attributes={"k": odd}))]))
    assert set(span.attributes) == {"k"}


def test_neighbours_of_one_resource_and_scope_stand_together():
    other = Resource({"service.name": "other"})
    spans = [a_span(span_id=a_span_id(n), resource=other if n > 2 else Resource()) for n in (1, 2, 3)]
    request = request_of([a_clean_span(span) for span in spans])
    assert [len(one.scope_spans[0].spans) for one in request.resource_spans] == [2, 1]


@pytest.mark.parametrize("count", [2, 3, 7])
def test_halves_hold_every_span_once_with_its_resource(count):
    spans = [
        a_span(span_id=a_span_id(n + 1), resource=Resource({"service.name": f"s{n // 2}"}), scope=Scope(f"sc{n % 3}"))
        for n in range(count)
    ]
    request = request_of([a_clean_span(span) for span in spans])
    first, second = halves_of(request)
    assert min(count_of(first), count_of(second)) >= 1
    assert [*decoded(first), *decoded(second)] == [with_project(span) for span in spans]


@given(VALUES, st.dictionaries(st.sampled_from(["x", "y"]), VALUES, max_size=3))
def test_a_log_record_that_is_decoded_again_is_what_was_stored(body, attributes):
    log = a_log(
        time_ns=5,
        observed_ns=6,
        body=body,
        attributes=attributes,
        event_name="gen_ai.choice",
        flags=1,
        dropped_attributes=3,
        resource=Resource({"service.name": "s"}, 1, "https://schema"),
        scope=Scope("scope", "1", {"k": "v"}, 2, "https://scope"),
    )
    request = request_of([a_clean_log(log)], "logs")
    assert list(decode_logs(request.SerializeToString())) == [with_project(log)]


def test_a_log_record_without_a_trace_stays_without():
    log = a_log(trace_id=None, span_id=None, body=None)
    [decoded_log] = decode_logs(request_of([a_clean_log(log)], "logs").SerializeToString())
    assert (decoded_log.trace_id, decoded_log.span_id, decoded_log.body) == (None, None, None)


def test_halves_hold_every_log_record_once_with_its_resource():
    logs = [a_log(event_name=f"e{n}", resource=Resource({"service.name": f"s{n // 2}"})) for n in range(5)]
    halves = halves_of(request_of([a_clean_log(log) for log in logs], "logs"))
    assert [count_of(half) for half in halves] == [2, 3]
    found = [log for half in halves for log in decode_logs(half.SerializeToString())]
    assert found == [with_project(log) for log in logs]
