"""No string of the OTLP schema leaves the worker unredacted, and nothing else is changed."""

from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path

import pytest

from collector.decode import decode_logs, decode_traces
from collector.redact import clean_batch
from redaction.engine import Models, Redactor
from redaction.rules import Mode, RedactionRules
from spans.clean import CleanLog, CleanSpan, Redaction
from spans.ids import SpanId
from spans.span import Event, Link, LogRecord, Resource, Scope, Span
from tests.builders import SPAN, TRACE, a_log, a_span, an_origin

CANARIES = ("4111 1111 1111 1111", "maria.lindqvist@example.com", "AKIA" + "IOSFODNN7EXAMPLE")
CAPTURES = Path(__file__).parents[1] / "data" / "captures"


def key_for(project):
    return project.encode().ljust(32, b"k")


@pytest.fixture(scope="module")
def redactor():
    return Redactor(RedactionRules.default(), key_for)


def clean(redactor, *items, project="default"):
    return clean_batch(redactor, items, [an_origin(project=project, position=n) for n in range(len(items))])


def planted(prefix=""):
    """A text with every canary."""
    return f"{prefix} {' '.join(CANARIES)}".strip()


def attributes():
    """Canaries in keys, values, lists, maps, JSON, numbers, under keys of every class."""
    return {
        "gen_ai.input.messages": json.dumps([{"role": "user", "content": planted("hi")}]),
        "gen_ai.request.model": planted(),
        "session.id": planted(),
        "user.id": planted(),
        "gen_ai.tool.name": planted(),
        "unknown.key": [planted(), {"deep": {"deeper": planted(), planted(): 1}}],
        "card": 4111111111111111,
        "card.in.list": [4111111111111111],
        **{f"key {canary}": "x" for canary in CANARIES},
    }


def strings(value):
    if dataclasses.is_dataclass(value):
        value = dataclasses.asdict(value)
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from strings(inner)
    else:
        yield str(value)


def a_planted_span():
    return Span(
        trace_id=TRACE,
        span_id=SPAN,
        name=planted("call"),
        attributes=attributes(),
        events=(Event(planted(), 1, attributes()),),
        links=(Link(TRACE, SpanId("00f067aa0ba902b7"), attributes(), planted("vendor=")),),
        status_message=planted("failed"),
        trace_state=planted("rojo="),
        resource=Resource(attributes(), schema_url=planted("https://x/")),
        scope=Scope(planted(), planted(), attributes(), schema_url=planted("https://y/")),
    )


def a_planted_log():
    return LogRecord(
        time_ns=1,
        severity_text=planted(),
        event_name=planted(),
        body={"content": planted("said"), "list": [planted()]},
        attributes=attributes(),
        trace_id=TRACE,
        span_id=SPAN,
        resource=Resource(attributes(), schema_url=planted()),
        scope=Scope(planted(), planted(), attributes(), schema_url=planted()),
    )


def test_every_string_field_of_the_types_is_planted():
    """When a field is added to a type, this test must learn it, and with it the walk."""
    names = {
        kind.__name__: sorted(f.name for f in dataclasses.fields(kind))
        for kind in (Span, LogRecord, Event, Link, Resource, Scope)
    }
    assert names == {
        "Span": sorted(
            [
                "trace_id",
                "span_id",
                "name",
                "parent_span_id",
                "kind",
                "start_ns",
                "end_ns",
                "attributes",
                "events",
                "links",
                "status_code",
                "status_message",
                "trace_state",
                "flags",
                "dropped_attributes",
                "dropped_events",
                "dropped_links",
                "resource",
                "scope",
                "marks",
            ]
        ),
        "LogRecord": sorted(
            [
                "time_ns",
                "observed_ns",
                "severity_number",
                "severity_text",
                "event_name",
                "body",
                "attributes",
                "trace_id",
                "span_id",
                "flags",
                "dropped_attributes",
                "resource",
                "scope",
                "marks",
            ]
        ),
        "Event": sorted(["name", "time_ns", "attributes", "dropped_attributes"]),
        "Link": sorted(["trace_id", "span_id", "attributes", "trace_state", "flags", "dropped_attributes"]),
        "Resource": sorted(["attributes", "dropped_attributes", "schema_url"]),
        "Scope": sorted(["name", "version", "attributes", "dropped_attributes", "schema_url"]),
    }


@pytest.mark.parametrize("item", [a_planted_span(), a_planted_log()], ids=["span", "log"])
def test_no_canary_survives_anywhere(redactor, item):
    raw = list(strings(item))
    assert all(any(canary in text for text in raw) for canary in CANARIES)
    (got,) = clean(redactor, item)
    leaked = [(canary, text) for text in strings(got) for canary in (*CANARIES, "4111111111111111") if canary in text]
    assert leaked == []
    assert got.redaction is Redaction.FULL
    assert got.fingerprint == redactor.rules.fingerprint


def test_off_finds_them_all():
    """The positive control: the same walk with redaction off leaves every canary."""
    off = Redactor(RedactionRules(mode=Mode.OFF), key_for, models=Models())
    (got,) = clean(off, a_planted_span())
    assert got.span == a_planted_span()
    assert got.redaction is Redaction.OFF


