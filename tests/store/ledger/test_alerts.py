"""Alerts, incidents and the outbox: each move counts once, whoever makes it, and its messages with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from store.ledger import Ledger
from store.ledger.alerts import Alert, AlertMove, AlertReading
from store.ledger.outbox import CLAIM_S, PAUSES_S
from tests.store.ledger.conftest import START_NS

HOUR = 3_600 * 10**9
FIRED = Alert(
    "f" * 32,
    "default",
    "spend",
    "refund",
    "production",
    "",
    "firing",
    "ticket",
    START_NS,
    0,
    0,
    START_NS,
    "",
    AlertReading("Refund spends too much.", 12.4, 3.0, ("a" * 32, "b" * 32), "", START_NS - HOUR),
)


def fire(ledger, alert=FIRED, *, seen=0, now=START_NS, channels=("team",), **changes):
    move = AlertMove(replace(alert, **changes), seen, before="ok", notice="firing", channels=channels)
    return ledger.alerts.commit([move], now)


def end(ledger, alert=FIRED, *, seen, now):
    stored = {a.fingerprint: a for a in ledger.alerts.load("default")}[alert.fingerprint]
    over = replace(stored, state="ok", since_ns=now)
    return ledger.alerts.commit([AlertMove(over, seen, "firing", "resolved", ("team",))], now)


def test_a_move_counts_once(ledger):
    assert fire(ledger) == 1
    assert fire(ledger) == 0
    assert len(ledger.outbox.list("default")) == 1
    assert len(ledger.alerts.flips("default")) == 1
    (kept,) = ledger.alerts.load("default")
    assert (kept.state, kept.version, kept.reading) == ("firing", 1, FIRED.reading)


def test_a_move_against_an_older_state_is_dropped(ledger):
    fire(ledger)
    ledger.alerts.acknowledge([FIRED.fingerprint], "ana")
    assert end(ledger, seen=1, now=START_NS + HOUR) == 0
    assert end(ledger, seen=2, now=START_NS + HOUR) == 1


def test_two_ledgers_on_one_file_agree_who_was_first(ledger, url, clock):
    other = Ledger.open(url, clock=clock)
    assert fire(ledger) + fire(other) == 1
    other.close()


def test_overlapping_alerts_of_a_workflow_are_one_incident(ledger):
    fire(ledger)
    fire(ledger, fingerprint="e" * 32, rule_id="drift", severity="page", now=START_NS + HOUR)
    fire(ledger, fingerprint="d" * 32, environment="staging", now=START_NS + HOUR)
    staging, own = ledger.incidents.list("default")
    assert (own.environment, own.severity, own.sentence) == ("production", "page", "Refund spends too much.")
    assert (own.began_ns, own.opened_ns, own.first_bad_run) == (START_NS - HOUR, START_NS, "a" * 32)
    assert own.detection_ns == HOUR
    assert staging.environment == "staging"
    assert ledger.incidents.firing("default") == 2


def test_an_incident_ends_with_its_last_alert_and_opens_again_within_the_hour(ledger):
    fire(ledger)
    fire(ledger, fingerprint="e" * 32)
    other = replace(FIRED, fingerprint="e" * 32)
    end(ledger, seen=1, now=START_NS + 1)
    assert ledger.incidents.list("default")[0].is_firing
    end(ledger, other, seen=1, now=START_NS + 2)
    assert not ledger.incidents.list("default")[0].is_firing
    fire(ledger, seen=2, now=START_NS + 3)
    assert len(ledger.incidents.list("default")) == 1
    end(ledger, seen=3, now=START_NS + 4)
    fire(ledger, seen=4, now=START_NS + 2 * HOUR)
    assert len(ledger.incidents.list("default")) == 2


def test_a_closed_incident_stays_closed(ledger):
    fire(ledger)
    (incident,) = ledger.incidents.list("default")
    ledger.incidents.close(incident, "ana")
    fire(ledger, fingerprint="e" * 32, now=START_NS + 1)
    newest, closed = ledger.incidents.list("default")
    assert (newest.is_open, closed.is_open, closed.closed_by) == (True, False, "ana")


def test_acknowledging_an_incident_reaches_its_alerts(ledger):
    fire(ledger)
    (incident,) = ledger.incidents.list("default")
    ledger.incidents.acknowledge(incident, "ana")
    ledger.incidents.note(incident, "ana", "Looking at it.")
    assert ledger.alerts.load("default")[0].acknowledged_by == "ana"
    assert [n.text for n in ledger.incidents.notes(incident)] == ["Looking at it."]


def test_what_is_silenced_is_noted_and_not_sent(ledger):
    move = AlertMove(FIRED, 0, "ok", "firing", ("team",), silenced="silenced: planned")
    ledger.alerts.commit([move], START_NS)
    assert ledger.alerts.flips("default")[0].silenced == "silenced: planned"
    assert ledger.outbox.list("default") == ()


def test_one_message_holds_what_fires_together(ledger, clock):
    fire(ledger)
    fire(ledger, fingerprint="e" * 32)
    fire(ledger, fingerprint="d" * 32, workflow="other")
    envelopes = ledger.outbox.claim(clock())
    assert sorted((e.workflow, len(e.messages)) for e in envelopes) == [("other", 1), ("refund", 2)]
    assert ledger.outbox.claim(clock()) == ()


def test_five_minutes_pass_between_messages_about_a_workflow(ledger, clock):
    fire(ledger)
    (first,) = ledger.outbox.claim(clock())
    ledger.outbox.sent(first.claim)
    clock.pass_s(60)
    fire(ledger, fingerprint="e" * 32)
    assert ledger.outbox.claim(clock()) == ()
    clock.pass_s(241)
    assert len(ledger.outbox.claim(clock())) == 1


def test_something_louder_does_not_wait(ledger, clock):
    fire(ledger)
    (first,) = ledger.outbox.claim(clock())
    ledger.outbox.sent(first.claim)
    fire(ledger, fingerprint="e" * 32, severity="page")
    assert len(ledger.outbox.claim(clock())) == 1


def test_a_sender_that_died_is_replaced(ledger, clock):
    fire(ledger)
    (lost,) = ledger.outbox.claim(clock())
    clock.pass_s(CLAIM_S + 1)
    (again,) = ledger.outbox.claim(clock())
    ledger.outbox.sent(lost.claim)
    assert ledger.outbox.list("default")[0].state == "sending", "a claim that was taken over settles nothing"
    ledger.outbox.sent(again.claim)
    assert ledger.outbox.list("default")[0].state == "sent"


def test_it_is_tried_again_and_becomes_a_dead_letter_at_last(ledger, clock):
    fire(ledger)
    for pause in PAUSES_S:
        (envelope,) = ledger.outbox.claim(clock())
        ledger.outbox.failed(envelope.claim, "The webhook answered 500.")
        assert ledger.outbox.claim(clock()) == ()
        clock.pass_s(pause)
    (envelope,) = ledger.outbox.claim(clock())
    ledger.outbox.failed(envelope.claim, "The webhook answered 500.")
    (dead,) = ledger.outbox.list("default", state="dead")
    assert dead.error == "The webhook answered 500."
    ledger.outbox.again(dead.message_id)
    assert len(ledger.outbox.claim(clock())) == 1


def test_a_new_address_gets_a_new_secret(ledger):
    first = ledger.channels.put("default", "hook", "webhook", "https://a.example/x", "ticket")
    assert first.startswith("ttwh_")
    assert ledger.channels.put("default", "hook", "webhook", "https://a.example/x", "page") == ""
    assert ledger.channels.get("default", "hook").secret == first
    second = ledger.channels.put("default", "hook", "webhook", "https://b.example/x", "page")
    assert second not in {"", first}


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://hooks.example.com:8443/services/T0/B0/secret?x=1", "https://hooks.example.com:8443/…"),
        ("https://user:pass@hooks.example.com/x", "https://hooks.example.com/…"),
        ("slack://tokenA/tokenB/tokenC", "slack://…"),
        ("env:ONCALL_URL", "env:ONCALL_URL"),
    ],
)
def test_an_address_is_shown_without_its_secrets(ledger, address, shown):
    ledger.channels.put("default", "c", "apprise", address, "ticket")
    (info,) = ledger.channels.list("default")
    assert info.shown == shown


def test_every_version_of_a_rule_is_kept(ledger):
    ledger.alert_rules.put("default", "spend", "above: 1", "ana")
    ledger.alert_rules.put("default", "spend", "above: 1", "ana")
    ledger.alert_rules.put("default", "spend", "above: 2", "ben")
    (rule,) = ledger.alert_rules.list("default")
    assert (rule.version, rule.body, rule.changed_by) == (2, "above: 2", "ben")
    ledger.alert_rules.remove("default", "spend", "ben")
    assert ledger.alert_rules.list("default") == ()
    assert [r.version for r in ledger.alert_rules.versions("default", "spend")] == [3, 2, 1]
    ledger.alert_rules.put("default", "spend", "above: 3", "ana")
    assert [r.body for r in ledger.alert_rules.list("default")] == ["above: 3"]


def test_a_silence_covers_what_it_names_until_it_ends(ledger, clock):
    ledger.alert_rules.silence("default", "drift", "refund", clock() + HOUR, "planned", "ana")
    (silence,) = ledger.alert_rules.silences("default")
    assert silence.covers("drift", "refund", clock())
    assert not silence.covers("spend", "refund", clock())
    assert not silence.covers("drift", "refund", clock() + HOUR)
    ledger.alert_rules.end_silence("default", silence.silence_id)
    assert ledger.alert_rules.silences("default") == ()
