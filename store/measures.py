"""What detectors ask of the store: activity, tests between groups of runs, series, examples; whichever engine keeps it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from spans.ids import RunId
from store.rank_tests import Compared

DAY_NS = 86_400 * 1_000_000_000
MOST_SAMPLED = 10_000
"""Reference runs of a comparison that are looked at; more are sampled by the hash of their ids, the same ones each time."""


@dataclass(frozen=True, slots=True)
class Activity:
    """How much one workflow ran lately."""

    workflow: str
    environment: str
    runs: int
    """In the whole period looked at."""
    first_ns: int
    """Its oldest run in the period."""
    day_runs: int
    """In the last 24 hours."""
    three_day_runs: int
    thirtieth_ns: int
    """When the 30th newest run of the last three days began; 0 when there are fewer."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two groups of runs of one workflow. Times are of the start, ends are exclusive; shadow and unfinished runs are left out."""

    workflow: str
    environment: str
    current_since_ns: int
    current_until_ns: int
    reference_since_ns: int
    reference_until_ns: int
    current_version: str | None = None
    """Only runs of this version; None: any."""
    reference_version: str | None = None
    current_model: str = ""
    """Only current runs that used this model; empty: any."""
    keep_permille: int = 1_000
    """Share of both groups that is looked at, chosen by the hash of their ids: the dispersion of the reference's days is that of days as
    large as the current one."""
    utc_offset_s: int = 0
    """Of the clock whose hours and weekends the runs are compared within, in seconds east of UTC."""


@dataclass(frozen=True, slots=True)
class FeatureTest:
    """One feature of one comparison."""

    comparison: int
    """Position in the list that was asked about."""
    feature: str
    is_rate: bool
    compared: Compared


@dataclass(frozen=True, slots=True)
class Point:
    """One bucket of a feature's series: the median of a number, or the rate of a yes/no feature."""

    start_ns: int
    runs: int
    value: float


@dataclass(frozen=True, slots=True)
class Example:
    """One run and its value of a feature."""

    run_id: RunId
    value: float


@dataclass(frozen=True, slots=True)
class Reach:
    """What runs of a period touched."""

    runs: int = 0
    users: int = 0
    usd: Decimal | None = None
    tool_calls: Mapping[str, int] = field(default_factory=dict)
    """Calls per tool."""


@dataclass(frozen=True, slots=True)
class ToolRow:
    """The tools of one run, for the test of their order."""

    is_current: bool
    stratum: int
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flagged:
    """One run that stands out."""

    workflow: str
    environment: str
    run_id: RunId
    started_ns: int
    tools: tuple[str, ...]
    is_row: bool = True
    """Whether the same call comes again and again; False: only far more calls than usual."""
    calls: int = 0
    usual_calls: float = 0.0
    """What 99 of 100 runs of the weeks before stay within; 0 where too few ran to say."""


LONGEST_RUN_NS = 7 * DAY_NS
"""A run that has been going for longer is not looked at for loops: what is read has to end somewhere."""
USUAL_NS = 28 * DAY_NS
LEAST_USUAL = 100
"""Runs of a workflow before which nobody can say how many calls are usual."""
TIMES_THE_USUAL = 3.0


@dataclass(frozen=True, slots=True)
class VersionSpan:
    """When a label of a workflow was first and last seen."""

    workflow: str
    environment: str
    label: str
    runs: int
    first_ns: int
    last_ns: int


class LabelField(StrEnum):
    """What of a run has labels that come and go."""

    VERSION = "version"
    MODEL = "model"
    PROMPT = "prompt"
    """By its hash."""
    TOOLS = "tools"
    """A tool that was offered and the beginning of its schema's digest: `issue_refund 1f4c09aa`."""


SCHEMA_DIGITS = 8
"""How much of a schema's digest a label shows."""