def test_nothing_else_is_changed(redactor):
    span = a_span(
        attributes={
            "gen_ai.request.model": "gpt-4o-mini-2024-07-18",
            "gen_ai.tool.name": "lookup_customer",
            "gen_ai.usage.input_tokens": 1250,
            "session.id": "conv-refund",
            "user.id": "user-4471",
            "ratio": 0.5,
            "stream": True,
            "tags": ["refund", "live"],
            "none": None,
        }
    )
    (got,) = clean(redactor, span)
    assert got.span == span
    assert got.notes == ()


def test_notes_point_at_the_place_and_never_tell_the_value(redactor):
    span = a_span(
        attributes={
            "gen_ai.input.messages": json.dumps([{"content": "mail maria@example.com"}]),
            "user.maria@example.com": "x",
        },
        events=(Event("e", 0, {"note": "maria@example.com"}),),
    )
    (got,) = clean(redactor, span)
    paths = {note.path for note in got.notes}
    assert "/attributes/gen_ai.input.messages/0/content" in paths
    assert "/events/0/attributes/note" in paths
    assert not any("maria" in path for path in paths)


def test_a_shared_resource_stays_one_object_and_its_notes_are_on_every_span(redactor):
    resource = Resource({"owner": "maria@example.com"})
    first, second = clean(
        redactor, a_span(resource=resource), a_span(resource=resource, span_id=SpanId("00f067aa0ba902b7"))
    )
    assert first.span.resource is second.span.resource
    assert [note.path for note in second.notes] == ["/resource/attributes/owner"]


def test_what_cannot_be_redacted_is_withheld_and_says_so(redactor, monkeypatch):
    def broken(piece):
        if "boom" in piece.text:
            raise RuntimeError
        return ()

    own = Redactor(RedactionRules(mode=Mode.RULES), key_for, models=Models())
    monkeypatch.setattr(own._analyser, "_detectors", (broken,))
    good, bad = clean(own, a_span(), a_span(status_message="boom"))
    assert (good.redaction, bad.redaction) == (Redaction.RULES, Redaction.WITHHELD)
    assert bad.span.status_message == "<REDACTION_FAILED>"
    assert bad.span.attributes == a_span().attributes


def test_two_keys_that_become_one_keep_both_values(redactor):
    (got,) = clean(redactor, a_span(attributes={"a maria@example.com": 1, "a Maria@example.com": 2}))
    assert sorted(got.span.attributes.values()) == [1, 2]


def test_each_project_is_cleaned_with_its_own_key(redactor):
    item = a_span(attributes={"m": "maria@example.com"})
    a, b = clean_batch(redactor, [item, item], [an_origin(project="a"), an_origin(project="b")])
    assert a.span.attributes != b.span.attributes


def test_a_log_sent_again_has_the_same_id(redactor):
    one, again = (
        clean(redactor, a_log())[0],
        clean_batch(redactor, [a_log()], [an_origin(segment="00000009", slot=7)])[0],
    )
    assert isinstance(one, CleanLog)
    assert one.log_id == again.log_id
    assert len(one.log_id) == 32
    assert one.log_id != clean(redactor, a_log(body={"content": "other"}))[0].log_id


def test_batches_give_what_single_items_give(redactor):
    items = [a_planted_span(), a_planted_log(), a_span(), a_log()]
    fresh = Redactor(RedactionRules.default(), key_for, remember=False)
    together = clean(redactor, *items)
    alone = [clean_batch(fresh, [item], [an_origin(position=n)])[0] for n, item in enumerate(items)]
    assert together == alone


def test_items_and_origins_must_match(redactor):
    with pytest.raises(ValueError, match="zip"):
        clean_batch(redactor, [a_span()], [])


def captured(folder):
    for path in sorted(folder.glob("*.pb*")):
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
        if ".traces." in path.name:
            yield from decode_traces(raw)
        elif ".logs." in path.name:
            yield from decode_logs(raw)


def recorded():
    return sorted(
        path.parent.name for path in CAPTURES.glob("*/facts.json.gz") if any(path.parent.glob("*.traces.pb*"))
    )


def test_there_are_captures():
    assert len(recorded()) >= 7


@pytest.mark.parametrize("name", recorded())
def test_nothing_planted_in_a_real_capture_is_left(redactor, name):
    facts = json.loads(gzip.decompress((CAPTURES / name / "facts.json.gz").read_bytes()))
    items = list(captured(CAPTURES / name))
    got = clean(redactor, *items)
    left = "\n".join(text for item in got for text in strings(item))
    assert [planted["kind"] for planted in facts["pii_planted"] if planted["value"] in left] == []
    raw = "\n".join(text for item in items for text in strings(item))
    kept = {run.get("session_id") for run in facts["runs"]} | {run.get("user_id") for run in facts["runs"]}
    for run in facts["runs"]:
        kept |= {call.get("response_model") for call in run["model_calls"]} | {
            call.get("name") for call in run["tool_calls"]
        }
    assert [word for word in kept if word and raw.count(word) != left.count(word)] == []
    for item, clean_item in zip(items, got, strict=True):
        inner = clean_item.span if isinstance(clean_item, CleanSpan) else clean_item.log
        assert (inner.trace_id, inner.span_id) == (item.trace_id, item.span_id)
