"""A second instance, a busy port, an unwritable folder, a misspelt setting: one sentence and exit code 2."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from store.ledger import Ledger
from tests.tracetape.running import clean_environ
from tracetape.folder import DataFolder, FolderLock


def serve(data: Path, *options: str, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tracetape", "serve", "--data", str(data)]
    ports = ["--grpc-port", "0", "--http-port", "0", "--web-port", "0"]
    return subprocess.run(
        [*command, *ports, *options],
        capture_output=True,
        text=True,
        timeout=120,
        env=clean_environ() | environ,
        check=False,
    )


def assert_refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    sentence = done.stderr.strip().splitlines()
    assert len(sentence) == 1, done.stderr
    for word in words:
        assert word in sentence[0]


def test_a_second_instance_on_the_same_folder_is_refused(tmp_path: Path):
    folder = DataFolder(tmp_path)
    folder.create()
    lock = FolderLock(folder)
    lock.acquire()
    assert_refused(serve(tmp_path), "in use by another tracetape")
    lock.release()


def test_a_busy_port_is_refused(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_refused(serve(tmp_path, "--web-port", port), port, "--web-port")


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    assert_refused(serve(tmp_path / "file" / "data"), "cannot be written", "--data")


def test_a_misspelt_setting_is_refused(tmp_path: Path):
    assert_refused(serve(tmp_path, TRACETAPE_WEBPORT="1"), "TRACETAPE_WEBPORT", "TRACETAPE_WEB_PORT")


def test_a_certificate_that_cannot_be_read_is_refused(tmp_path: Path):
    files = ["--tls-cert", str(tmp_path / "none.pem"), "--tls-key", str(tmp_path / "none.key")]
    assert_refused(serve(tmp_path / "data", *files), "none.pem", "cannot be read")


def test_a_folder_of_a_newer_version_is_refused_and_not_tried_again_and_again(tmp_path: Path):
    folder = DataFolder(tmp_path.resolve())
    folder.create()
    Ledger.open(folder.ledger_url()).close()
    with closing(sqlite3.connect(folder.ledger_url().removeprefix("sqlite:///"))) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
        connection.commit()
    assert_refused(serve(tmp_path, "--workers", "1", "--redaction", "rules"), "schema 0999", "update tracetape")
