"""Values in, clean values out: everything personal hidden, everything else to the character as it was."""

from __future__ import annotations

import base64
import json
import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from redaction.engine import Item, Models, Redactor
from redaction.languages import UNREAD
from redaction.rules import FieldRule, Mode, Operator, RedactionRules
from spans.errors import SettingsError
from spans.fields import FieldClass
from spans.pseudonym import WITHHELD, pseudonym, token_spans
from tests.redaction.conftest import key_for

CANARIES = ["Maria Gonzalez-Lindqvist", "maria.lindqvist@example.com", "+1 (212) 555-0147", "4111 1111 1111 1111",
            "DE89 3704 0044 0532 0130 00", "219-09-9999", "203.0.113.42", "742 Evergreen Terrace, Springfield, IL 62704",
            "AKIA" + "IOSFODNN7EXAMPLE"]  # fmt: skip
SENTENCE = (
    "Hi, this is Maria Gonzalez-Lindqvist (maria.lindqvist@example.com, phone +1 (212) 555-0147). I want a refund of order "
    "ORD-88213, 1,249.00 USD, paid with card 4111 1111 1111 1111, to IBAN DE89 3704 0044 0532 0130 00. I live at 742 Evergreen "
    "Terrace, Springfield, IL 62704; my SSN is 219-09-9999. Logged in from 203.0.113.42 with AKIA" + "IOSFODNN7EXAMPLE."
)
ORDINARY = [
    "gpt-4o-mini-2024-07-18", "claude-sonnet-4-20250514", "lookup_customer", "execute_refund", "ORD-88213", "CUST-4471",
    "CASE-20417", "call_VzdLU8ueZ5oBUEqWpcHg7ZU6", "chatcmpl-CBunNbA3tNXfDVEO4JDQyR", "0af7651916cd43dd8448eb211c80319c",
    "b7ad6b7169203331", "47428c3d-d46c-436b-a3a6-2f301f465365", "2025-07-20T10:57:23.031Z", "0.784308817292", "1,249.00 USD",
    "user-4471", "conv-refund", "chat gpt-4o", "execute_tool lookup_customer", "1732460400000000000", "v5.22.79", "stop",
    "sha256:e09790a52eec4b7190ea9af4f66916abf05676139a8d4aed25793685798b3795", "application/json", "refund-agent", "tool_calls",
]  # fmt: skip


def clean(redactor, value, key="content", field=FieldClass.CONTENT, project="p"):
    return redactor.redact([Item(value, key, field, "/x")], project)[0]


def test_everything_personal_in_a_sentence_is_hidden(redactor):
    got = clean(redactor, SENTENCE)
    assert not [canary for canary in CANARIES if canary in got.value]
    assert "ORD-88213, 1,249.00 USD" in got.value
    assert {note.entity for note in got.notes} >= {"PERSON", "EMAIL_ADDRESS", "CREDIT_CARD", "ADDRESS", "SECRET"}


@pytest.mark.parametrize("text", ORDINARY)
@pytest.mark.parametrize("field", list(FieldClass))
def test_ordinary_values_survive(redactor, text, field):
    assert clean(redactor, text, "value", field).value == text


@pytest.mark.parametrize("field", list(FieldClass))
@pytest.mark.parametrize(
    "canary",
    ["4111 1111 1111 1111", "maria.lindqvist@example.com", "AKIA" + "IOSFODNN7EXAMPLE", "DE89 3704 0044 0532 0130 00"],
)
def test_what_is_certain_is_hidden_in_every_class_of_field(redactor, canary, field):
    assert canary not in str(clean(redactor, f"x {canary} y", "session.id", field).value)


def test_json_in_strings_keeps_its_layout(redactor):
    inner = json.dumps({"iban": "DE89 3704 0044 0532 0130 00", "amount": 1249.0, "n": [1, 2]}, indent=1)
    text = json.dumps({"name": "execute_refund", "arguments": inner}, separators=(",", ":"))
    got = clean(redactor, text)
    outer = json.loads(got.value)
    assert json.loads(outer["arguments"])["iban"] == pseudonym("IBAN_CODE", "DE89370400440532013000", key_for("p"))
    assert got.value.replace(json.loads(outer["arguments"])["iban"], "DE89 3704 0044 0532 0130 00") == text
    assert [note.path for note in got.notes] == ["/x/arguments/iban"]


