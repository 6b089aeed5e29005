from __future__ import annotations

from pathlib import Path

import pytest

from collector.pipeline import Orders, Pipeline, _decoded, build_pipeline, traces_of
from collector.pseudonym_key import NAME, load_keys, rotate_key
from collector.spool.format import Payload, RecordHead, Signal
from runs.facts import facts_of, session_trace
from spans.clean import Redaction
from spans.errors import SettingsError
from tests.builders import a_clean_log, a_clean_span, a_log, a_span, a_trace_id
from tests.collector.helpers import logs, traces

SEGMENT = "0123456789abcdef-01234567"
CARD = "4111 1111 1111 1111"


def head(signal: Signal, items: int) -> RecordHead:
    return RecordHead(4, signal, items, "shop", 1_700_000_000_000_000_000, 99)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def rules_only(keys: Path) -> Pipeline:
    return build_pipeline(Orders("rules", None, keys))


def test_marks_of_the_door_reach_the_items_they_belong_to() -> None:
    payload = Payload(traces("a", "b").SerializeToString(), {1: ("utf8_repaired",), 9: ("depth_truncated",)})
    first, second = _decoded(Signal.SPANS, payload)
    assert "utf8_repaired" not in first.marks
    assert "utf8_repaired" in second.marks


def test_traces_are_named_once_in_order() -> None:
    spans = [a_clean_span(span=a_span(trace_id=a_trace_id(n))) for n in (2, 1, 2)]
    assert traces_of(map(facts_of, spans)) == (a_trace_id(2), a_trace_id(1))


def test_logs_without_a_trace_mark_the_trace_of_their_session() -> None:
    said = a_log(trace_id=None, span_id=None, attributes={"session.id": "sess-1"})
    first, second = a_clean_log(log=said), a_clean_log(log=said)
    assert traces_of(map(facts_of, (first, second))) == (session_trace("default", "sess-1"),)


def test_a_record_becomes_tables_without_what_must_be_hidden(rules_only: Pipeline) -> None:
    request = traces("chat", "tool", note=f"my card is {CARD}")
    done = rules_only.process(SEGMENT, head(Signal.SPANS, 2), Payload(request.SerializeToString()))
    assert (done.items, done.withheld, len(done.traces)) == (2, 0, 2)
    assert done.tables["spans"].num_rows == done.tables["facts"].num_rows == 2
    said = str([table.to_pylist() for table in done.tables.values()])
    assert CARD not in said
    assert Redaction.RULES.value in said


def test_logs_become_tables_too(rules_only: Pipeline) -> None:
    request = logs(f"card {CARD}", "fine")
    done = rules_only.process(SEGMENT, head(Signal.LOGS, 2), Payload(request.SerializeToString()))
    assert done.tables["logs"].num_rows == 2
    assert CARD not in str(done.tables["logs"].to_pylist())


def test_a_search_text_gets_the_pseudonym_that_was_stored(rules_only: Pipeline) -> None:
    hidden = rules_only.redact_text("shop", "anna@example.com")
    assert hidden != "anna@example.com"
    assert hidden == rules_only.redact_text("shop", "anna@example.com")
    assert hidden != rules_only.redact_text("other", "anna@example.com")


def test_a_rotated_key_is_taken_with_the_next_record_and_old_tokens_are_still_told(tmp_path: Path) -> None:
    worker = build_pipeline(Orders("rules", None, tmp_path))
    request = Payload(traces("chat", note="anna@example.com").SerializeToString())
    before = worker.process(SEGMENT, head(Signal.SPANS, 1), request).tables["spans"].to_pylist()[0]
    rotate_key(tmp_path)
    after = worker.process(SEGMENT, head(Signal.SPANS, 1), request).tables["spans"].to_pylist()[0]
    current, retired = load_keys(tmp_path).all
    assert (before["key_id"], after["key_id"]) == (retired.key_id, current.key_id)
    now, then = worker.pseudonyms("shop", "EMAIL_ADDRESS", "anna@example.com")
    assert then in str(before)
    assert then not in str(after)
    assert now in str(after)
    assert worker.redact_text("shop", "anna@example.com") == now


def test_a_value_leads_to_the_tokens_of_labelled_fields_too(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\nfields:\n  - {keys: [note], operator: pseudonym, label: APPROVER}\n")
    worker = build_pipeline(Orders("rules", rules, tmp_path))
    request = Payload(traces("chat", note="anna@example.com").SerializeToString())
    stored = worker.process(SEGMENT, head(Signal.SPANS, 1), request).tables["spans"].to_pylist()[0]
    mail, approver = worker.pseudonyms("shop", "EMAIL_ADDRESS", "anna@example.com")
    assert approver in str(stored)
    assert mail not in str(stored)


def test_a_worker_keeps_the_key_it_has_while_the_file_cannot_be_read(tmp_path: Path) -> None:
    worker = build_pipeline(Orders("rules", None, tmp_path))
    before = worker.redact_text("shop", "anna@example.com")
    (tmp_path / NAME).rename(tmp_path / "away")
    assert worker.redact_text("shop", "anna@example.com") == before
    (tmp_path / "away").rename(tmp_path / NAME)
    assert worker.redact_text("shop", "anna@example.com") == before


def test_rules_that_cannot_be_used_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        build_pipeline(Orders("full", tmp_path / "nowhere.yaml", tmp_path))
