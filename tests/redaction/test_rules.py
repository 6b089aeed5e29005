"""Rules files are parsed once, refused in clear sentences, and named by a fingerprint."""

from __future__ import annotations

import dataclasses

import pytest

from redaction.rules import Mode, Operator, RedactionRules, load_rules, parse_rules
from spans.errors import SettingsError

FULL = """
version: 1
mode: rules
projects: {demo: off, prod: full}
entities: {DATE_OF_BIRTH: remove, LOCATION: keep, US_PASSPORT: pseudonym}
fields:
  - {keys: [order_id, "*.ticket"], operator: keep}
  - {keys: approver, operator: remove, entities: [PERSON]}
threshold: 0.5
strict_phones: false
phone_regions: [de, fr]
deny: [Northwind]
allow: [support@example.com]
token_digits: 10
"""


def test_a_file_says_everything_an_operator_may_decide():
    rules = parse_rules(FULL)
    assert (rules.mode, rules.mode_of("demo"), rules.mode_of("prod")) == (Mode.RULES, Mode.OFF, Mode.FULL)
    assert rules.entities["LOCATION"] is Operator.KEEP
    assert rules.entities["PERSON"] is Operator.PSEUDONYM
    assert (rules.threshold, rules.strict_phones, rules.phone_regions) == (0.5, False, ("DE", "FR"))
    assert "northwind" in rules.deny
    assert rules.token_digits == 10


def test_the_first_field_rule_that_matches_wins():
    rules = parse_rules(FULL)
    assert rules.operator_for("PHONE_NUMBER", ("order_id",)) is Operator.KEEP
    assert rules.operator_for("PHONE_NUMBER", ("crm.ticket",)) is Operator.KEEP
    assert rules.operator_for("PERSON", ("approver",)) is Operator.REMOVE
    assert rules.operator_for("PERSON", ("content",)) is Operator.PSEUDONYM


def test_a_field_rule_for_everything_does_not_uncover_secrets():
    assert parse_rules(FULL).operator_for("SECRET", ("order_id",)) is Operator.PSEUDONYM


def test_an_entity_nobody_named_is_kept():
    assert RedactionRules.default().operator_for("US_PASSPORT", ()) is Operator.KEEP


def test_equal_rules_have_one_fingerprint_and_others_another():
    assert parse_rules(FULL).fingerprint == parse_rules(FULL).fingerprint
    assert parse_rules("version: 1").fingerprint == RedactionRules.default().fingerprint
    assert parse_rules(FULL).fingerprint != RedactionRules.default().fingerprint
    changed = dataclasses.replace(RedactionRules.default(), mode=Mode.OFF)
    assert changed.fingerprint != RedactionRules.default().fingerprint


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", ":1: not valid YAML"),
        ("just text", "must be a mapping"),
        ("version: 2", "`version`: must be 1"),
        ("version: 1\nmod: off", "`mod`: unknown"),
        ("version: 1\nmode: loud", "'loud' is no mode; use full, rules, off"),
        ("version: 1\nprojects: {a: none}", "`projects.a`"),
        ("version: 1\nentities: {person: keep}", "named in capitals"),
        ("version: 1\nentities: {PERSON: hash}", "'hash' is no operator"),
        ("version: 1\nentities: {SECRET: keep}", "secrets cannot be kept"),
        ("version: 1\nfields: [x]", "`fields[0]`"),
        ("version: 1\nfields: {}\nthreshold: 2", "from 0 to 1"),
        ("version: 1\nthreshold: yes", "from 0 to 1"),
        ("version: 1\nstrict_phones: 1", "true or false"),
        ("version: 1\ndeny: word", "must be a list"),
        ("version: 1\ntoken_digits: 4", "from 8 to 16"),
    ],
)
def test_a_mistake_is_refused_with_its_place(text, words):
    with pytest.raises(SettingsError, match=r"(?s).*") as refused:
        parse_rules(text, "rules.yaml")
    assert words in str(refused.value)
    assert "rules.yaml" in str(refused.value)


def test_a_file_is_read_from_disk(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("version: 1\nmode: off\n")
    assert load_rules(path).mode is Mode.OFF
    with pytest.raises(SettingsError, match="cannot be read"):
        load_rules(tmp_path / "missing.yaml")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("version: 1\nmode: rules\nthreshold: 7\n", "rules.yaml:3: `threshold`"),
        ("version: 1\nentities:\n  PERSON: keep\n  EMAIL_ADDRESS: shred\n", "rules.yaml:4: `entities.EMAIL_ADDRESS`"),
        (
            "version: 1\nfields:\n  - keys: a\n    operator: keep\n  - keys: b\n    operator: hide\n",
            "rules.yaml:6: `fields[1].operator`",
        ),
        ("version: 1\nfields:\n  - keys: a\n    operator: keep\n    colour: red\n", "rules.yaml:5: `fields[0].colour`"),
        ("version: 1\nmode: full\nmode: off\n", "rules.yaml:3: `mode`: stands there twice"),
        ("version: 1\ncolour: red\n", "rules.yaml:2: `colour`"),
        ("version: 1\na: [\n", "rules.yaml:3"),
        ("- 1\n", "rules.yaml:1:"),
        (
            "version: 1\nfields:\n  - keys: a\n    operator: pseudonym\n    label: me too\n",
            "rules.yaml:5: `fields[0].label`",
        ),
        ("version: 1\nrecognizers:\n  - name: x\n", "rules.yaml:3: `recognizers[0]`"),
        ("version: 1\nmodels: {german: x}\n", "rules.yaml:2: `models.german`"),
    ],
)
def test_a_refusal_names_the_line(text, where):
    with pytest.raises(SettingsError) as refused:
        parse_rules(text, "rules.yaml")
    assert str(refused.value).startswith(where)


def test_what_a_recogniser_of_ones_own_finds_is_hidden():
    entry = "{name: member, supported_entity: MEMBER_ID, patterns: [{name: m, regex: 'MB-[0-9]{6}', score: 0.8}]}"
    rules = parse_rules(f"version: 1\nrecognizers: [{entry}]\n")
    assert rules.entities["MEMBER_ID"] is Operator.PSEUDONYM
    kept = parse_rules(f"version: 1\nentities: {{MEMBER_ID: keep}}\nrecognizers: [{entry}]\n")
    assert kept.entities["MEMBER_ID"] is Operator.KEEP
