from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from collector.pseudonym_key import ensure_root_key
from spans.errors import SettingsError
from tests.tracetape.running import clean_environ
from tracetape.folder import DataFolder
from tracetape.redact_text import dry_run, pseudonym_of
from tracetape.settings import ServeSettings

TEXT = "Maria Gonzalez paid with 4111 1111 1111 1111; mail maria.gonzalez@northwind-mail.com."


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    made = DataFolder(tmp_path)
    made.create()
    ensure_root_key(made.keys)
    return made


def test_a_dry_run_hides_what_would_be_hidden_and_says_why(folder):
    clean = dry_run(TEXT.encode(), folder, ServeSettings(), project="default", key="")
    for secret in ("4111", "maria.gonzalez", "Maria Gonzalez"):
        assert secret not in clean.text
    assert {n.entity for n in clean.notes} >= {"CREDIT_CARD", "EMAIL_ADDRESS", "PERSON"}


def test_a_pseudonym_is_the_token_that_stands_in_the_text(folder):
    clean = dry_run(TEXT.encode(), folder, ServeSettings(), project="default", key="")
    assert pseudonym_of("Maria Gonzalez", "PERSON", folder, "default") in clean.text
    assert pseudonym_of("maria.gonzalez@northwind-mail.com", "EMAIL_ADDRESS", folder, "default") in clean.text
    assert pseudonym_of("Maria Gonzalez", "PERSON", folder, "other") not in clean.text


def test_a_policy_file_decides(folder, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\nentities: {EMAIL_ADDRESS: keep}\n")
    clean = dry_run(TEXT.encode(), folder, ServeSettings(redaction_rules=rules), project="default", key="")
    assert "maria.gonzalez@northwind-mail.com" in clean.text
    assert "4111" not in clean.text


@pytest.mark.parametrize(("value", "entity"), [("", "PERSON"), ("x", "SHOE_SIZE"), ("x", "SECRET")])
def test_a_pseudonym_nobody_can_make_is_refused(folder, value, entity):
    with pytest.raises(SettingsError):
        pseudonym_of(value, entity, folder, "default")


def test_a_folder_without_a_key_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="no pseudonym key yet"):
        pseudonym_of("x", "PERSON", DataFolder(tmp_path), "default")


def test_the_command_reads_standard_input_and_stores_nothing(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tracetape", "redact", "--json", "--data", str(tmp_path / "none")],
        input=TEXT,
        capture_output=True,
        text=True,
        timeout=120,
        env=clean_environ(),
        check=True,
    )
    said = json.loads(done.stdout)
    assert "4111" not in said["text"]
    assert said["redactions"]
    assert not (tmp_path / "none").exists()
