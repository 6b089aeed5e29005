"""A surge, a drift, a newly denied tool and a repeated write reach a webhook and a mailbox: each once, and once more when over."""

from __future__ import annotations

import hashlib
import hmac
import json
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from spans.finding import FindingKind
from store.ledger import Ledger
from store.ledger.findings import FindingQuery
from tests.builders import a_finding, a_trace_id
from tests.tracetape.alerting.dying_evaluator import HOUR_NS, SURGE_NS
from tests.tracetape.alerting.sinks import HttpSink, SmtpSink
from tests.tracetape.running import wait_for
from tracetape.notifier.sender import Sender, SenderSettings

RULES = (
    "{id: spend, type: threshold, metric: cost_usd, above: 3, window: 1h, severity: page, to: [hook, mail]}",
    "{id: drift, type: drift, to: [hook, mail]}",
    "{id: denied, type: near_miss, to: [hook, mail]}",
    "{id: twice, type: duplicate_write, severity: page, to: [hook, mail]}",
)
KINDS = {"drift": FindingKind.DRIFT, "denied": FindingKind.NEAR_MISS, "twice": FindingKind.DUPLICATE_WRITE}
ALL = ("spend", "drift", "denied", "twice")


class Clock:
    now_ns = SURGE_NS

    def __call__(self):
        return self.now_ns


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'ledger.sqlite'}"


