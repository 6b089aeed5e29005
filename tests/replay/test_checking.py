from __future__ import annotations

import os
import random
from datetime import timedelta

import pytest

from replay.bundle import BundleError, bundle_recording, check_bundle
from replay.checking import check_stored, pack, seal_run
from replay.proof import Verdict
from replay.reading import read_recording
from replay.recording import recording_json
from spans.ids import TraceId
from store.ledger import Ledger
from store.ledger.erasures import Subject
from store.rows import evidence_tables
from tests.replay.house import CAPTURES, assemble_stored, facts_for, items_of, stored
from tests.runs.scoring import load

ALL = sorted(path for path in CAPTURES.iterdir() if path.is_dir())
FLIP_EVERY = int(os.environ.get("LONG_FLIP_EVERY", "401"))
SMALL = "web-two-services__double"


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger.open(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


def longest(runs):
    return max(runs, key=lambda run: run.span_count)


@pytest.mark.parametrize("folder", ALL[::6], ids=lambda path: path.name)
def test_record_export_verify_and_read_back_works_for_captures(folder, ledger):
    """`tests/long/tapes.py` covers every capture of a folder, and the pages."""
    store, runs = stored(items_of(load(folder), traces=3))
    for run in runs:
        assert seal_run(store, ledger, run, sealed_ns=5)
        assert check_stored(store, ledger, run.project, run.run_id).verdict is Verdict.INTACT
        raw = pack(store, ledger, run, now_ns=6)
        found = check_bundle(raw)
        assert (found.verdict, found.root) == (Verdict.INTACT, ledger.seals.of_run(run.project, run.run_id)[0].root)
        assert bundle_recording(raw) == recording_json(read_recording(store, run))
        assert pack(store, ledger, run, now_ns=99) == raw


def test_acceptance_31_a_span_after_sealing_is_an_addendum_and_verify_says_so(ledger):
    items = items_of(load(CAPTURES / SMALL))
    trace = items[0].span.trace_id
    own = [item for item in items if item.span.trace_id == trace]
    store, runs = stored(own[:-1])
    run = next(r for r in runs if r.run_id == trace)
    seal_run(store, ledger, run, sealed_ns=5)
    store.write_evidence(evidence_tables(own[-1:], facts_for(own[-1:])))
    before = check_stored(store, ledger, run.project, run.run_id)
    assert [t.state.value for t in before.touched] == ["added"]
    run = next(r for r in assemble_stored(store, 2) if r.run_id == trace)
    assert seal_run(store, ledger, run, sealed_ns=6)
    found = check_stored(store, ledger, run.project, run.run_id)
    assert (found.verdict, found.chapters) == (Verdict.INTACT, 2)
    assert "came after the run was first sealed, in an addendum" in found.sentence
    assert check_bundle(pack(store, ledger, run, now_ns=7)).verdict is Verdict.INTACT


def a_bundle(ledger):
    store, runs = stored(items_of(load(CAPTURES / SMALL)))
    run = longest(runs)
    seal_run(store, ledger, run, sealed_ns=5)
    return pack(store, ledger, run, now_ns=6)


def test_acceptance_40_a_flip_of_any_byte_of_an_export_is_found_and_its_leaf_named(ledger):
    """Every 401st byte here, and every byte of one line of evidence; the leaf on that line must be the one that is named.

    LONG_FLIP_EVERY=1 for every byte.
    """
    raw = a_bundle(ledger)
    for at in range(2, len(raw), FLIP_EVERY):
        flipped = bytearray(raw)
        flipped[at] ^= 0x20 if at % 2 else 0x01
        found = check_bundle(bytes(flipped))
        assert found.verdict is Verdict.ALTERED, at
        assert found.touched, at
    begin = raw.index(b'{"day":')
    end = raw.index(b"\n", begin)
    named = raw[begin:end].split(b'"id":"')[1][:16].decode()
    at_id = raw.index(named.encode(), begin)
    for at in range(begin, end, 17):
        if at_id - 8 <= at < at_id + 20:
            continue
        flipped = bytearray(raw)
        flipped[at] ^= 0x02
        found = check_bundle(bytes(flipped))
        assert named in {t.item_id for t in found.touched} or not found.run_id, (at, found.sentence)


def test_acceptance_40_a_flip_in_any_field_of_sealed_evidence_in_the_store_names_its_span(ledger):
    """Every text, number, key and value of every stored row, one after the other; what says where it came from is not sealed."""
    store, runs = stored(items_of(load(CAPTURES / SMALL), traces=1))
    (run,) = [run for run in runs if run.span_count > 1][:1]
    assert seal_run(store, ledger, run, sealed_ns=5)
    chance, flips = random.Random(40), 0
    rows = [
        (table, row)
        for table in ("spans", "span_contents")
        for row in store._evidence[table].values()
        if row["trace_id"] == run.run_id
    ]
    for table, row in rows:
        for column, value in list(row.items()):
            if column in NOT_SEALED or value in ("", [], {}, None):
                continue
            for other in changes_of(value, chance):
                row[column] = other
                found = check_stored(store, ledger, run.project, run.run_id)
                assert found.verdict is Verdict.ALTERED, (table, column, value, other)
                assert row["span_id"] in {t.item_id for t in found.touched}, (table, column)
                flips += 1
            row[column] = value
    assert flips > 200
    assert check_stored(store, ledger, run.project, run.run_id).verdict is Verdict.INTACT


NOT_SEALED = {
    "project",
    "trace_id",
    "span_id",
    "received_day",
    "received_ns",
    "segment",
    "slot",
    "position",
    "score",
} | {
    "content_hash",
    "has_contents",
}


def changes_of(value, chance):
    """The value with one character, digit, key or inner value changed."""
    if isinstance(value, dict):
        for key, inner in chance.sample(sorted(value.items()), min(3, len(value))):
            yield {**value, key: flipped_text(inner, chance)}
            yield {(flipped_text(k, chance) if k == key else k): v for k, v in value.items()}
    elif isinstance(value, str):
        yield flipped_text(value, chance)
    elif isinstance(value, int):
        yield value + 1


def flipped_text(text, chance):
    """One letter becomes another, so that what is JSON stays JSON."""
    places = [at for at, char in enumerate(text) if char.isascii() and char.isalnum()]
    if not places:
        return text + "x"
    at = chance.choice(places)
    old = text[at]
    new = chr(ord(old) + 1) if old not in "9zZ" else chr(ord(old) - 1)
    return text[:at] + new + text[at + 1 :]


def lines_changed(raw, change):
    """The export with its evidence lines changed, in a container that fits: as somebody would who knows the format."""
    from replay import bundle

    members = bundle._members(raw)
    lines = members[bundle.EVIDENCE].splitlines(keepends=True)
    change(lines)
    return bundle._packed({**members, bundle.EVIDENCE: b"".join(lines)})


@pytest.mark.parametrize(
    ("change", "state"),
    [
        (lambda lines: lines.pop(1), "missing"),
        (lambda lines: lines.insert(1, lines[0].replace(b'"id":"', b'"id":"x')), "added"),
        (lambda lines: lines.append(lines.pop(0)), "moved"),
        (lambda lines: lines.__setitem__(0, lines[0].replace(b'"end_ns":1', b'"end_ns":2', 1)), "altered"),
    ],
)
def test_acceptance_40_dropped_inserted_reordered_and_rewritten_lines_are_named(ledger, change, state):
    found = check_bundle(lines_changed(a_bundle(ledger), change))
    assert found.verdict is Verdict.ALTERED
    assert state in {t.state.value for t in found.touched}
    assert found.sentence.startswith("Altered: ")


def test_an_export_that_was_rewritten_as_a_whole_does_not_fit_the_root_that_was_kept(ledger):
    raw = a_bundle(ledger)
    root = check_bundle(raw).root
    assert check_bundle(raw, root=root).verdict is Verdict.INTACT
    assert check_bundle(raw, root="0" * 64).verdict is Verdict.ALTERED


def test_what_is_no_export_is_refused():
    for raw in (b"", b"{}", b"\x89PNG"):
        with pytest.raises(BundleError):
            check_bundle(raw)
    assert check_bundle(b"PK\x03\x04" + b"\0" * 100).verdict is Verdict.ALTERED


def test_content_that_expired_is_told_by_its_receipt_in_the_store_and_in_the_export(ledger):
    store, runs = stored(items_of(load(CAPTURES / SMALL)))
    run = longest(runs)
    seal_run(store, ledger, run, sealed_ns=5)
    day = run.first_received_day
    removed = store.drop_content(day)
    assert check_stored(store, ledger, run.project, run.run_id).verdict is Verdict.ALTERED
    ledger.receipts.write("content", day, removed)
    found = check_stored(store, ledger, run.project, run.run_id)
    assert found.verdict is Verdict.EXPIRED
    assert not seal_run(store, ledger, run, sealed_ns=6)
    assert check_bundle(pack(store, ledger, run, now_ns=7)).verdict is Verdict.EXPIRED


def test_an_erased_run_answers_with_its_certificate(ledger):
    store, runs = stored(items_of(load(CAPTURES / SMALL)))
    run = longest(runs)
    seal_run(store, ledger, run, sealed_ns=5)
    erasure = ledger.erasures.begin(run.project, Subject.RUN, run.run_id, [TraceId(run.run_id)], by="ada")
    store.drop_project(run.project)
    found = check_stored(store, ledger, run.project, run.run_id)
    assert (found.verdict, found.certificate) == (Verdict.ERASED, erasure.erasure_id)


def test_a_day_that_left_with_its_metadata_is_expired(ledger):
    store, runs = stored(items_of(load(CAPTURES / SMALL)))
    run = longest(runs)
    seal_run(store, ledger, run, sealed_ns=5)
    ledger.receipts.write("metadata", run.first_received_day, store.drop_day(run.first_received_day))
    assert check_stored(store, ledger, run.project, run.run_id).verdict is Verdict.EXPIRED
    assert ledger.seals.drop_before(run.first_received_day + timedelta(days=1)) == 1
