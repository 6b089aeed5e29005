"""O7: an upgrade under 500 spans a second, killed at every step of both migrations, loses nothing; older code refuses what is newer.

pytest tests/long/upgrade.py -s --timeout 0        # LONG_FROM=COMMIT to start from, LONG_RATE=500, LONG_SEED=7 to repeat

Starts the code of the commit before the newest schema of store and ledger (from this repository's history), sends, ends it with
kill -9 while its spool is not empty, migrates with kill -9 after every statement, and goes on with the code of today.
"""

# ruff: noqa: T201 the figures are what a person wants
from __future__ import annotations

import io
import os
import random
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from store.clickhouse.sql import schema_files
from tests.tracetape.oracle import Producer, verify
from tests.tracetape.running import Running, wait_for
from tracetape.folder import DataFolder

ROOT = Path(__file__).parents[2]
RATE = float(os.environ.get("LONG_RATE", "500"))
SEED = int(os.environ.get("LONG_SEED", str(random.SystemRandom().randrange(1 << 32))))
SPANS, THREADS = 25, 6
SENDING_S = 12.0
OPTIONS = ("--workers", "1", "--redaction", "rules")


def git(*words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True).stdout


def old_commit() -> str:
    """The commit before those that brought the newest schema file of the store and the newest revision of the ledger."""
    if chosen := os.environ.get("LONG_FROM"):
        return chosen
    revisions = sorted((ROOT / "store/ledger/migrations/versions").glob("r*.py"))
    newest = (f"store/clickhouse/schema/{schema_files()[-1][1]}.sql", str(revisions[-1].relative_to(ROOT)))
    added = {git("log", "-1", "--diff-filter=A", "--format=%H", "--", path).decode().strip() for path in newest}
    first = next(one for one in git("rev-list", "--reverse", "HEAD").decode().split() if one in added)
    return git("rev-parse", f"{first}^").decode().strip()


def deaths(address: str) -> int:
    """Migrate with kill -9 after every statement; how many children died of it."""
    command = [sys.executable, "-m", "tests.store.dying_migration", address]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(done.stdout)


def refused(old: Path, words: list[str]) -> str:
    """What older code says of a folder of today, in one line of its own."""
    done = subprocess.run([sys.executable, *words], cwd=old, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0
    return done.stderr.strip().splitlines()[-1]


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs the history of the repository")
def test_an_upgrade_under_load_killed_at_every_step_loses_nothing_and_older_code_refuses_what_is_newer(
    tmp_path: Path,
) -> None:
    commit = old_commit()
    old_tree, data = tmp_path / "old", tmp_path / "data"
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit))) as archive:
        archive.extractall(old_tree, filter="data")
    print(f"\nLONG_SEED={SEED} LONG_FROM={commit[:10]} LONG_RATE={RATE:g}")
    old = Running(data, *OPTIONS, cwd=old_tree)
    new = Running(data, *OPTIONS)
    producer = Producer("", SEED, threads=THREADS, spans=SPANS, every_s=THREADS * SPANS / RATE)
    try:
        old.start()
        assert old.process is not None
        producer.endpoint = old.http
        began = time.monotonic()
        producer.start()
        time.sleep(SENDING_S)
        children = list(old.children().values())
        old.process.kill()
        old.process.wait()
        rate = len(producer.acked) * SPANS / (time.monotonic() - began)
        before = len(producer.acked)
        wait_for(lambda: not any(map(alive, children)), 60, "the old processes to leave")
        folder = DataFolder(data.resolve())
        killed = {"ledger": deaths(folder.ledger_url()), "store": deaths(folder.store_dsn())}
        print(
            f"{rate:.0f} spans a second acknowledged by the old code, {before} traces; killed while migrating: {killed}"
        )
        assert min(killed.values()) >= 1, "both schemas were to migrate"
        new.start(grpc=old.grpc.rsplit(":", 1)[1], http=old.http.rsplit(":", 1)[1])
        time.sleep(SENDING_S)
        health = verify(new, producer)
        print(f"{len(producer.acked)} traces acknowledged, lost 0; {health['spans']}; answers {producer.answers}")
        assert len(producer.acked) > before, "the new code was sent to as well"
        ledger = "import sys; from store.ledger import Ledger; Ledger.open(sys.argv[1])"
        told = refused(old_tree, ["-c", ledger, folder.ledger_url()])
        store = "import sys; from store import open_store; open_store(sys.argv[1]).migrate()"
        told_by_store = refused(old_tree, ["-c", store, folder.store_dsn()])
        print(f"the old code says: {told}\n  of the store: {told_by_store}")
        assert "update tracetape" in told
        assert "update tracetape" in told_by_store
    finally:
        producer.stop.set()
        for server in (old, new):
            server.stop()


def test_a_store_is_made_through_kill_9_after_every_statement_of_every_schema_file(tmp_path: Path) -> None:
    statements = sum(1 + len(found) for _, _, found in schema_files())
    killed = deaths(f"chdb://{tmp_path / 'store'}")
    print(f"\n{statements} statements, {killed} kills")
    assert killed >= statements // 2
