from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from collector.pseudonym_key import ensure_keys, rotate_key
from spans.errors import SettingsError
from tests.tracetape.running import clean_environ
from tracetape.folder import DataFolder
from tracetape.redact_text import dry_run, pseudonyms_of
from tracetape.settings import ServeSettings

TEXT = "Maria Gonzalez paid with 4111 1111 1111 1111; mail maria.gonzalez@northwind-mail.com."


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    made = DataFolder(tmp_path)
    made.create()
    ensure_keys(made.keys)
    return made


def tokens_of(value: str, entity: str, folder: DataFolder, project: str = "default") -> list[str]:
    return [token.text for token in pseudonyms_of(value, entity, folder, ServeSettings(), project)]


def test_a_dry_run_hides_what_would_be_hidden_and_says_why(folder):
    clean = dry_run(TEXT.encode(), folder, ServeSettings(), project="default", key="")
    for secret in ("4111", "maria.gonzalez", "Maria Gonzalez"):
        assert secret not in clean.text
    assert {n.entity for n in clean.notes} >= {"CREDIT_CARD", "EMAIL_ADDRESS", "PERSON"}


def test_a_pseudonym_is_the_token_that_stands_in_the_text(folder):
    clean = dry_run(TEXT.encode(), folder, ServeSettings(), project="default", key="")
    assert tokens_of("Maria Gonzalez", "PERSON", folder)[0] in clean.text
    assert tokens_of("maria.gonzalez@northwind-mail.com", "EMAIL_ADDRESS", folder)[0] in clean.text
    assert tokens_of("Maria Gonzalez", "PERSON", folder, "other")[0] not in clean.text


def test_a_pseudonym_has_as_many_digits_as_the_rules_say(folder, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\nmode: rules\ntoken_digits: 12\n")
    settings = ServeSettings(redaction_rules=rules)
    clean = dry_run(b"Dr. Maria Gonzalez", folder, settings, project="default", key="")
    (token,) = pseudonyms_of("Maria Gonzalez", "PERSON", folder, settings, "default")
    assert token.text in clean.text


def test_a_person_is_found_under_the_label_of_a_field_too(folder, tmp_path):
    """Who is erased by name goes as an approver as well."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(
        "version: 1\nmode: rules\nfields:\n"
        '  - {keys: ["*.approver"], operator: pseudonym, entities: [PERSON], label: APPROVER}\n'
    )
    settings = ServeSettings(redaction_rules=rules)
    clean = dry_run(b"Maria Gonzalez", folder, settings, project="default", key="tracetape.decision.approver")
    person, approver = (t.text for t in pseudonyms_of("Maria Gonzalez", "PERSON", folder, settings, "default"))
    assert (person[:8], approver) == ("<PERSON_", clean.text)
    (mail,) = pseudonyms_of("maria@example.com", "EMAIL_ADDRESS", folder, settings, "default")
    assert "APPROVER" not in mail.text


def test_after_a_rotation_a_value_leads_to_its_old_token_too(folder):
    (before,) = tokens_of("Maria Gonzalez", "PERSON", folder)
    rotate_key(folder.keys)
    now, then = tokens_of("Maria Gonzalez", "PERSON", folder)
    assert then == before != now
    assert now in dry_run(TEXT.encode(), folder, ServeSettings(), project="default", key="").text


def test_a_policy_file_decides(folder, tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("version: 1\nentities: {EMAIL_ADDRESS: keep}\n")
    clean = dry_run(TEXT.encode(), folder, ServeSettings(redaction_rules=rules), project="default", key="")
    assert "maria.gonzalez@northwind-mail.com" in clean.text
    assert "4111" not in clean.text


@pytest.mark.parametrize(("value", "entity"), [("", "PERSON"), ("x", "SHOE_SIZE"), ("x", "SECRET")])
def test_a_pseudonym_nobody_can_make_is_refused(folder, value, entity):
    with pytest.raises(SettingsError):
        tokens_of(value, entity, folder)


def test_a_folder_without_a_key_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="no pseudonym key yet"):
        tokens_of("x", "PERSON", DataFolder(tmp_path))


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
