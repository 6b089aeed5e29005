"""Alert rules: what fires now, the rules with how noisy each was, the short form, and one rule with its back-test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from insights.alerts.backtest import Episode
from insights.alerts.metrics import METRICS, length, shown
from insights.alerts.rule import ANY, FROM_FINDINGS, Comparison, Rule, RuleType, RunCondition
from store.ledger.alert_rules import KeptSilence
from store.ledger.alerts import Alert, Flip
from store.ledger.channels import ChannelInfo
from web.format import duration
from web.pages.rule_form import RuleForm
from web.places import Place

NOISY = 10
"""Firings in 30 days from which on a rule is called noisy."""
MOST_FLIPS = 50

TYPE_WORDS: Mapping[RuleType, str] = {
    RuleType.THRESHOLD: "a metric passes a limit",
    RuleType.SPIKE: "it spends far more than usual",
    RuleType.BURN: "its budget runs out too fast",
    RuleType.PER_RUN: "one run breaks a bound",
    RuleType.DRIFT: "it behaves differently",
    RuleType.VERSION: "a new version does worse",
    RuleType.NEAR_MISS: "a control stops a new kind of call",
    RuleType.VIOLATION: "a forbidden call ran",
    RuleType.DUPLICATE_WRITE: "a write happened twice",
    RuleType.EXPOSURE: "a secret was sent",
    RuleType.NO_DATA: "it stops running",
    RuleType.HEALTH: "tracetape itself is in trouble",
}


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule of the list."""

    rule: Rule
    sentence: str
    href: str
    fired: int
    """State changes to firing in the last 30 days."""
    acknowledged: int
    firing: int
    noise: str
    """`fired 41 times, acknowledged never`; empty when it is calm."""
    error: str
    by: str
    changed_ns: int


@dataclass(frozen=True, slots=True)
class FiringLine:
    """One alert that fires now."""

    alert: Alert
    href: str
    glyph: str
    muted: str
    """Why nothing is sent about it: acknowledged or silenced."""


@dataclass(frozen=True, slots=True)
class AlertRulesPage:
    """The Alert rules page."""

    firing: tuple[FiringLine, ...]
    rules: tuple[RuleLine, ...]
    flips: tuple[Flip, ...]
    silences: tuple[KeptSilence, ...]
    channels: tuple[ChannelInfo, ...]
    workflows: tuple[str, ...]
    may_change: bool
    locked: str
    """Why rules cannot be changed here: they come from a file."""
    error: str = ""
    kept: Mapping[str, str] = field(default_factory=dict)
    """What was typed into the short form that was refused; every field of it, empty otherwise."""


def sentence_of(rule: Rule) -> str:
    """A rule as a sentence."""
    who = "any workflow" if rule.workflow == ANY else rule.workflow
    where = f" in {rule.environment}" if rule.environment else ""
    if rule.type is RuleType.THRESHOLD:
        metric = METRICS[rule.metric]
        limit = rule.above if rule.above is not None else rule.below
        than = "above" if rule.above is not None else "below"
        return f"{metric.says} of {who}{where} {than} {shown(limit, metric.unit)} in {length(rule.window_s)}"
    if rule.type is RuleType.PER_RUN:
        return f"a run of {who}{where} has {' or '.join(c.words() for c in rule.any_of)}"
    if rule.type is RuleType.NO_DATA:
        return f"{who}{where} has no run for {length(rule.window_s)}"
    if rule.type is RuleType.HEALTH:
        return TYPE_WORDS[rule.type]
    return f"{who}{where}: {TYPE_WORDS[rule.type]}"