def test_a_bare_number_becomes_a_quoted_token(redactor):
    got = clean(redactor, '{"card": 4111111111111111, "total": 4111}')
    assert json.loads(got.value) == {"card": pseudonym("CREDIT_CARD", "4111111111111111", key_for("p")), "total": 4111}


def test_structured_values_are_walked(redactor):
    value = {
        "messages": [{"content": "card 4111 1111 1111 1111"}, 4111111111111111, None, True, 1.5],
        "maria@example.com": 7,
    }
    got = clean(redactor, value)
    assert "4111" not in json.dumps(got.value)
    assert "maria@example.com" not in json.dumps(got.value)
    assert got.value["messages"][2:] == [None, True, 1.5]
    assert "/x/messages/0/content" in [note.path for note in got.notes]
    assert not any("maria" in note.path for note in got.notes)


def test_two_keys_with_one_token_keep_both_values(redactor):
    got = clean(redactor, {"maria@example.com": 1, "Maria@example.com": 2})
    assert sorted(got.value.values()) == [1, 2]


def test_bytes_without_anything_personal_stay(redactor):
    for raw in (b"\x89PNG\r\n\x1a\n", b"", b"plain words", bytes(range(256)) * 40, random.Random(5).randbytes(50_000)):
        value = {"$bytes": base64.b64encode(raw).decode()}
        assert clean(redactor, value).value == value


def test_text_in_bytes_is_cleaned_like_any_text(redactor):
    value = {"$bytes": base64.b64encode(b'{"mail": "maria@example.com", "n": 1}').decode()}
    got = clean(redactor, {"file": value})
    inner = json.loads(base64.b64decode(got.value["file"]["$bytes"]))
    assert inner == {"mail": redactor.pseudonym("p", "EMAIL_ADDRESS", "maria@example.com"), "n": 1}
    assert [note.path for note in got.notes] == ["/x/file/mail"]


def test_binary_data_with_something_personal_in_it_is_removed_as_a_whole(redactor):
    for raw in (
        b"\xff\xd8\xff/Author (maria@example.com)\x00\x80",
        b"\x80\x03X\x14\x00\x00\x00" + CANARIES[-1].encode() + b"\x94.",
    ):
        got = clean(redactor, {"$bytes": base64.b64encode(raw).decode()})
        assert base64.b64decode(got.value["$bytes"]) == b"<BYTES_REMOVED>"
        assert got.notes


def test_what_only_looks_like_bytes_is_read_as_text(redactor):
    assert "maria" not in str(clean(redactor, {"$bytes": "maria@example.com"}).value)
    assert "maria" not in str(clean(redactor, {"$bytes": ["maria@example.com"]}).value)


def test_one_value_has_one_token_in_prose_and_json(redactor):
    prose = clean(redactor, "card 4111 1111 1111 1111 please").value
    args = clean(redactor, '{"card": "4111-1111-1111-1111"}').value
    assert re.search(r"\d{16}", prose)[0] == json.loads(args)["card"]


def test_projects_do_not_share_tokens(redactor):
    assert (
        clean(redactor, "maria@example.com", project="a").value
        != clean(redactor, "maria@example.com", project="b").value
    )


def test_a_second_pass_alters_no_token(redactor):
    once = clean(redactor, SENTENCE).value
    twice = clean(redactor, once).value
    assert [once[a:b] for a, b in token_spans(once)] == [twice[a:b] for a, b in token_spans(twice)][
        : len(list(token_spans(once)))
    ]


