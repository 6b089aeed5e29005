"""The demo fleet through the real receiver, detectors and rules: every alert arrives once, and ends once, whatever dies.

    pytest tests/long/demo_alerts.py -s --timeout 0

The last days of the demo are lived through twice, by an evaluator that nobody disturbs and by one that is killed some forty
times in the middle of a statement. Both have to say the same, and a webhook and a mailbox have to have it once.
LONG_SEED=n repeats a schedule of kills.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

from store.ledger import Ledger
from tests.long.dying_house import REACHED
from tests.tracetape.alerting.sinks import HttpSink, SmtpSink
from tests.tracetape.running import Running, wait_for
from tracetape.demo.fleet import generate
from tracetape.demo.send import send
from tracetape.notifier.sender import Sender, SenderSettings

STEP_S = 1_800
"""Shorter than an hour: events count as bad for an hour after they were found."""
HOUR_NS = 3_600 * 10**9
RULES = (
    "{id: surge, type: spike, severity: page, to: [hook, mail]}",
    "{id: drift, type: drift, to: [hook, mail]}",
    "{id: denied, type: near_miss, to: [hook, mail]}",
    "{id: twice, type: duplicate_write, severity: page, to: [hook, mail]}",
    "{id: secret, type: exposure, severity: page, to: [hook, mail]}",
    "{id: spend, type: threshold, metric: cost_usd, above: 0.5, window: 6h, to: [hook, mail]}",
)
WANTED = {"surge", "drift", "denied", "twice"}


def life(store, ledger, until_ns, deadly):
    numbers = (str(n) for n in (until_ns, STEP_S, deadly))
    command = [sys.executable, "-m", "tests.long.dying_house", str(store), str(ledger), *numbers]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr[-3000:]
    return done.returncode == 0


def flips_of(ledger):
    return sorted(
        (f.time_ns, f.rule_id, f.workflow, f.environment, f.before, f.after, f.notice)
        for f in ledger.alerts.flips("default", limit=100_000)
    )


def open_ledger(path):
    return Ledger.open(f"sqlite:///{path}")


def test_the_demos_troubles_arrive_once_each_through_forty_kills(tmp_path):
    seed = int(os.environ.get("LONG_SEED", "0")) or random.SystemRandom().randrange(1, 10**6)
    rng, now_ns = random.Random(seed), time.time_ns() // HOUR_NS * HOUR_NS
    sys.stdout.write(f"\nseed {seed}\n")
    with Running(tmp_path / "data") as server:
        sent = send(server.http, None, generate(1, now_ns))
        server.settle(180)
    store, calm, wild = (tmp_path / "data" / name for name in ("store", "ledger.sqlite", "wild.sqlite"))
    ledger = open_ledger(calm)
    ledger.channels.put("default", "hook", "webhook", "http://127.0.0.1:1/", "ticket")
    for text in RULES:
        ledger.alert_rules.put("default", text.split()[1].rstrip(","), text, "tests")
    began_ns, ended_ns = now_ns - 156 * HOUR_NS, now_ns + 60 * HOUR_NS
    ledger.settings.put(REACHED, began_ns)
    ledger.close()
    # The first looks go over history at once; both evaluators begin behind them.
    assert life(store, calm, began_ns + 3 * STEP_S * 10**9, 0)
    shutil.copy(calm, wild)

    assert life(store, calm, ended_ns, 0)
    hook, mail = HttpSink(), SmtpSink()
    ledger = open_ledger(wild)
    ledger.channels.put("default", "hook", "webhook", hook.url, "ticket")
    ledger.channels.put("default", "mail", "apprise", mail.address, "ticket")
    sender = Sender(ledger, SenderSettings("https://tape.example.com", group_s=0), lambda: now_ns + 700 * HOUR_NS)
    thread = threading.Thread(target=sender.run, daemon=True)
    thread.start()
    kills = 0
    while not life(store, wild, ended_ns, rng.randrange(1, 4_000) if kills < 60 else 0):
        kills += 1
    undisturbed = flips_of(open_ledger(calm))
    assert flips_of(ledger) == undisturbed

    wait_for(
        lambda: all(m.state == "sent" for m in ledger.outbox.list("default", limit=100_000)), 120, "an empty outbox"
    )
    sender.stop()
    thread.join(10)
    told = [f for f in undisturbed if f[-1]]
    arrived = Counter(hook.alerts())
    assert arrived == Counter((rule, notice) for _, rule, *_, notice in told)
    names = [json.loads(content)["delivery_id"] for _, content in hook.received]
    assert len(names) == len(set(names))
    by_mail = "\n".join(p.get_content() for m in mail.mails for p in m.walk() if p.get_content_type() == "text/plain")
    assert len(mail.mails) == len(names)
    notices = {(rule, n) for _, rule, *_, n in told}
    assert notices >= {(rule, n) for rule in WANTED for n in ("firing", "resolved")}, notices
    sys.stdout.write(
        f"{sent} spans; {kills} kills; {sum(arrived.values())} alerts in {len(names)} messages, each once; {len(by_mail)} characters"
    )
    assert kills >= 20
    hook.close()
    mail.close()
