"""S20 on real processes: a person is erased from store, spool, quarantine, withheld originals and a restored backup."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from collector.broker import QUARANTINE_FOLDER, WITHHELD_FOLDER
from collector.quarantine import Quarantine
from collector.spool.format import Payload, RecordHead, Signal
from collector.spool.keys import ensure_spool_keys, load_seal_key
from collector.spool.sidestore import SideStore
from store.ledger import Ledger
from tests.tracetape.running import Running, clean_environ, wait_for
from tracetape.folder import DataFolder

pytestmark = [pytest.mark.slow, pytest.mark.crash]

PERSON = "quirinquimby@example.org"
WORDS = "kestrelweatherstation"
"""Stands in every text of the person and is nothing personal, so it is stored in clear: no file may hold it afterwards."""
OTHERS = "puffinlighthousekeeper"
UNREADABLE = "\u041f\u0438\u0441\u044c\u043c\u043e \u043e\u0442 \u041a\u0438\u0440\u0438\u043b\u043b\u0430 \u0438 \u041f\u0435\u0442\u0440\u0430"
"""A letter from two people in a script that no model reads: it is withheld, and its sealed original waits."""
WITHIN_S = 900
SEEN_S = 60


def a_trace(text: str, spans: int = 2) -> tuple[str, bytes]:
    request, trace, root, now = ExportTraceServiceRequest(), os.urandom(16), os.urandom(8), time.time_ns()
    scope = request.resource_spans.add().scope_spans.add()
    for n in range(spans):
        span = scope.spans.add(trace_id=trace, span_id=root if n == 0 else os.urandom(8))
        span.name, span.parent_span_id = "chat", b"" if n == 0 else root
        span.start_time_unix_nano, span.end_time_unix_nano = now, now + 1_000_000
        span.attributes.add(key="gen_ai.operation.name").value.string_value = "chat"
        said = [{"role": "user", "parts": [{"type": "text", "content": f"{text} {n}"}]}]
        span.attributes.add(key="gen_ai.input.messages").value.string_value = json.dumps(said, ensure_ascii=False)
    return trace.hex(), request.SerializeToString()


def send(running: Running, body: bytes) -> None:
    head = {"Content-Type": "application/x-protobuf"}
    with urllib.request.urlopen(urllib.request.Request(f"{running.http}/v1/traces", body, head), timeout=10) as answer:
        assert answer.status == 200


def sent(running: Running, text: str) -> str:
    trace, body = a_trace(text)
    send(running, body)
    return trace


def is_there(running: Running, trace: str) -> bool:
    request = urllib.request.Request(f"{running.web}/api/v1/runs/{trace}")
    request.add_header("Authorization", f"Bearer {running.key()}")
    try:
        return urllib.request.urlopen(request, timeout=30).status == 200
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return False


def scan(running: Running, tmp_path: Path, *texts: str) -> set[str]:
    """Which of these texts stand anywhere: files of the folder, decompressed columns, rows of every table."""
    found = set()
    for text in texts:
        needles = tmp_path / "needles"
        needles.write_text(text + "\n")
        command = [sys.executable, "-m", "tracetape", "scan", "--needles", str(needles), "--data", str(running.data)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=clean_environ(), check=False)
        assert done.returncode in {0, 1}, done.stderr
        if done.returncode:
            found.add(text)
    return found


def set_aside(folder: DataFolder, text: str, slot: int) -> str:
    """A record of before in quarantine, as a worker that failed has left it."""
    _, body = a_trace(text)
    files = SideStore(folder.spool / QUARANTINE_FOLDER)
    head = RecordHead(slot, Signal.SPANS, 2, "default", time.time_ns(), 0)
    kept = files.put(f"{slot:016x}-00000000", head, Payload(body), "It failed.", load_seal_key(folder.keys))
    ledger = Ledger.open(folder.ledger_url())
    ledger.slots.settle([Quarantine.row(kept)])
    ledger.close()
    return kept.name


def begin(running: Running, said: str, *words: str) -> subprocess.Popen[str]:
    """`tracetape erase`, which waits for the certificate."""
    made = subprocess.Popen(
        [sys.executable, "-m", "tracetape", "erase", *words, "--yes", "--data", str(running.data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environ(),
    )
    assert made.stdin
    made.stdin.write(said)
    made.stdin.flush()
    made.stdin.close()
    made.stdin = None
    return made


def printed(erase: subprocess.Popen[str]) -> dict[str, object]:
    """The certificate on standard output, behind the line that names the pseudonym."""
    said = erase.communicate(timeout=60)[0]
    return dict(json.loads(said[said.index("{") :]))


def erasures(running: Running) -> list[dict[str, object]]:
    return [json.loads(line) for line in running.cli("erasures").splitlines()]


@pytest.mark.timeout(1800)
def test_s20_a_person_is_erased_wherever_their_texts_are(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "data")
    folder.create()
    ensure_spool_keys(folder.keys)
    theirs, innocent = set_aside(folder, f"{WORDS} {PERSON}", 1), set_aside(folder, f"{OTHERS} nobody", 2)
    backup = tmp_path / "backup"
    with Running(folder.root, "--workers", "1") as running:
        stored = sent(running, f"{WORDS} wrote {PERSON} today")
        withheld = sent(running, f"{WORDS} {UNREADABLE}")
        other = sent(running, f"{OTHERS} wrote somebody.else@example.net today")
        running.settle()
        assert len(SideStore(folder.spool / WITHHELD_FOLDER).list()) == 1
        assert scan(running, tmp_path, WORDS, OTHERS, PERSON) == {WORDS, OTHERS}, "the control: it is there, redacted"
        running.cli("export", "--out", str(tmp_path / "export"))
        running.cli("backup", "--out", str(backup))

        (worker,) = [pid for role, pid in running.children().items() if role.startswith("work")]
        os.kill(worker, signal.SIGSTOP)
        try:
            pending = sent(running, f"{WORDS} wrote {PERSON} again")
            asked = time.monotonic()
            erase = begin(running, PERSON, "--person", "--entity", "EMAIL_ADDRESS")
            wait_for(lambda: not is_there(running, stored), SEEN_S, "the run is gone from every answer")
            waits = wait_for(lambda: erasures(running)[0].get("waits_for"), SEEN_S, "the erasure is on record")
            assert waits["spool_items"] == 2, "nothing may be finished while a record of the person is pending"
        finally:
            os.kill(worker, signal.SIGCONT)
        wait_for(
            lambda: erasures(running)[0]["removed_elsewhere"]["sealed_originals"], SEEN_S, "a look at sealed records"
        )
        other_erase = begin(running, "", "--run", withheld)  # its placeholder said nothing of anybody
        left = WITHIN_S - (time.monotonic() - asked)
        wait_for(lambda: all(one["bytes_gone_at"] for one in erasures(running)), left, "the certificates")
        done, of_run = printed(erase), printed(other_erase)
        assert done in erasures(running)
        assert of_run["removed_rows"]["spans"] == 2
        assert done["removed_elsewhere"]["arrived_later"] == 2, "what was pending was stored and then hidden"
        assert done["removed_elsewhere"]["quarantined_items"] == 2
        assert done["removed_elsewhere"]["sealed_originals"] == 1, "nobody can look through it, so it goes"
        assert {(one["what"], one["certain"]) for one in done["left_before"]} == {("export", True), ("backup", True)}
        assert PERSON not in json.dumps(done)

        found = running.settle()
        assert found["spans"]["stored_as"]["erased"] == 2
        assert [is_there(running, trace) for trace in (stored, pending, other)] == [False, False, True]
        assert [kept.name for kept in SideStore(folder.spool / QUARANTINE_FOLDER).list()] == [innocent]
        assert theirs != innocent
        assert SideStore(folder.spool / WITHHELD_FOLDER).list() == ()
        assert scan(running, tmp_path, OTHERS, PERSON, WORDS) == {OTHERS}
        late, body = a_trace(f"{WORDS} hello")
        send(running, body.replace(bytes.fromhex(late), bytes.fromhex(withheld)))
        running.settle()
        assert not is_there(running, withheld), "an erased run came back with what its sender repeated"

    fresh = tmp_path / "fresh"
    restored = Running(fresh, "--workers", "1")
    restored.cli("restore", "--from", str(backup), "--erased-by", str(folder.root), timeout_s=WITHIN_S)
    with restored:
        restored.settle()
        assert [is_there(restored, trace) for trace in (stored, withheld, other)] == [False, False, True]
        wait_for(lambda: all(e["bytes_gone_at"] for e in erasures(restored)), WITHIN_S, "it is gone for good")
        assert SideStore(DataFolder(fresh).spool / WITHHELD_FOLDER).list() == ()
        assert scan(restored, tmp_path, WORDS, OTHERS) == {OTHERS}