def test_a_name_under_a_key_is_hidden_wherever_it_recurs_in_the_span(redactor):
    items = [
        Item('{"customer_name": "Quenby Mcmillan"}', "args", FieldClass.CONTENT, "/a", 1),
        Item("Quenby Mcmillan!", "label", FieldClass.PLAIN, "/b", 1),
        Item("Quenby Mcmillan", "label", FieldClass.PLAIN, "/c", 2),
    ]
    first, second, other = redactor.redact(items, "p")
    token = json.loads(first.value)["customer_name"]
    assert token in second.value
    assert [note.path for note in second.notes] == ["/b"]
    assert token not in other.value


def test_a_place_is_hidden_only_next_to_somebody_it_belongs_to(redactor):
    assert clean(redactor, "What is the weather in Lima tomorrow?").notes == ()
    together = clean(redactor, "Maria Gonzalez lives in Lima and her mail is maria@example.com.")
    assert "LOCATION" in {note.entity for note in together.notes}
    strict = Redactor(RedactionRules(hide_lone_places=True), key_for)
    assert "Lima" not in clean(strict, "What is the weather in Lima tomorrow?").value


def test_a_structured_log_body_is_one_document_like_its_json_in_a_string(redactor):
    """Some instrumentations write messages as key-value structures into log bodies; their towns read as elsewhere."""
    lone = {"index": 0, "message": {"role": "assistant", "content": "What is the weather in Lima tomorrow?"}}
    assert clean(redactor, lone).value == lone
    joined = {"message": {"content": "I live in Lima."}, "author": {"email": "maria@example.com", "age": 41}}
    hidden = clean(redactor, joined)
    assert "Lima" not in str(hidden.value)
    assert {note.entity for note in hidden.notes} >= {"LOCATION", "EMAIL_ADDRESS"}
    strict = Redactor(RedactionRules(hide_lone_places=True), key_for)
    assert "Lima" not in str(clean(strict, lone).value)


def test_arguments_of_a_tool_call_read_the_same_wherever_they_stand(redactor):
    """Otherwise a call could not be matched with its execution, nor a replay with its recording."""
    arguments = json.dumps({"city": "Lima", "day": "today"})
    history = json.dumps(
        [
            {"role": "user", "content": "I am Maria Gonzalez, maria@example.com"},
            {"role": "assistant", "tool_calls": [{"function": {"name": "weather", "arguments": arguments}}]},
        ]
    )
    inside = json.loads(clean(redactor, history).value)[1]["tool_calls"][0]["function"]["arguments"]
    assert inside == clean(redactor, arguments, "gen_ai.tool.call.arguments").value == arguments


def test_it_explains_what_it_would_hide(redactor):
    text = '{"note": "mail maria@example.com"}'
    found = redactor.explain("p", text)
    assert [(text[finding.start : finding.end], finding.entity) for finding in found] == [
        ("maria@example.com", "EMAIL_ADDRESS")
    ]


def test_modes(redactor):
    off = Redactor(RedactionRules(mode=Mode.OFF), key_for, models=Models())
    rules = Redactor(RedactionRules(mode=Mode.RULES), key_for, models=Models())
    assert clean(off, SENTENCE).value == SENTENCE
    assert "4111 1111" not in clean(rules, SENTENCE).value
    by_project = Redactor(RedactionRules(projects={"open": Mode.OFF}), key_for, models=Models())
    assert clean(by_project, SENTENCE, project="open").value == SENTENCE
    assert by_project.mode_of("p") is Mode.RULES


def test_operators_by_entity_and_field():
    rules = RedactionRules(
        mode=Mode.RULES,
        entities={"EMAIL_ADDRESS": Operator.REMOVE, "PHONE_NUMBER": Operator.PSEUDONYM, "CREDIT_CARD": Operator.KEEP},
        fields=(FieldRule(("ticket",), Operator.KEEP),),
    )
    own = Redactor(rules, key_for, models=Models())
    got = clean(own, '{"a": "maria@example.com 4111 1111 1111 1111", "ticket": "+442079460958", "b": "+442079460958"}')
    value = json.loads(got.value)
    assert value["a"] == "<EMAIL_ADDRESS_REMOVED> 4111 1111 1111 1111"
    assert value["ticket"] == "+442079460958"
    assert value["b"].startswith("+888")


