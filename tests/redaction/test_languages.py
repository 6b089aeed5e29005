"""The language of a text chooses its model."""

# ruff: noqa: RUF001 - letters that look like others are what is tried
from __future__ import annotations

import json

import pytest

from redaction.engine import Models, Redactor
from redaction.items import Item
from redaction.languages import SCRIPTS, UNREAD, Languages
from redaction.presidio import stop_words
from redaction.rules import Mode, RedactionRules, parse_rules
from spans.errors import SettingsError
from spans.fields import FieldClass
from spans.pseudonym import WITHHELD
from tests.redaction.conftest import key_for


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Bonjour, je voudrais une facture pour ma commande, merci", "fr"),
        ("Ich möchte meine Rechnung noch einmal sehen, und zwar heute", "de"),
        ("I would like to see my invoice again, please", "en"),
        ("", "en"),
        ("ORD-1234 4711", "en"),
    ],
)
def test_it_is_told_by_the_commonest_words(text, language):
    known = Languages({name: stop_words(name) for name in ("en", "de", "fr")})
    assert known.of(text) == language


RUSSIAN = "Меня зовут Мария Иванова, мой заказ не пришёл"
JAPANESE = "私は山田太郎です。注文が届きません"
UNREADABLE = [
    RUSSIAN,
    JAPANESE,
    "محمد يريد استرداد المبلغ",
    "שלום, שמי דנה כהן",
    "मेरा नाम प्रिया है",
    "제 이름은 김민수입니다",
    "ฉันชื่อสมชาย",
]


def clean(redactor, text, key="content", field=FieldClass.CONTENT):
    return redactor.redact([Item(text, key, field, "/x")], "p")[0]


@pytest.mark.parametrize("text", UNREADABLE)
def test_what_no_language_of_the_rules_is_written_in_is_withheld_and_says_why(redactor, text):
    got = clean(redactor, f"Customer wrote: {text} (order ORD-88213)")
    assert got.value.startswith("Customer wrote: <REDACTION_FAILED>")
    assert got.value.endswith("(order ORD-88213)")
    assert got.failed
    assert [(note.entity, note.why) for note in got.notes] == [(UNREAD, "language")] * len(got.notes)


def test_json_stays_json_and_everything_else_in_it_is_cleaned_as_ever(redactor):
    text = json.dumps([{"role": "user", "content": RUSSIAN}, {"role": "tool", "content": "mail maria@example.com"}])
    got = clean(redactor, text)
    messages = json.loads(got.value)
    assert messages[0]["content"] == WITHHELD
    assert messages[1]["content"] == f"mail {redactor.pseudonym('p', 'EMAIL_ADDRESS', 'maria@example.com')}"
    assert [note.path for note in got.notes] == ["/x/0/content", "/x/1/content"]


def test_a_value_that_is_certain_keeps_its_pseudonym_inside_a_withheld_stretch(redactor):
    got = clean(redactor, "Моя карта 4111 1111 1111 1111 не работает")
    assert redactor.pseudonym("p", "CREDIT_CARD", "4111111111111111") in got.value
    assert "карта" not in got.value
    assert clean(redactor, "Мария Иванова", "customer_name").value.startswith("<PERSON_")


@pytest.mark.parametrize(
    "text",
    [
        "Łukasz Żółć jest zadowolony",
        "Nguyễn Văn An xin chào",
        "Δt = 3 µs, α < β",
        "ψ(x) and Ω",
        "½ of 10 Å",
        "日本",
        "😀 👍🏽",
        "ʻOkina",
        "𝐀𝐁𝐂𝐃𝐄𝐅 𝓗𝓮𝓵𝓵𝓸",
    ],
)
def test_latin_letters_signs_and_lone_words_are_read(redactor, text):
    assert not clean(redactor, text).failed


@pytest.mark.parametrize(("language", "text"), [("ru", RUSSIAN), ("ja", JAPANESE)])
def test_a_language_the_rules_name_is_stored(redactor, language, text):
    own = Redactor(RedactionRules(languages=frozenset({language})), key_for, models=redactor.models)
    assert not clean(own, text).failed
    other = RUSSIAN if language == "ja" else JAPANESE
    assert clean(own, other).failed


def test_in_rules_mode_nobody_looks_for_names_and_nothing_is_withheld():
    assert not clean(Redactor(RedactionRules(mode=Mode.RULES), key_for, models=Models()), RUSSIAN).failed


def test_identifiers_are_not_read_as_language(redactor):
    assert clean(redactor, "заказ-номер", "order.id", FieldClass.IDENTIFIER).value == "заказ-номер"


def test_remembered_and_fresh_answers_are_equal(redactor, forgetful):
    for text in UNREADABLE:
        assert clean(redactor, text) == clean(redactor, text) == clean(forgetful, text)


@pytest.mark.parametrize("listed", ["[klingon]", "[xx]", "[1]"])
def test_a_language_nobody_knows_is_refused(listed):
    with pytest.raises(SettingsError, match="languages"):
        parse_rules(f"version: 1\nlanguages: {listed}\n")


def test_a_language_whose_model_is_not_installed_is_refused():
    with pytest.raises(SettingsError, match="not installed"):
        Redactor(parse_rules("version: 1\nmodels: {ru: ru_core_news_sm}\n"), key_for)


def test_languages_are_part_of_the_fingerprint():
    assert RedactionRules(languages=frozenset({"ja"})).fingerprint != RedactionRules().fingerprint
    assert set(SCRIPTS) >= {"ru", "ja", "zh", "ko", "ar", "he", "hi", "th", "el"}
