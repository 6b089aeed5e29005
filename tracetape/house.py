"""The rooms that main holds open together, built in one place and closed in reverse."""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from collector.broker import Broker, BrokerSettings, BrokerStatus
from collector.quarantine import expire_withheld
from collector.rework import Again
from insights.alerts.backtest import Episode, backtest
from insights.alerts.rule import Rule
from spans.health import Health, IngestStatus
from spans.ids import TraceId
from store import open_store
from store.api import Store
from store.ledger import Ledger
from tracetape.alerting.answers import history_of
from tracetape.alerting.driver import AlertDriver
from tracetape.alerting.pinning import keep_pins
from tracetape.alerting.troubles import troubles_of
from tracetape.assembler import Assembler, Backlog
from tracetape.delivery_check import health
from tracetape.erased_arrivals import ErasedArrivals
from tracetape.erased_sealed import SealedRecords
from tracetape.erasing import ERASING_EVERY_S, Erasing
from tracetape.erasure_desk import ErasureDesk
from tracetape.evaluator import Evaluator
from tracetape.folder import DataFolder
from tracetape.forwarding.journal import Journal
from tracetape.housekeeping import Housekeeper
from tracetape.judges import Judges
from tracetape.keeping import retention_rules
from tracetape.overrides import Overrides
from tracetape.owing import Owing, rules_owed
from tracetape.part_watch import PartWatch
from tracetape.pump import Pump
from tracetape.receipt_files import ProvenReceipts
from tracetape.receivers import ingest_status, receiver_figures
from tracetape.recompute import Recompute
from tracetape.repeating import Repeating
from tracetape.repeats import GENERATION
from tracetape.rollups import RollUps
from tracetape.sealer import Sealer
from tracetape.settings import ServeSettings
from tracetape.watermark import Watermark

logger = logging.getLogger(__name__)

WATERMARK_EVERY_S = 5.0
RELEASE_EVERY_S = 10.0
"""How often memory that the embedded engine freed goes back to the system."""
DAY_NS = 86_400 * 1_000_000_000
RATE_WINDOW_S = 10.0
REMEMBER_NS = 3_600_000_000_000
"""Items of the last hour are known again after a restart, so that what is sent once more counts as a repeat."""


def open_ledger(settings: ServeSettings, folder: DataFolder) -> Ledger:
    """The ledger of this data folder, its schema brought up to date."""
    return Ledger.open(settings.ledger or folder.ledger_url())