def test_approvers_have_pseudonyms_of_their_own():
    """An auditor must tell approvers apart, and must not meet them again as customers."""
    rules = RedactionRules(
        mode=Mode.RULES, fields=(FieldRule(("approver", "*.approved_by"), Operator.PSEUDONYM, ("PERSON",), "APPROVER"),)
    )
    own = Redactor(rules, key_for, models=Models())
    got = json.loads(clean(own, '{"approver": "Maria Gonzalez", "customer_name": "Maria Gonzalez", "order": 17}').value)
    assert got["approver"].startswith("<APPROVER_")
    assert got["customer_name"].startswith("<PERSON_")
    assert clean(own, "Maria Gonzalez", "order.approved_by").value == got["approver"]
    assert list(token_spans(got["approver"])) == [(0, len(got["approver"]))]


def test_it_accounts_for_what_it_hides_and_for_what_it_keeps(redactor):
    text = '{"customer_name": "Maria Gonzalez", "card": "4111 1111 1111 1111"}'
    told = {reason.entity: reason for reason in redactor.account("p", text)}
    assert text[told["PERSON"].start : told["PERSON"].end] == "Maria Gonzalez"
    assert told["PERSON"].token == redactor.pseudonym("p", "PERSON", "Maria Gonzalez")
    assert "check digit" in told["CREDIT_CARD"].why
    (lone,) = redactor.account("p", "The weather in Lima is fine.")
    assert (lone.token, lone.operator) == ("", "keep")
    assert "nothing else personal" in lone.why


def test_a_value_that_breaks_a_detector_is_withheld_alone(monkeypatch):
    own = Redactor(RedactionRules(), key_for, models=Models())

    def broken(piece):
        if "boom" in piece.text:
            raise ZeroDivisionError
        return ()

    monkeypatch.setattr(own._analyser, "_detectors", (broken,))
    good, bad = own.redact(
        [Item("fine", "k", FieldClass.CONTENT, ""), Item({"a": "boom"}, "k", FieldClass.CONTENT, "")], "p"
    )
    assert (good.value, good.failed) == ("fine", False)
    assert (bad.value, bad.failed) == ({"a": WITHHELD}, True)


def test_a_value_nested_without_end_is_withheld(redactor):
    value = "maria@example.com"
    for _ in range(300):
        value = [value]
    got = clean(redactor, value)
    assert (got.value, got.failed) == (WITHHELD, True)


def test_a_key_that_cannot_be_had_withholds():
    def no_key(project):
        raise OSError("key store down")

    own = Redactor(RedactionRules(mode=Mode.RULES), no_key, models=Models())
    got = clean(own, "maria@example.com")
    assert (got.value, got.failed) == (WITHHELD, True)


def test_failures_are_not_remembered(monkeypatch):
    own = Redactor(RedactionRules(mode=Mode.RULES), key_for, models=Models())
    detectors = own._analyser._detectors
    monkeypatch.setattr(own._analyser, "_detectors", (lambda piece: 1 / 0,))
    assert clean(own, "maria@example.com").failed
    monkeypatch.setattr(own._analyser, "_detectors", detectors)
    assert not clean(own, "maria@example.com").failed


def test_the_self_check_passes_and_notices_blindness(redactor, monkeypatch):
    redactor.self_check()
    blind = Redactor(RedactionRules(mode=Mode.RULES), key_for, models=Models())
    blind.self_check()
    monkeypatch.setattr(blind._analyser, "_detectors", ())
    blind = Redactor(RedactionRules(mode=Mode.RULES), key_for, models=Models(), remember=False)
    monkeypatch.setattr(blind._analyser, "_detectors", ())
    with pytest.raises(SettingsError, match="did not find"):
        blind.self_check()


def test_free_text_is_cleaned_like_stored_text(redactor):
    stored = clean(redactor, "mail maria@example.com now").value
    assert redactor.redact_text("p", "maria@example.com") in stored