class SpendField(StrEnum):
    """What spend can be split by."""

    WORKFLOW = "workflow"
    VERSION = "version"
    MODEL = "model"
    """The model that answered: what a run of several models cost is split by its calls."""
    USER = "user"
    SESSION = "session"
    TOKEN_CLASS = "token_class"  # noqa: S105 no password
    """Input, output, cached, … as the price lines of the calls say; what a sender reported without lines is `REPORTED`."""


REPORTED = "reported by the sender"


@dataclass(frozen=True, slots=True)
class SpendPart:
    """What one value of a field spent in the current window, and in the reference before it; a run counts at every model it paid for."""

    value: str
    usd: float
    runs: int
    before_usd: float
    before_runs: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What runs of one time cost. Exact: money is summed as decimals."""

    usd: Decimal = Decimal(0)
    runs: int = 0


SUCCESS = "success"
"""A yes/no feature that is asked of the outcome: yes where a run succeeded, no where it failed or was handed to a person. A run that nobody
judged, or whose job went on in another run, has no value."""
JUDGED = ("success", "failure", "handed_off")


class MeasureReader(Protocol):
    """Reads over runs and their measures. Safe to call from several threads.

    Every method may raise BusyError. `project` bounds everything.
    """

    def activity(self, project: str, since_ns: int, at_ns: int) -> tuple[Activity, ...]:
        """Workflows that ran in [since, at), by name."""

    def compare(self, project: str, comparisons: Sequence[Comparison]) -> tuple[FeatureTest, ...]:
        """Both tests over every feature of every comparison; features that cannot be compared are left out."""

    def series(
        self, project: str, where: Comparison, feature: str, *, is_rate: bool, bucket_ns: int
    ) -> tuple[Point, ...]:
        """The feature from the start of the reference to the end of the current window, empty buckets left out."""

    def examples(
        self,
        project: str,
        where: Comparison,
        feature: str,
        *,
        is_rate: bool,
        current: bool,
        near: float | None,
        limit: int,
    ) -> tuple[Example, ...]:
        """Runs of one group nearest to a value; `near` None: the largest values first (yes, for a yes/no feature)."""

    def reach(self, project: str, workflow: str, environment: str, since_ns: int, until_ns: int) -> Reach:
        """What the workflow's runs of a period touched."""

    def values(
        self, project: str, where: Comparison, feature: str, *, is_rate: bool, limit: int
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Values of the feature in the current group and in the reference, at most `limit` of each, the same ones each time. `SUCCESS` is one, too."""

    def spent(
        self, project: str, workflow: str, environment: str | None, since_ns: Sequence[int], until_ns: int
    ) -> tuple[Spent, ...]:
        """Spend of a workflow's runs that began between each of these moments and one later one; shadow runs left out, None: every environment."""

    def spend_parts(
        self, project: str, where: Comparison, field: SpendField, attribute: str = ""
    ) -> tuple[SpendPart, ...]:
        """Spend of both windows by one field, or by the promoted attribute that is named instead, the dearest first, at most 200; every run counts, shadow and unfinished too.

        An empty workflow or environment means all of them. The reference must end where the current window begins, or before. Versions are not looked at.
        """

    def tool_rows(self, project: str, comparisons: Sequence[Comparison], limit: int) -> tuple[tuple[ToolRow, ...], ...]:
        """The tools of every comparison's runs, at most `limit` of each group, chosen by the hash of their ids."""

    def looped(self, project: str, since_ns: int, until_ns: int, limit: int) -> tuple[Flagged, ...]:
        """Runs that began before `until` and were still going at `since`, with a loop in them or with more than `TIMES_THE_USUAL` the tool calls of 99 of 100 runs of the weeks before, oldest first."""

    def versions(self, project: str, since_ns: int, at_ns: int) -> tuple[VersionSpan, ...]:
        """Workflow versions that ran in [since, at); runs without one are left out."""

    def labels(self, project: str, field: LabelField, since_ns: int, at_ns: int) -> tuple[VersionSpan, ...]:
        """Labels of a kind that ran in [since, at), shadow runs left out."""
