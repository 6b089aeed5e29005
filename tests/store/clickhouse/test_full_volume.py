"""A volume of our own that becomes full while the engine writes and merges: nothing that was confirmed is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.tracetape.oracle import Volume

WORK = """
import itertools, json, os, sys, threading, time
from pathlib import Path
from runs.facts import facts_of
from store import open_store
from store.rows import evidence_tables
from tests.builders import NOW_NS, a_clean_span, a_span_id, a_trace_id
from tests.tracetape.oracle import Volume

place, what = Path(sys.argv[1]), sys.argv[2]
store = open_store(f"chdb://{place / 'store'}")
store.migrate()
if what == "write":
    volume, stored, numbers, stop = Volume(place, 0), [], itertools.count(1), threading.Event()
    def write():
        while not stop.is_set():
            number = next(numbers)
            spans = [a_clean_span(trace_id=a_trace_id(number), span_id=a_span_id(n), received_ns=NOW_NS) for n in range(1, 30)]
            try:
                store.write_evidence(evidence_tables(spans, [facts_of(span) for span in spans]))
            except Exception:
                time.sleep(0.01)
                continue
            stored.append(number)
    threads = [threading.Thread(target=write, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    broken, end = (), time.monotonic() + 8
    while time.monotonic() < end and not broken:
        time.sleep(0.8)
        volume.fill()
        time.sleep(0.7)
        volume.empty()
        broken = store.broken_parts()
    stop.set()
    for thread in threads:
        thread.join(5)
    print(json.dumps({"stored": stored, "broken": broken}), flush=True)
    os._exit(0)
found = {"broken": store.broken_parts(), "spans": {}}
for project, trace in store.recent_traces(None, 0):
    found["spans"][trace] = len(store.read_evidence(project, trace).spans)
print(json.dumps(found), flush=True)
os._exit(0)
"""


def run(place: Path, what: str) -> dict:
    code = [sys.executable, "-c", textwrap.dedent(WORK), str(place), what]
    done = subprocess.run(code, capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
@pytest.mark.crash
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to mount a small volume")
def test_what_a_full_volume_breaks_comes_back_when_the_engine_is_opened_anew(tmp_path: Path):
    """chDB 4.4 makes empty parts when an insert or a merge meets a full disk, and believes in them (found by the oracle)."""
    from tests.builders import a_trace_id

    volume = Volume(tmp_path, 150)
    volume.mount()
    if not volume.mounted:
        pytest.skip("nothing can be mounted here")
    try:
        wrote = run(tmp_path, "write")
        found = run(tmp_path, "read")
    finally:
        volume.unmount()
    assert wrote["stored"]
    assert found["broken"] == []
    lost = [number for number in wrote["stored"] if found["spans"].get(a_trace_id(number)) != 29]
    assert not lost, f"{len(lost)} of {len(wrote['stored'])} lost; broken meanwhile: {wrote['broken']}"