PARTS = st.sampled_from(
    [
        *CANARIES,
        *ORDINARY,
        "Hi, I am",
        "please refund",
        "\n",
        '"',
        "\\",
        "😀",
        "name: ",
        "<b>",
        "{",
        "}",
        "| name | mail |\n",
    ]
)
WILD = st.recursive(
    st.lists(PARTS, max_size=6).map(" ".join) | st.integers(0, 10**17) | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "content", "phone", "id", "a b"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.lists(WILD, min_size=1, max_size=4))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_caches_batches_and_order_change_nothing(redactor, forgetful, values):
    items = [Item(json.dumps(value), "content", FieldClass.CONTENT, "/x", index) for index, value in enumerate(values)]
    together = redactor.redact(items, "p")
    assert redactor.redact(items, "p") == together
    assert forgetful.redact(items, "p") == together
    assert forgetful.redact(items[::-1], "p")[::-1] == together
    assert [forgetful.redact([item], "p")[0] for item in items] == together
    for got in together:
        json.loads(got.value)


MESSAGES = st.builds(
    lambda role, text: {"role": role, "content": text},
    st.sampled_from(["user", "tool"]),
    st.sampled_from(
        [
            "The weather in Lima is fine.",
            "I am Maria Gonzalez.",
            "ORD-88213",
            "mail maria@example.com",
            "Lisbon",
            '{"city": "Lima"}',
            "x" * 60,
            "password=hunter2x",
            "a\nb",
        ]
    ),
)


@given(st.lists(st.lists(MESSAGES, min_size=1, max_size=3), min_size=2, max_size=5), st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_growing_conversations_give_what_their_texts_give_alone(redactor, forgetful, turns, at_once):
    history = [{"role": "system", "content": "You are helpful. " * 40}]
    items = []
    for turn in turns:
        history = [*history, *turn]
        items.append(Item(json.dumps(history), "messages", FieldClass.CONTENT, "/m", len(items), "trace"))
    fresh = Redactor(redactor.rules, key_for, models=redactor.models)
    got = fresh.redact(items, "p") if at_once else [fresh.redact([item], "p")[0] for item in items]
    assert got == [forgetful.redact([item], "p")[0] for item in items]


def test_a_place_is_hidden_once_somebody_joins_the_conversation(redactor):
    system = {"role": "system", "content": "You are helpful. " * 40}
    lone = [system, {"role": "user", "content": "What is the weather in Lima?"}]
    joined = [*lone, {"role": "user", "content": "I am Maria Gonzalez, maria@example.com."}]
    items = [
        Item(json.dumps(text), "messages", FieldClass.CONTENT, "", 0, "t2")
        for text in (lone, joined, [*joined, system])
    ]
    first, second, third = redactor.redact(items, "p")
    assert "Lima" in first.value
    assert "Lima" not in second.value
    assert "Lima" not in third.value


@given(st.text())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_cleaned_or_withheld_but_never_raises(redactor, text):
    got = clean(redactor, text)
    assert isinstance(got.value, str)
    assert not got.failed or {note.entity for note in got.notes} >= {UNREAD}


@pytest.mark.parametrize(
    "unit", ["1", "[", '{"a":', '"', "aZ9+", "a@", "1.", "(212) 555-", "Aa ", "\\", "%41", "a=%41&", "|a"]
)
def test_hostile_values_cost_linear_time(unit):
    import time

    own = Redactor(RedactionRules(mode=Mode.RULES), key_for, models=Models(), remember=False)

    def cost(length):
        start = time.process_time()
        clean(own, unit * (length // len(unit)))
        return time.process_time() - start

    small = cost(20_000)
    assert cost(200_000) < 40 * max(small, 0.01)


def test_shuffled_batches_are_equal(redactor):
    rng = random.Random(1)
    items = [
        Item(
            f"{rng.choice(CANARIES)} and {rng.choice(ORDINARY)} for {rng.choice(CANARIES)}",
            "content",
            FieldClass.CONTENT,
            str(n),
            n,
        )
        for n in range(40)
    ]
    want = dict(zip(items, redactor.redact(items, "p"), strict=True))
    rng.shuffle(items)
    fresh = Redactor(RedactionRules.default(), key_for)
    assert dict(zip(items, fresh.redact(items, "p"), strict=True)) == want