def build_alert_rules(
    place: Place,
    rules: Sequence[tuple[Rule, str, int]],
    *,
    alerts: Sequence[Alert],
    flips: Sequence[Flip],
    silences: Sequence[KeptSilence],
    channels: Sequence[ChannelInfo],
    workflows: Sequence[str],
    errors: Mapping[str, str],
    may_change: bool,
    locked: str,
    now_ns: int,
    error: str = "",
    kept: Mapping[str, str] | None = None,
) -> AlertRulesPage:
    """Build the page; `rules` are (rule, changed by, changed at)."""
    fired = Counter(flip.rule_id for flip in flips if flip.notice == "firing")
    acknowledged = {alert.rule_id for alert in alerts if alert.acknowledged_by}
    firing = [alert for alert in alerts if alert.state == "firing"]
    now = Counter(alert.rule_id for alert in firing)
    lines = [
        RuleLine(
            rule,
            sentence_of(rule),
            place.url(f"/alert-rules/{rule.rule_id}"),
            fired[rule.rule_id],
            int(rule.rule_id in acknowledged),
            now[rule.rule_id],
            _noise(fired[rule.rule_id], rule.rule_id in acknowledged),
            errors.get(rule.rule_id, ""),
            by,
            changed_ns,
        )
        for rule, by, changed_ns in rules
    ]
    return AlertRulesPage(
        firing=tuple(_firing_line(place, alert, silences, now_ns) for alert in firing),
        rules=tuple(sorted(lines, key=lambda line: (-line.firing, -line.fired, line.rule.rule_id))),
        flips=tuple(flip for flip in flips if flip.notice)[:MOST_FLIPS],
        silences=tuple(silences),
        channels=tuple(channels),
        workflows=tuple(workflows),
        may_change=may_change,
        locked=locked,
        error=error,
        kept={**_NOTHING_TYPED, **(kept or {})},
    )


_NOTHING_TYPED = {"workflow": "", "usd": "", "per": "1d", "differs": "", "to": ""}


def _noise(fired: int, was_acknowledged: bool) -> str:
    if fired < NOISY:
        return ""
    return f"fired {fired} times and was acknowledged {'at least once' if was_acknowledged else 'never'}"


def _firing_line(place: Place, alert: Alert, silences: Sequence[KeptSilence], now_ns: int) -> FiringLine:
    silenced = next((s.reason for s in silences if s.covers(alert.rule_id, alert.workflow, now_ns)), "")
    muted = "acknowledged" if alert.acknowledged_by else f"silenced: {silenced}" if silenced else ""
    href = place.url(f"/incidents/{alert.incident_id}") if alert.incident_id else place.url("/incidents")
    return FiringLine(alert, href, "error" if alert.severity == "page" else "waiting", muted)


@dataclass(frozen=True, slots=True)
class EpisodeLine:
    """One time the rule would have fired."""

    workflow: str
    environment: str
    began_ns: int
    lasted: str
    sentence: str
    href: str


@dataclass(frozen=True, slots=True)
class BacktestPart:
    """What a rule would have done."""

    verdict: str
    episodes: tuple[EpisodeLine, ...]
    more: int
    days: int


@dataclass(frozen=True, slots=True)
class KindLink:
    """A kind of rule; `href` begins a new one of it."""

    name: str
    words: str
    href: str
    active: bool


@dataclass(frozen=True, slots=True)
class AlertRulePage:
    """One rule: its YAML, what it would have done, its versions."""

    rule_id: str
    is_new: bool
    sentence: str
    body: str
    error: str
    backtest: BacktestPart | None
    versions: tuple[tuple[int, int, str], ...]
    may_change: bool
    locked: str
    form: RuleForm | None
    """None where the text cannot be read as a rule: then only the text can be edited."""
    kinds: tuple[KindLink, ...]
    metrics: tuple[tuple[str, str], ...]
    save_href: str
    list_href: str