@dataclass(slots=True)
class House:
    """Store, ledger and the flow between spool and derived rows."""

    settings: ServeSettings
    folder: DataFolder
    store: Store
    ledger: Ledger
    assembler: Assembler
    pump: Pump
    broker: Broker
    housekeeper: Housekeeper
    evaluator: Evaluator
    alerts: AlertDriver
    rollups: RollUps
    erasing: Erasing
    erasure_desk: ErasureDesk
    eraser: Repeating
    judges: Judges
    watermark: Watermark
    again: Again
    sealer: Sealer
    part_watch: PartWatch
    memory_release: Repeating
    overrides: Overrides
    recompute: Recompute
    owing: Owing
    journal: Journal | None
    """None while nothing is forwarded."""
    set_aside: Counter[tuple[str, str]]
    """Items quarantined since the start, by signal and reason."""
    is_flowing: bool = False
    """Whether the spool is being worked off, or this is a folder that a single verb looks at."""

    @classmethod
    def open(cls, settings: ServeSettings, folder: DataFolder, progress: Callable[[str], None]) -> House:
        """Open everything, readers before writers; nothing flows until `start`."""
        progress("opening the ledger …")
        ledger = open_ledger(settings, folder)
        progress("opening the store …")
        store = open_store(settings.store or folder.store_dsn())
        store.migrate()
        overrides = Overrides(ledger, settings)
        judges = Judges(ledger)
        assembler = Assembler(store, overrides.book, judges.judge, overrides.naming)
        watermark = Watermark(ledger.settings)
        set_aside: Counter[tuple[str, str]] = Counter()
        journal = Journal(store, ledger, settings.forward_signals()) if settings.forward_url else None
        arrivals = ErasedArrivals(ledger.erasures)
        pump = Pump(
            store,
            ledger.slots,
            assembler,
            watermark,
            journal.note if journal else lambda _batch: None,
            arrivals.strain_delivery,
        )
        broker = Broker(
            BrokerSettings(
                spool=folder.spool,
                keys=folder.keys,
                socket=folder.worker_socket,
                redaction_mode=settings.redaction,
                redaction_rules=settings.redaction_rules,
            ),
            ledger.slots,
            pump.offer,
            on_quarantine=lambda kept: set_aside.update({(kept.signal, kept.reason): kept.items}),
            accounting=pump.accounting,
        )
        erasing = Erasing(store, ledger, SealedRecords(broker), arrivals, settings.forward_url)
        again = Again(
            broker,
            lambda tables: store.write_evidence(arrivals.strain_tables(tables)),
            lambda project, traces: assembler.mark(project, dict.fromkeys(traces, (1, 0))),
            ledger.settings.put,
            lambda name: str(ledger.settings.get(name, "")),
        )
        housekeeper = Housekeeper(
            store,
            ProvenReceipts(ledger, folder.receipts),
            lambda: retention_rules(settings, ledger),
            folder=None if settings.store else folder.root,
            also=(
                lambda: broker.quarantine.expire(time.time_ns()),
                lambda: expire_withheld(broker.withheld),
                lambda: keep_pins(store, ledger, time.time_ns()),
                lambda: ledger.seals.drop_before(datetime.now(UTC).date() - timedelta(days=settings.metadata_days)),
                broker.destroy_unused_keys,
            ),
        )
        evaluator = Evaluator(
            store,
            ledger,
            moved=lambda project: assembler.written[project],
            waiting=lambda: _is_behind(broker.status(), assembler.backlog()),
        )
        alerts = AlertDriver(
            store,
            ledger,
            budget_of=judges.budget_of,
            owners_of=judges.owners_of,
            troubles=lambda: troubles_of(ledger.slots.totals(), broker.status(), folder.root),
        )
        rollups = RollUps(store)
        part_watch = PartWatch(store, lambda: os.kill(os.getpid(), signal.SIGTERM))
        recompute = Recompute(store, assembler, rollups.now)
        return cls(
            settings=settings,
            folder=folder,
            store=store,
            ledger=ledger,
            assembler=assembler,
            pump=pump,
            broker=broker,
            housekeeper=housekeeper,
            evaluator=evaluator,
            alerts=alerts,
            rollups=rollups,
            erasing=erasing,
            erasure_desk=ErasureDesk(erasing, ledger),
            eraser=Repeating("erasing", erasing.go_on, ERASING_EVERY_S),
            judges=judges,
            watermark=watermark,
            again=again,
            sealer=Sealer(store, ledger),
            part_watch=part_watch,
            memory_release=Repeating("memory-release", store.release_memory, RELEASE_EVERY_S),
            overrides=overrides,
            recompute=recompute,
            owing=Owing(ledger.owed, store, assembler, recompute, overrides.changed),
            journal=journal,
            set_aside=set_aside,
        )

    def start(self) -> None:
        """Let it flow: first what an earlier run left unassembled, then the spool."""
        self._catch_up()
        self.assembler.start()
        self.pump.start(self.broker)
        self.broker.start()
        self.housekeeper.start()
        self.evaluator.start()
        self.alerts.start()
        self.rollups.start()
        self.sealer.start()
        self.part_watch.start()
        self.memory_release.start()
        self.owing.start()
        self.eraser.start()
        self.is_flowing = True
        threading.Thread(target=self._keep_watermark, name="watermark", daemon=True).start()

    def stop(self, drain_s: float) -> None:
        """Stop in reverse; whatever is not confirmed stays in the spool."""
        self.eraser.stop()
        self.sealer.stop()
        self.alerts.stop()
        self.memory_release.stop()
        self.part_watch.stop()
        self.owing.stop(drain_s)
        self.recompute.stop()
        self.evaluator.stop()
        self.housekeeper.stop()
        self.broker.stop(drain_s)
        self.pump.stop(drain_s)
        self.assembler.stop(drain_s)
        self.rollups.stop(drain_s)
        self.store.close()

    def _catch_up(self) -> None:
        self.pump.repeats.learn(self.store.recent_items(time.time_ns() - REMEMBER_NS, GENERATION))
        left: dict[str, dict[TraceId, tuple[int, int]]] = {}
        for project, trace in self.store.recent_traces(None, self.watermark.at_ns):
            left.setdefault(project, {})[trace] = (1, 0)
        for project, traces in left.items():
            self.assembler.mark(project, traces)

    def _keep_watermark(self) -> None:
        """Remember up to where everything stored is assembled, so that a restart need not look at more."""
        while True:
            before = time.time_ns()
            time.sleep(WATERMARK_EVERY_S)
            try:
                with self.pump.accounting:
                    broker = self.broker.status()
                    if not _is_behind(broker, self.assembler.backlog()):
                        self.watermark.raise_to(before - int(60e9))
            except Exception:
                logger.exception("the watermark could not be written")

    def backtest(self, project: str, rule: Rule, days: int) -> tuple[Episode, ...]:
        """Every time an alert rule would have fired in the last days."""
        until_ns = time.time_ns()
        since_ns = until_ns - days * DAY_NS
        history = history_of(project, rule, self.store, self.ledger, since_ns, until_ns, self.judges.budget_of)
        return backtest(project, rule, history, since_ns, until_ns)

    def overruled(self, project: str | None) -> None:
        """Somebody changed a price (None: it is for all projects) or a rule: today's rules over every stored run."""
        self.overrides.changed()
        self.owing.note(rules_owed(project))

    def health(self) -> Health:
        """The delivery check, consistent at one moment."""
        with self.pump.accounting:
            totals = self.ledger.slots.totals()
            broker = self.broker.status()
            backlog = self.assembler.backlog()
        counters = self.receiver_figures().get("refused", {})
        refused = {k: int(v) for k, v in counters.items()} if isinstance(counters, dict) else {}
        pending = {"spans": broker.pending_spans, "logs": broker.pending_logs}
        return health(totals, pending, refused, backlog)

    def ingest(self) -> IngestStatus:
        """What is arriving now."""
        return ingest_status(self.folder, self.broker.status())

    def receiver_figures(self) -> dict[str, object]:
        """What the receivers say of themselves; empty before their first word."""
        return receiver_figures(self.folder)


def _is_behind(broker: BrokerStatus, backlog: Backlog) -> bool:
    """Whether anything that was accepted is not stored and assembled yet."""
    return bool(backlog.traces or broker.pending_spans or broker.pending_logs)
