"""The form of one alert rule: the fields of the file in the words of a person; what it posts becomes the file's text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from insights.alerts.evaluators.findings import FALSE_ALARMS
from insights.alerts.metrics import METRICS, RUN_METRICS
from insights.alerts.rule import ANY, Rule, RuleType, Sensitivity, Severity, WhenSilent
from insights.alerts.rule_file import FILTERS, UNITS, fields_of, fields_yaml, rule_fields
from store.ledger.workflow_states import WorkMode

Posted = Mapping[str, Sequence[str]]
"""What a form sent: every field with all of its values."""
OWNER = "owner"
_WHERE = "where."


@dataclass(frozen=True, slots=True)
class FormField:
    """One field: `kind` is text, amount, choice, lines or check."""

    name: str
    label: str
    kind: str = "text"
    value: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    help: str = ""
    placeholder: str = ""


@dataclass(frozen=True, slots=True)
class RuleForm:
    """The form of one rule, in the order a person thinks."""

    type: RuleType
    what: tuple[FormField, ...]
    who: tuple[FormField, ...]
    filters: tuple[FormField, ...]
    loud: tuple[FormField, ...]
    pace: tuple[FormField, ...]
    channels: tuple[tuple[str, bool], ...]
    """Name, and whether it is told."""
    workflows: tuple[str, ...]
    has_unusual_pace: bool
    has_filters: bool


def _metric_choices() -> tuple[tuple[str, str], ...]:
    return tuple(
        (m.name, f"{m.says} ({_UNIT_WORDS[m.unit]})" if m.unit in _UNIT_WORDS else m.says) for m in METRICS.values()
    )


_UNIT_WORDS = {"usd": "dollars", "share": "0 to 1", "s": "seconds"}
_WINDOWS = "5m, 6h or 7d; a multiple of how often it looks"
_WHAT: Mapping[str, FormField] = {
    f.name: f
    for f in (
        FormField("metric", "Metric", "choice", "cost_usd", _metric_choices()),
        FormField("above", "is above", "amount", help="say one of above and below"),
        FormField("below", "or is below", "amount"),
        FormField("warn", "a nearer limit that only makes a ticket", "amount"),
        FormField("window", "within", help=_WINDOWS, placeholder="1h"),
        FormField(
            "sensitivity",
            "Sensitivity",
            "choice",
            Sensitivity.NORMAL.value,
            tuple((s.value, s.value) for s in Sensitivity),
            help="; ".join(f"{s.value}: {FALSE_ALARMS[s]}" for s in Sensitivity),
        ),
        FormField("min_impact_usd", "Only when it costs at least, in dollars", "amount"),
        FormField("unit", "What the budget counts", "choice", "usd", tuple((u, u.replace("_", " ")) for u in UNITS)),
        FormField("budget", "Budget", "amount", help="empty: the dollars of the workflow's policy"),
        FormField("per", "per", "choice", "30d", (("1d", "day"), ("7d", "7 days"), ("30d", "30 days"))),
        FormField(
            "any",
            "A run with any of, one per line",
            "lines",
            help=f"like cost_usd > 2; numbers of a run are {', '.join(RUN_METRICS)}",
            placeholder="cost_usd > 2",
        ),
    )
}
_WHO = (
    FormField("id", "Name of the rule", placeholder="spend-spike", help="small letters, digits, dots, dashes"),
    FormField("workflow", "Workflow", value=ANY, help="* means any"),
    FormField("environment", "Environment", placeholder="every one", help="empty: each is judged by itself"),
)
_LOUD = (
    FormField(
        "severity",
        "Severity",
        "choice",
        Severity.TICKET.value,
        ((Severity.PAGE.value, "page: wakes somebody"), (Severity.TICKET.value, "ticket: waits for the morning")),
    ),
)
_PACE = (
    FormField("every", "Look every", placeholder="5m"),
    FormField("min_runs", "Only with at least this many runs", "amount", placeholder="0"),
    FormField("fire_after", "Fire after this many bad looks", "amount", placeholder="1"),
    FormField("resolve_after", "Calm after this many good looks", "amount", placeholder="2"),
    FormField("renotify", "Tell again after", placeholder="12h", help="0: never"),
    FormField(
        "no_data",
        "When nothing runs",
        "choice",
        WhenSilent.KEEP.value,
        (
            (WhenSilent.KEEP.value, "leave the alert as it is"),
            (WhenSilent.ZERO.value, "count it as 0"),
            (WhenSilent.NO_DATA.value, "say so, tell nobody"),
            (WhenSilent.NOTIFY.value, "say so, and tell"),
        ),
    ),
    FormField(
        "switch",
        "And the workflow's switch",
        "choice",
        "",
        (
            ("", "stays as it is"),
            (WorkMode.DRAFT_ONLY.value, "goes to drafts only when it fires"),
            (WorkMode.STOP.value, "goes to stop when it fires"),
        ),
        help="agents poll it; only a person turns it back",
    ),
    FormField("enabled", "Switched on", "check", "on"),
)


def build_form(kind: RuleType, values: Posted, *, channels: Sequence[str], workflows: Sequence[str]) -> RuleForm:
    """The form of a kind, filled with values by the file's names."""
    told = set(values.get("to", ()))
    own = [name for name in fields_of(kind) if name in _WHAT]
    known = tuple(dict.fromkeys((*channels, *sorted(told - {OWNER}), OWNER)))
    return RuleForm(
        type=kind,
        what=tuple(_filled(_WHAT[name], values) for name in own),
        who=tuple(_filled(field, values) for field in _WHO),
        filters=tuple(FormField(f"{_WHERE}{f}", f, value=_first(values, f"{_WHERE}{f}")) for f in FILTERS),
        loud=tuple(_filled(field, values) for field in _LOUD),
        pace=tuple(_filled(field, values) for field in _PACE),
        channels=tuple((name, name in told) for name in known),
        workflows=tuple(workflows),
        has_unusual_pace=any(_first(values, f.name) not in {"", f.value} for f in _PACE),
        has_filters=any(_first(values, f"{_WHERE}{f}") for f in FILTERS),
    )