def build_alert_rule(
    place: Place,
    *,
    rule_id: str,
    body: str,
    rule: Rule | None,
    form: RuleForm | None,
    error: str,
    episodes: Sequence[Episode] | None,
    days: int,
    versions: Sequence[tuple[int, int, str]],
    is_new: bool,
    may_change: bool,
    locked: str,
    now_ns: int,
) -> AlertRulePage:
    """Build the page of one rule; `body` is what the editor shows."""
    part = None if episodes is None or rule is None else backtest_part(place, rule, episodes, days, now_ns)
    return AlertRulePage(
        rule_id=rule_id,
        is_new=is_new,
        sentence=sentence_of(rule) if rule else "",
        body=body,
        error=error,
        backtest=part,
        versions=tuple(versions),
        may_change=may_change,
        locked=locked,
        form=form,
        kinds=tuple(_kind_link(place, kind, form, is_new=is_new) for kind in RuleType),
        metrics=tuple((metric.name, metric.says) for metric in METRICS.values()),
        save_href=place.bare("/alert-rules/save"),
        list_href=place.url("/alert-rules"),
    )


def _kind_link(place: Place, kind: RuleType, form: RuleForm | None, *, is_new: bool) -> KindLink:
    href = place.url("/alert-rules/new", type=kind.value) if is_new else ""
    return KindLink(kind.value, TYPE_WORDS[kind], href, form is not None and form.type is kind)


def backtest_part(place: Place, rule: Rule, episodes: Sequence[Episode], days: int, now_ns: int) -> BacktestPart:
    """A back-test in words and lines, newest first."""
    newest = sorted(episodes, key=lambda e: e.began_ns, reverse=True)
    times = {1: "once", 2: "twice"}.get(len(newest), f"{len(newest)} times")
    verdict = f"Would have fired {times} in the last {days} days."
    if not newest:
        verdict = f"Would not have fired in the last {days} days."
    if rule.type in FROM_FINDINGS and not newest:
        verdict += " It speaks of findings; none of its kind was made in that time."
    lines = tuple(_episode_line(place, rule, episode, now_ns) for episode in newest[:20])
    return BacktestPart(verdict, lines, max(0, len(newest) - 20), days)


def _episode_line(place: Place, rule: Rule, episode: Episode, now_ns: int) -> EpisodeLine:
    until = episode.ended_ns or now_ns
    since = max(0, episode.began_ns - rule.window_s * 1_000_000_000)
    subject = episode.subject
    href = place.within(since, until).url(
        "/runs", workflow=subject.workflow, environment=subject.environment, shape="any"
    )
    lasted = f"for {duration(until - episode.began_ns)}" if episode.ended_ns else "still firing"
    return EpisodeLine(subject.workflow, subject.environment, episode.began_ns, lasted, episode.sentence, href)


STARTERS: tuple[str, ...] = (
    "{id: duplicate-write, type: duplicate_write, severity: page}",
    "{id: violation, type: violation, severity: page}",
    "{id: near-miss, type: near_miss, severity: ticket}",
    "{id: spend-spike, type: spike, sensitivity: normal, min_impact_usd: 5, severity: page}",
    "{id: drift, type: drift, sensitivity: normal, severity: ticket}",
    "{id: run-cap, type: per_run, any: [cost_usd > 2, tool_calls > 60, runtime_s > 900], window: 1h, severity: ticket}",
    "{id: itself, type: health, severity: page}",
)
"""What a team wants to hear of before it knows its own limits."""


def example_rule(kind: RuleType, channels: Sequence[str]) -> Rule:
    """What the form of a new rule begins with: the commonest of its kind, still to be named."""
    return replace(_EXAMPLES.get(kind, Rule(kind.value.replace("_", "-"), kind)), to=tuple(channels[:1]))


_EXAMPLES: Mapping[RuleType, Rule] = {
    RuleType.THRESHOLD: Rule("spend", RuleType.THRESHOLD, metric="cost_usd", above=50.0, window_s=86_400),
    RuleType.PER_RUN: Rule(
        "run-cap",
        RuleType.PER_RUN,
        any_of=tuple(RunCondition(n, Comparison.ABOVE, v) for n, v in (("cost_usd", 2.0), ("tool_calls", 60.0))),
    ),
    RuleType.NO_DATA: Rule("silent", RuleType.NO_DATA, window_s=86_400),
}