@pytest.fixture
def ledger(url, clock):
    opened = Ledger.open(url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def hook():
    sink = HttpSink()
    yield sink
    sink.close()


@pytest.fixture
def mail():
    sink = SmtpSink()
    yield sink
    sink.close()


@pytest.fixture
def sender(ledger, url, clock):
    """Two senders at once, each with its own ledger, like the notifier's but without its guard: the sinks stand here."""
    other = Ledger.open(url, clock=clock)
    made = [Sender(one, SenderSettings("https://tape.example.com", group_s=0), clock) for one in (ledger, other)]
    threads = [threading.Thread(target=one.run, daemon=True) for one in made]
    for thread in threads:
        thread.start()
    yield made[0]
    for one in made:
        one.stop()
    for thread in threads:
        thread.join(10)
    other.close()


def finding(kind, summary):
    return a_finding(
        kind=kind,
        project="default",
        workflow="refund",
        environment="production",
        summary=summary,
        run_ids=(a_trace_id(3),),
        since_ns=SURGE_NS,
    )


def look(url, now_ns, *deadlies):
    """Return codes of evaluators that die at these statements; 0 lives."""
    which = ",".join(str(n) for n in deadlies or (0,))
    command = [sys.executable, "-m", "tests.tracetape.alerting.dying_evaluator", url, str(now_ns), which]
    done = subprocess.run(command, capture_output=True, check=False, timeout=240)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def die_at_every_statement(url, now_ns):
    """Each life ends one statement later than the one before, until one gets through; returns the number of deaths."""
    codes = look(url, now_ns, *range(1, 400))
    assert set(codes[:-1]) == {-signal.SIGKILL}
    assert codes[-1] == 0
    return len(codes) - 1


def end_everything(ledger, url, clock):
    """What was found is over and the hour of the surge has passed; evaluators die here too."""
    for known in ledger.findings.list(FindingQuery("default")):
        ledger.findings.close_unseen("default", [known.kind], SURGE_NS + 3 * HOUR_NS, HOUR_NS)
    clock.now_ns = SURGE_NS + 3 * HOUR_NS
    look(url, clock.now_ns, *range(1, 400, 4))
    for minutes in (5, 10):
        look(url, clock.now_ns + minutes * 60 * 10**9)
    clock.now_ns += HOUR_NS


@pytest.mark.crash
def test_each_arrives_once_whatever_dies(ledger, url, clock, hook, mail, sender):
    ledger.channels.put("default", "hook", "webhook", hook.url, "ticket")
    ledger.channels.put("default", "mail", "apprise", mail.address, "ticket")
    for n, text in enumerate(RULES):
        ledger.alert_rules.put("default", ALL[n], text, "tests")
    for name, kind in KINDS.items():
        ledger.findings.record([finding(kind, f"The {name} one.")], SURGE_NS, HOUR_NS)

    clock.now_ns = SURGE_NS + HOUR_NS // 2
    assert die_at_every_statement(url, clock.now_ns) >= 20

    # Two evaluators at once, three times over, have nothing to add.
    both = [threading.Thread(target=look, args=(url, clock.now_ns, 0, 0, 0)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    wait_for(lambda: len(hook.alerts()) >= 4 and not ledger.outbox.claim(0), 30, "four alerts at the webhook")
    assert sorted(hook.alerts()) == sorted((name, "firing") for name in ALL)
    (incident,) = ledger.incidents.list("default")
    assert incident.severity == "page"

    end_everything(ledger, url, clock)
    wait_for(lambda: len(hook.alerts()) >= 8, 30, "the end of each at the webhook")
    assert sorted(hook.alerts()) == sorted((n, s) for n in ALL for s in ("firing", "resolved"))
    assert not ledger.incidents.list("default")[0].is_firing
    wait_for(lambda: all(m.state == "sent" for m in ledger.outbox.list("default")), 30, "an empty outbox")

    told = "\n".join(
        part.get_content() for m in mail.mails for part in m.walk() if part.get_content_type() == "text/plain"
    )
    for name in ("drift", "denied", "twice"):
        assert told.count(f"firing: The {name} one.") + told.count(f"firing, page: The {name} one.") == 1
        assert told.count(f"resolved: The {name} one.") == 1
    assert told.count("firing, page: refund: spend $9.00") == told.count("resolved: refund: spend $9.00") == 1
    assert f"https://tape.example.com/incidents/{incident.incident_id}" in told


def test_a_webhook_is_signed_and_names_its_delivery(ledger, clock, hook, sender):
    secret = ledger.channels.put("default", "hook", "webhook", hook.url, "ticket")
    ledger.outbox.put_test("default", "hook", "It works.")
    wait_for(lambda: hook.received, 20, "a test message")
    headers, content = hook.received[0]
    moment, digest = (part.split("=")[1] for part in headers["X-Tracetape-Signature"].split(","))
    expected = hmac.new(secret.encode(), f"{moment}.".encode() + content, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(digest, expected)
    assert json.loads(content)["delivery_id"] == headers["X-Tracetape-Delivery"]
    wait_for(lambda: ledger.channels.list("default")[0].tested_ns, 10, "the test on record")


def test_what_the_other_side_refuses_is_tried_again_with_the_same_name(ledger, clock, hook, sender):
    ledger.channels.put("default", "hook", "webhook", hook.url, "ticket")
    hook.status = 500
    ledger.outbox.put_test("default", "hook", "It works.")
    wait_for(lambda: ledger.channels.list("default")[0].error, 20, "an error on record")
    assert ledger.channels.list("default")[0].error == "The webhook answered 500."
    hook.status = 200
    clock.now_ns += 10 * 10**9
    wait_for(lambda: len(hook.received) == 2, 20, "a second attempt")
    names = {headers["X-Tracetape-Delivery"] for headers, _ in hook.received}
    assert len(names) == 1


def test_the_watchdog_is_told_that_evaluation_goes_on(ledger, clock, hook):
    made = Sender(ledger, SenderSettings("https://tape.example.com", heartbeat_url=hook.url), clock)
    made.round()
    assert hook.received == []
    ledger.settings.put("alerts_evaluated_ns", clock())
    made.round()
    made.round()
    assert len(hook.received) == 1


def test_a_channel_that_is_gone_is_no_crash(ledger, clock):
    made = Sender(ledger, SenderSettings("https://tape.example.com"), clock)
    ledger.outbox.put_test("default", "nobody", "x")
    assert made.round() == 0
    assert "no channel" in ledger.outbox.list("default")[0].error


def test_a_closed_finding_does_not_fire_again(ledger, url, clock):
    ledger.alert_rules.put("default", "twice", RULES[3], "tests")
    told = finding(FindingKind.DUPLICATE_WRITE, "Twice.")
    ledger.findings.record([told], SURGE_NS, HOUR_NS)
    for step in range(4):
        look(url, SURGE_NS + step * HOUR_NS)
    ledger.findings.record([replace(told, since_ns=SURGE_NS)], SURGE_NS, HOUR_NS)
    look(url, SURGE_NS + 5 * HOUR_NS)
    assert [f.notice for f in ledger.alerts.flips("default")] == ["resolved", "firing"]