def values_of(rule: Rule) -> dict[str, tuple[str, ...]]:
    """A rule as its form shows it."""
    values: dict[str, tuple[str, ...]] = {}
    for name, value in rule_fields(rule).items():
        if name == "where":
            values |= {f"{_WHERE}{key}": (text,) for key, text in value.items()}
        elif isinstance(value, list):
            values[name] = tuple(value) if name == "to" else ("\n".join(value),)
        elif isinstance(value, bool):
            values[name] = ("on" if value else "off",)
        else:
            values[name] = (f"{value:.12g}" if isinstance(value, float) else str(value),)
    return values


def text_of(kind: RuleType, posted: Posted) -> str:
    """What a form sent, as the file writes it: what is empty or not of this kind is left out, and nothing is checked."""
    plain: dict[str, object] = {}
    for name in ("id", "type", *fields_of(kind)):
        said = _first(posted, name).strip()
        if name == "type":
            plain[name] = kind.value
        elif name == "where":
            where = {f: _first(posted, f"{_WHERE}{f}").strip() for f in FILTERS}
            plain[name] = {f: value for f, value in where.items() if value}
        elif name == "to":
            plain[name] = [value for value in posted.get("to", ()) if value]
        elif name == "any":
            plain[name] = [line.strip() for line in said.splitlines() if line.strip()]
        elif name == "enabled":
            plain[name] = "" if said == "on" else False
        else:
            plain[name] = _number(said) if name in _NUMBERS else said
    # Zero is an amount, an empty field is none.
    return fields_yaml({name: value for name, value in plain.items() if value not in ("", [], {})})


_NUMBERS = frozenset(f.name for f in (*_WHAT.values(), *_PACE) if f.kind == "amount")


def _number(said: str) -> object:
    """A number where it is one; other text goes to the reader of the file, whose refusal says what to write."""
    try:
        value = float(said.replace("$", "").replace(",", ""))
    except ValueError:
        return said
    return int(value) if value == int(value) and abs(value) < 1e15 else value


def _filled(field: FormField, values: Posted) -> FormField:
    said = values.get(field.name)
    if said is None:
        return field
    value = said[0] if said else ""
    return FormField(field.name, field.label, field.kind, value, field.choices, field.help, field.placeholder)


def _first(values: Posted, name: str) -> str:
    said = values.get(name) or ("",)
    return said[0]
