"""What a person configured: an alert rule, its kinds and its closed sets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from store.ledger.workflow_states import WorkMode

ANY = "*"


class RuleType(StrEnum):
    """What a rule looks at."""

    THRESHOLD = "threshold"
    SPIKE = "spike"
    BURN = "burn"
    PER_RUN = "per_run"
    DRIFT = "drift"
    VERSION = "version"
    NEAR_MISS = "near_miss"
    VIOLATION = "violation"
    DUPLICATE_WRITE = "duplicate_write"
    EXPOSURE = "exposure"
    NO_DATA = "no_data"
    HEALTH = "health"


FROM_FINDINGS = frozenset(
    {
        RuleType.SPIKE,
        RuleType.DRIFT,
        RuleType.VERSION,
        RuleType.NEAR_MISS,
        RuleType.VIOLATION,
        RuleType.DUPLICATE_WRITE,
        RuleType.EXPOSURE,
    }
)
"""Kinds that speak when a detector has a finding; the others compute their own number."""


class Severity(StrEnum):
    """How loud: `page` wakes somebody, `ticket` waits for the morning."""

    TICKET = "ticket"
    PAGE = "page"

    def is_above(self, other: Severity) -> bool:
        """Whether this one is louder."""
        return self is Severity.PAGE and other is Severity.TICKET


class Sensitivity(StrEnum):
    """How soon a detector speaks; each stands for a limit whose false alarms were measured."""

    QUIET = "quiet"
    NORMAL = "normal"
    WATCH = "watch"


class WhenSilent(StrEnum):
    """What a window without a run means."""

    ZERO = "zero"
    """The metric is 0."""
    KEEP = "keep"
    """Nothing is known: the alert stays as it is."""
    NO_DATA = "no_data"
    """The alert says so, and nobody is told."""
    NOTIFY = "notify"
    """The alert says so, and somebody is told."""


class Comparison(StrEnum):
    """How a number of one run is compared."""

    ABOVE = ">"
    AT_LEAST = ">="
    BELOW = "<"
    AT_MOST = "<="


_COMPARED = {">": "more than", ">=": "at least", "<": "less than", "<=": "at most"}


@dataclass(frozen=True, slots=True)
class RunCondition:
    """One condition on one run, such as `cost_usd > 2`."""

    metric: str
    comparison: Comparison
    value: float

    def words(self) -> str:
        """As the file writes it."""
        return f"{self.metric} {self.comparison} {self.value:g}"

    def told(self) -> str:
        """As a person says it of a run: `costing more than $2`."""
        than = f"{_COMPARED[self.comparison]} "
        number = f"{self.value:,.0f}" if float(self.value).is_integer() else f"{self.value:g}"
        match self.metric:
            case "cost_usd":
                return f"costing {than}${number}"
            case "duration_s" | "runtime_s":
                return f"taking {than}{number} s"
            case "same_tool_in_a_row":
                return f"calling one tool {than}{number} times in a row"
        return f"with {than.replace('less', 'fewer')}{number} {self.metric.replace('_', ' ')}"


SWITCHES = (WorkMode.DRAFT_ONLY.value, WorkMode.STOP.value)


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert rule. Lengths of time are seconds; amounts of `cost_usd` and `cpsc` are US dollars."""

    rule_id: str
    type: RuleType
    workflow: str = ANY
    environment: str = ""
    """Empty: every environment, each judged by itself."""
    where: Mapping[str, str] = field(default_factory=dict)
    """Further filters on runs, by the names of the contract: version, model, tool, tag, service, mode."""
    severity: Severity = Severity.TICKET
    to: tuple[str, ...] = ()
    """Names of channels; `owner` means the channels of the workflow's policy."""
    metric: str = ""
    window_s: int = 3_600
    above: float | None = None
    below: float | None = None
    warn: float | None = None
    """A second, nearer limit that is a ticket where the first is a page."""
    sensitivity: Sensitivity = Sensitivity.NORMAL
    min_impact_usd: float = 0.0
    any_of: tuple[RunCondition, ...] = ()
    unit: str = "usd"
    """What a budget counts: usd, tokens or tool_calls."""
    budget: float | None = None
    """The amount of `per_days` in `unit`; None with `usd` means the budget of the workflow's policy."""
    per_days: int = 30
    every_s: int = 300
    min_runs: int = 0
    fire_after: int = 1
    resolve_after: int = 2
    renotify_s: int = 43_200
    when_silent: WhenSilent = WhenSilent.KEEP
    enabled: bool = True
    switch: str = ""
    """Where the workflow's switch goes when the rule fires, one of `SWITCHES`; empty: it stays. Only people ease it again."""

    def covers(self, workflow: str, environment: str) -> bool:
        """Whether the rule speaks of this workflow in this environment."""
        return self.workflow in {ANY, workflow} and self.environment in {"", environment}


def fingerprint_of(project: str, rule_id: str, workflow: str, environment: str, group: str) -> str:
    """What makes two readings the same alert: 32 hex digits, the same after every restart."""
    parts = f"{project}\x00{rule_id}\x00{workflow}\x00{environment}\x00{group}"
    return hashlib.sha256(parts.encode("utf-8", "surrogatepass")).hexdigest()[:32]
