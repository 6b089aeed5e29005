"""What the web asks of the rest of the house; handed in whole by the composition root."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from insights.alerts.backtest import Episode
from insights.alerts.rule import Rule
from spans.erasure import ErasureOutlook, Waiting
from spans.health import ForwardStatus, Health, IngestStatus, QuarantinedRecord, RedactionFigures
from spans.ids import RunId
from spans.naming import NamingRule
from spans.prices import PriceRow
from store.api import Store
from store.ledger import Ledger
from store.retention import RetentionRules
from web.links import LinkTemplate


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Addresses as people and programs write them, without a trailing slash."""

    grpc: str
    http: str
    web: str
    public_url: str


class QuarantineDesk(Protocol):
    """What a person may do with items that could not be processed."""

    def list(self) -> tuple[QuarantinedRecord, ...]:
        """Everything in quarantine, oldest first."""

    def redrive(self, name: str) -> int:
        """Try a record again; returns its items.

        Raises:
            NotFoundError: nothing of this name can be tried again.
        """

    def drop(self, name: str) -> int:
        """Destroy a record for good; returns its items.

        Raises:
            NotFoundError: nothing of this name is in quarantine.
        """


class ErasureDesk(Protocol):
    """What an administrator may do about persons and runs that have to go for good.

    `subject` is `person` or `run`; a target is a pseudonym or a run id, never a value in clear.
    """

    def preview(self, project: str, subject: str, targets: Sequence[str]) -> ErasureOutlook:
        """What would go.

        Raises:
            RefusedError: a target cannot stand for one person.
            NotFoundError: the project has no such run.
            BusyError: main is away.
        """

    def erase(self, project: str, subject: str, targets: Sequence[str], by: str, override: str = "") -> tuple[str, ...]:
        """Begin; the rows are hidden soon afterwards. Returns the ids of the erasures, one for each target.

        Raises:
            RefusedError: as `preview`, or it needs a reason and has no `override`.
            NotFoundError: the project has no such run.
            BusyError: main is away.
        """

    def waiting(self) -> Mapping[str, Waiting]:
        """Why each unfinished erasure is not finished, by id."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything behind the pages. Every callable may be called from several threads."""

    store: Store
    ledger: Ledger
    redact_text: Callable[[str, str], str]
    """(project, text) → the text as it would have been stored. Raises BusyError while no worker is ready."""
    health: Callable[[], Health]
    ingest: Callable[[], IngestStatus]
    endpoints: Endpoints
    send_test_run: Callable[[], None] | None = None
    load_demo: Callable[[], None] | None = None
    version: str = ""
    clock_ns: Callable[[], int] = time.time_ns
    keys_required: bool = False
    """Whether senders need an ingest key; the first screen then says how to make one."""
    redaction_mode: str = "full"
    metrics: Callable[[], str] | None = None
    """Prometheus text of this moment."""
    overruled: Callable[[str | None], None] | None = None
    """Told after a price (None) or a rule of a project changed: stored runs are assembled again."""
    recomputing: Callable[[], tuple[int, int]] | None = None
    """Traces assembled again and to assemble, of the latest change."""
    file_prices: tuple[PriceRow, ...] = ()
    """Prices of the operator's file; shown, never changed here."""
    file_rules: Callable[[str], tuple[NamingRule, ...]] | None = None
    """Rules of the operator's file for a project."""
    retention_rules: Callable[[], RetentionRules] | None = None
    """Periods and pins in force; None where another process removes what has expired."""
    disk: Callable[[], tuple[float, tuple[date, ...]]] = lambda: (0.0, ())
    """Share of the disk in use (0: nobody knows), and days that wait because survivors cannot be copied."""
    beside_bytes: Callable[[], Mapping[str, int]] = dict
    """Bytes on this machine that are not in the store, by what they are; nothing where another machine holds them."""
    firing: Callable[[str], int] | None = None
    """project → incidents firing now, for the navigation and the icon of the browser tab; None while nothing judges."""
    quarantine: QuarantineDesk | None = None
    """None where there is no spool."""
    erasures: ErasureDesk | None = None
    """None where nothing can be erased."""
    explain_text: Callable[[str, str], str] = lambda _project, _text: '{"text": "", "failed": true, "reasons": []}'
    """(project, text) → what would be hidden and why, as JSON. Raises BusyError while no worker is ready."""
    pseudonyms: Callable[[str, str, str], Sequence[str]] = lambda _project, entity, _value: (f"<{entity}_>",)
    """(project, entity, value) → its tokens, the one of the key in force first. Raises BusyError while no worker is ready."""
    redaction: Callable[[], RedactionFigures] = RedactionFigures
    retry_withheld: Callable[[], int] | None = None
    """Try sealed originals of withheld texts again; returns how many. None where nothing can be tried."""
    judge_again: Callable[[str, Sequence[RunId]], None] = lambda _project, _runs: None
    """(project, runs): a label or pattern changed, judge them again soon; noted durably, also while main is away."""
    judge_workflow: Callable[[str, str], None] = lambda _project, _workflow: None
    """(project, workflow or `*`): a policy changed, judge every stored run of it again soon."""
    waiting: Callable[[], int] = lambda: 0
    """Labels, policies, prices and rules that are saved and wait for main to apply them; 0 while main is there."""
    backtest: Callable[[str, Rule, int], tuple[Episode, ...]] | None = None
    """(project, rule, days) → every time the rule would have fired in those days; None while nothing judges."""
    rule_errors: Callable[[str], Mapping[str, str]] = lambda _project: {}
    """project → what is wrong with its alert rules, by rule."""
    forward: Callable[[], ForwardStatus | None] = lambda: None
    """How far forwarding to another backend has come; None where nothing is forwarded."""
    links: tuple[LinkTemplate, ...] = ()
    """Links out to other tools, for the pages of runs."""
    check_target: Callable[[str, int], None] = lambda _host, _port: None
    """(host, port) → nothing. Raises RefusedError when a message may not be sent there."""
