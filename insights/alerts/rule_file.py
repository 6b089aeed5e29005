"""Reads and writes `alerts.yaml`: rules, channels by name and silences; a refusal names the line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import yaml

from insights import yaml_place as read
from insights.alerts.metrics import METRICS, RUN_METRICS
from insights.alerts.rule import (
    ANY,
    SWITCHES,
    Comparison,
    Rule,
    RuleType,
    RunCondition,
    Sensitivity,
    Severity,
    WhenSilent,
)
from insights.yaml_place import Place, optional

FILTERS = ("version", "model", "tool", "tag", "service", "mode")
UNITS = ("usd", "tokens", "tool_calls")
LONGEST_WINDOW_S = 30 * 86_400
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_LENGTH = re.compile(r"(\d{1,5})(m|h|d)")
_SECONDS = {"m": 60, "h": 3_600, "d": 86_400}
_CONDITION = re.compile(r"\s*([a-z_]+)\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?)\s*")

_COMMON = (
    "id",
    "type",
    "workflow",
    "environment",
    "where",
    "severity",
    "to",
    "every",
    "min_runs",
    "fire_after",
    "resolve_after",
    "renotify",
    "no_data",
    "enabled",
    "switch",
)
_OWN: Mapping[RuleType, tuple[str, ...]] = {
    RuleType.THRESHOLD: ("metric", "window", "above", "below", "warn"),
    RuleType.SPIKE: ("sensitivity", "min_impact_usd"),
    RuleType.BURN: ("unit", "budget", "per"),
    RuleType.PER_RUN: ("any", "window"),
    RuleType.DRIFT: ("sensitivity",),
    RuleType.VERSION: (),
    RuleType.NEAR_MISS: (),
    RuleType.VIOLATION: (),
    RuleType.DUPLICATE_WRITE: (),
    RuleType.EXPOSURE: (),
    RuleType.NO_DATA: ("window",),
    RuleType.HEALTH: (),
}
_DEFAULTS = ("every", "min_runs", "renotify", "resolve_after", "fire_after", "no_data", "severity", "to")


@dataclass(frozen=True, slots=True)
class Silence:
    """A time in which matching alerts send nothing. They are recorded all the same."""

    until_ns: int
    reason: str
    rule_id: str = ANY
    workflow: str = ANY


@dataclass(frozen=True, slots=True)
class AlertsFile:
    """Everything one file says."""

    rules: tuple[Rule, ...]
    silences: tuple[Silence, ...] = ()


def parse_alerts(text: str, *, file: str = "alerts.yaml") -> AlertsFile:
    """Read a whole file.

    Raises:
        YamlFileError: it is not one; the sentence names the line.
    """
    root = read.compose(text, file=file, too_large="Split it by project.", empty="Write a list under rules:.")
    fields = root.fields(("defaults", "rules", "silences"))
    defaults = fields["defaults"].fields(_DEFAULTS) if "defaults" in fields else {}
    rules: dict[str, Rule] = {}
    for place in fields["rules"].items() if "rules" in fields else ():
        rule = _rule(place, defaults)
        if rule.rule_id in rules:
            raise place.refuse(f"repeats the id {rule.rule_id!r}", "Give each rule an id of its own.")
        rules[rule.rule_id] = rule
    silences = tuple(_silence(place) for place in fields["silences"].items()) if "silences" in fields else ()
    return AlertsFile(tuple(rules.values()), silences)


def parse_rule(text: str, *, file: str = "rule.yaml") -> Rule:
    """Read one rule, as a page shows and edits it.

    Raises:
        YamlFileError: it is not one; the sentence names the line.
    """
    return _rule(read.compose(text, file=file, empty="Write at least id and type."), {})


def fields_of(kind: RuleType) -> tuple[str, ...]:
    """What may stand in a rule of a kind."""
    return (*_COMMON, *_OWN[kind])


def rule_yaml(rule: Rule) -> str:
    """One rule as the file writes it; `parse_rule` gives the same rule back."""
    return fields_yaml(rule_fields(rule))


def fields_yaml(fields: Mapping[str, Any]) -> str:
    """Fields of one rule as the file writes them, whether they are right or not."""
    return yaml.safe_dump(dict(fields), sort_keys=False, allow_unicode=True, default_flow_style=None, width=100)


def alerts_yaml(rules: tuple[Rule, ...]) -> str:
    """A whole file of rules."""
    return yaml.safe_dump({"rules": [rule_fields(r) for r in rules]}, sort_keys=False, allow_unicode=True, width=100)


def _rule(place: Place, defaults: Mapping[str, Place]) -> Rule:
    named = place.fields()
    if "type" not in named:
        raise place.refuse("lacks type", f"Use one of: {', '.join(RuleType)}.")
    kind = RuleType(read.one_of(named["type"], tuple(RuleType)))
    fields = {**defaults, **place.fields((*_COMMON, *_OWN[kind]))}
    if "id" not in fields:
        raise place.refuse("lacks id", "Give it a short name, such as spend-spike.")
    rule = Rule(
        rule_id=_id(fields["id"]),
        type=kind,
        workflow=optional(fields, "workflow", read.text, ANY),
        environment=optional(fields, "environment", read.text, ""),
        where=optional(fields, "where", _where, {}),
        severity=optional(fields, "severity", lambda p: Severity(read.one_of(p, tuple(Severity))), Severity.TICKET),
        to=optional(fields, "to", read.names, ()),
        every_s=optional(fields, "every", lambda p: _length(p, most_s=86_400), 300),
        min_runs=optional(fields, "min_runs", lambda p: read.whole(p, least=0), 0),
        fire_after=optional(fields, "fire_after", read.whole, 1),
        resolve_after=optional(fields, "resolve_after", read.whole, 2),
        renotify_s=optional(fields, "renotify", lambda p: _length(p, least_s=0), 43_200),
        when_silent=optional(
            fields, "no_data", lambda p: WhenSilent(read.one_of(p, tuple(WhenSilent))), WhenSilent.KEEP
        ),
        enabled=optional(fields, "enabled", read.truth, True),
        switch=optional(fields, "switch", lambda p: read.one_of(p, SWITCHES), ""),
        window_s=optional(fields, "window", _length, 86_400 if kind is RuleType.NO_DATA else 3_600),
        sensitivity=optional(
            fields, "sensitivity", lambda p: Sensitivity(read.one_of(p, tuple(Sensitivity))), Sensitivity.NORMAL
        ),
        min_impact_usd=optional(fields, "min_impact_usd", read.number, 0.0),
    )
    if rule.window_s % rule.every_s:
        raise place.refuse(
            f"looks every {rule.every_s} s over {rule.window_s} s", "Make the window a multiple of every."
        )
    return _OWN_FIELDS.get(kind, lambda rule, _fields, _place: rule)(rule, fields, place)


def _threshold(rule: Rule, fields: Mapping[str, Place], place: Place) -> Rule:
    if "metric" not in fields:
        raise place.refuse("lacks metric", f"Use one of: {', '.join(METRICS)}.")
    if ("above" in fields) == ("below" in fields):
        raise place.refuse("needs one of above and below", "Write above: 50 or below: 0.9.")
    rule = replace(
        rule,
        metric=read.one_of(fields["metric"], tuple(METRICS)),
        above=optional(fields, "above", _any_number, None),
        below=optional(fields, "below", _any_number, None),
        warn=optional(fields, "warn", _any_number, None),
    )
    nearer = rule.warn is None or (rule.warn < rule.above if rule.above is not None else rule.warn > (rule.below or 0))
    if not nearer:
        raise fields["warn"].refuse("is not reached before the limit", "A warning comes first: put it nearer.")
    return rule


def _burn(rule: Rule, fields: Mapping[str, Place], place: Place) -> Rule:
    rule = replace(
        rule,
        unit=optional(fields, "unit", lambda p: read.one_of(p, UNITS), "usd"),
        budget=optional(fields, "budget", lambda p: read.number(p, above=1e-9), None),
        per_days=optional(fields, "per", _days, 30),
    )
    if rule.unit != "usd" and rule.budget is None:
        raise place.refuse("counts something else than dollars and has no budget", "Write budget: 2000000 and per: 1d.")
    return rule


def _per_run(rule: Rule, fields: Mapping[str, Place], place: Place) -> Rule:
    if "any" not in fields:
        raise place.refuse("lacks any", "Write any: [cost_usd > 2, tool_calls > 60].")
    return replace(rule, any_of=tuple(_condition(item) for item in fields["any"].items()))


_OWN_FIELDS = {RuleType.THRESHOLD: _threshold, RuleType.BURN: _burn, RuleType.PER_RUN: _per_run}


def _condition(place: Place) -> RunCondition:
    found = _CONDITION.fullmatch(read.text(place))
    if found is None or found[1] not in RUN_METRICS:
        raise place.refuse(
            f"is {read.shown(place)}", f"Write it like cost_usd > 2, with one of: {', '.join(RUN_METRICS)}."
        )
    return RunCondition(found[1], Comparison(found[2]), float(found[3]))


def _id(place: Place) -> str:
    name = read.text(place)
    if not _ID.fullmatch(name):
        raise place.refuse(f"is {name[:60]!r}", "Use small letters, digits, dots, dashes: spend-spike.")
    return name


def _where(place: Place) -> dict[str, str]:
    return {name: read.text(value) for name, value in place.fields(FILTERS).items()}


def _any_number(place: Place) -> float:
    return read.number(place, above=-1e12)


def _length(place: Place, *, least_s: int = 60, most_s: int = LONGEST_WINDOW_S) -> int:
    said = place.scalar("str", "int") or ""
    found = _LENGTH.fullmatch(said)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0 if said == "0" else -1
    if not least_s <= seconds <= most_s:
        raise place.refuse(f"is {read.shown(place)}", "Write a length of time like 5m, 6h or 7d, at most 30d.")
    return seconds


def _days(place: Place) -> int:
    return {"1d": 1, "7d": 7, "30d": 30}[read.one_of(place, ("1d", "7d", "30d"))]


def _silence(place: Place) -> Silence:
    fields = place.fields(("match", "until", "reason", "by"))
    for name in ("until", "reason"):
        if name not in fields:
            raise place.refuse(f"lacks {name}", "A silence has an end and a reason.")
    match = fields["match"].fields(("rule", "workflow")) if "match" in fields else {}
    return Silence(
        until_ns=_moment(fields["until"]),
        reason=read.text(fields["reason"]),
        rule_id=optional(match, "rule", read.text, ANY),
        workflow=optional(match, "workflow", read.text, ANY),
    )


def _moment(place: Place) -> int:
    said = place.scalar("str", "timestamp") or ""
    try:
        moment = datetime.fromisoformat(said)
    except ValueError:
        raise place.refuse(f"is {read.shown(place)}", "Write a time like 2026-12-01T00:00Z.") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()) * 1_000_000_000


def length_text(seconds: int) -> str:
    """A length of time as the file writes it."""
    for unit in ("d", "h", "m"):
        if seconds and seconds % _SECONDS[unit] == 0:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return "0"


_UNUSUAL: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("every_s", "every", length_text),
    ("min_runs", "min_runs", int),
    ("fire_after", "fire_after", int),
    ("resolve_after", "resolve_after", int),
    ("renotify_s", "renotify", length_text),
    ("when_silent", "no_data", str),
    ("enabled", "enabled", bool),
    ("switch", "switch", str),
)


def rule_fields(rule: Rule) -> dict[str, Any]:
    """What differs from what is meant anyway, in the order a person reads it."""
    plain: dict[str, Any] = {"id": rule.rule_id, "type": rule.type.value, "workflow": rule.workflow}
    plain |= {"environment": rule.environment} if rule.environment else {}
    plain |= {"where": dict(rule.where)} if rule.where else {}
    plain |= _OWN_PLAIN.get(rule.type, _nothing)(rule)
    plain |= {"severity": rule.severity.value, "to": list(rule.to)}
    standard = Rule("x", rule.type)
    for name, key, say in _UNUSUAL:
        value = getattr(rule, name)
        if value != getattr(standard, name):
            plain[key] = say(value)
    return plain


def _amount(value: float) -> float | int:
    """Whole amounts without a point, as a person writes them."""
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def _nothing(_rule: Rule) -> dict[str, Any]:
    return {}


def _threshold_plain(rule: Rule) -> dict[str, Any]:
    limits = {name: getattr(rule, name) for name in ("above", "below", "warn")}
    window = {"metric": rule.metric, "window": length_text(rule.window_s)}
    return window | {name: _amount(value) for name, value in limits.items() if value is not None}


def _sensitive_plain(rule: Rule) -> dict[str, Any]:
    impact = {"min_impact_usd": _amount(rule.min_impact_usd)} if rule.min_impact_usd else {}
    return {"sensitivity": rule.sensitivity.value} | impact


def _burn_plain(rule: Rule) -> dict[str, Any]:
    return {"unit": rule.unit} | ({"budget": _amount(rule.budget), "per": f"{rule.per_days}d"} if rule.budget else {})


_OWN_PLAIN: Mapping[RuleType, Callable[[Rule], dict[str, Any]]] = {
    RuleType.THRESHOLD: _threshold_plain,
    RuleType.SPIKE: _sensitive_plain,
    RuleType.DRIFT: _sensitive_plain,
    RuleType.BURN: _burn_plain,
    RuleType.PER_RUN: lambda rule: {
        "any": [c.words() for c in rule.any_of],
        "window": length_text(rule.window_s),
    },
    RuleType.NO_DATA: lambda rule: {"window": length_text(rule.window_s)},
}
