"""Proof that texts are nowhere on disk, and proof of the proof: what is stored in clear is found."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import zstandard
from typer.testing import CliRunner

from spans.errors import SettingsError
from store import open_store
from tests.builders import a_clean_span
from tests.store.contract import tables_for
from tracetape.cli import app
from tracetape.folder import DataFolder
from tracetape.scan import Needles, read_needles, scan_files

NEEDLE = "Maria Gonzalez-Lindqvist"


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    made = DataFolder(tmp_path / "data")
    made.create()
    return made


def needles(*texts: str) -> Needles:
    return Needles(list(enumerate(texts, 1)))


def test_a_stored_text_is_found_in_its_column_and_another_is_not(folder, tmp_path):
    """The positive control: evidence that went around redaction."""
    store = open_store(folder.store_dsn())
    store.migrate()
    store.write_evidence(tables_for(a_clean_span(attributes={"gen_ai.input.messages": f"I am {NEEDLE}. " * 300})))
    store.close()
    report = scan_files(folder, needles(NEEDLE, "Tobias Achterberg"), tmp_path / "needles")
    assert set(report.counts) == {1}
    assert any(place.startswith("store/") and "decompressed" in place for place in report.places[1])
    assert report.unread == []
    assert report.compressed_files > 10

    listed = tmp_path / "needles"
    listed.write_text(f"# texts\n\n{NEEDLE}\nTobias Achterberg\n")
    done = CliRunner().invoke(app, ["scan", "--needles", str(listed), "--data", str(folder.root)])
    assert done.exit_code == 1
    assert "line 3: found" in done.output
    assert "table span_contents, column attributes" in done.output
    assert "1 of 2 texts were found nowhere" in done.output
    assert NEEDLE not in done.output
    listed.write_text("Tobias Achterberg\n")
    assert CliRunner().invoke(app, ["scan", "--needles", str(listed), "--data", str(folder.root)]).exit_code == 0


def test_every_kind_of_file_is_searched(folder, tmp_path):
    (folder.logs / "main.log").write_text('{"message": "maria GONZALEZ-lindqvist"}')
    (folder.run / "x.json").write_text("Maria%20Gonzalez-Lindqvist")
    connection = sqlite3.connect(folder.root / "ledger.sqlite")
    connection.execute("CREATE TABLE t (a TEXT)")
    connection.execute("INSERT INTO t VALUES (?)", ("y" * 20_000 + NEEDLE + "y" * 20_000,))
    connection.commit()
    connection.close()
    report = scan_files(folder, needles(NEEDLE), tmp_path / "n")
    assert {place.split(" ")[0] for place in report.places[1]} == {"logs/main.log", "run/x.json", "ledger.sqlite"}


def test_a_find_across_the_seam_of_two_pieces_counts_once(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("tracetape.scan.PIECE_BYTES", 10)
    (folder.logs / "main.log").write_text("abcde" + NEEDLE + "abcde" + NEEDLE)
    assert scan_files(folder, needles(NEEDLE, "xyzw"), tmp_path / "n").counts == {1: 2}


def test_a_column_file_that_cannot_be_decoded_is_told(folder, tmp_path):
    (folder.root / "store").mkdir(exist_ok=True)
    body = zstandard.ZstdCompressor().compress(NEEDLE.encode() * 50)
    head = b"\0" * 16 + bytes([0x90]) + (len(body) + 9).to_bytes(4, "little") + (50 * len(NEEDLE)).to_bytes(4, "little")
    (folder.root / "store" / "good.bin").write_bytes(head + body)
    (folder.root / "store" / "torn.bin").write_bytes((head + body)[:-3])
    report = scan_files(folder, needles(NEEDLE), tmp_path / "n")
    assert report.counts[1] >= 50
    assert "store/good.bin (decompressed)" in report.places[1]
    assert report.unread == ["store/torn.bin"]


@pytest.mark.parametrize(("text", "why"), [("", "no text"), ("abc\n", "shorter than"), ("# only\n\n", "no text")])
def test_needles_that_prove_nothing_are_refused(tmp_path, text, why):
    path = tmp_path / "n"
    path.write_text(text)
    with pytest.raises(SettingsError, match=why):
        read_needles(path)
    with pytest.raises(SettingsError, match="cannot be read"):
        read_needles(tmp_path / "missing")
