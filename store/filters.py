"""The filters of a run query: each knows its SQL clause, its parameters, its sentence and its meaning in Python."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache

from spans.errors import RefusedError
from spans.run import Run
from store.api import RunQuery
from store.cursor import decode_cursor
from store.orders import order_of
from store.text import clean_text, to_json

_MAX_NS = 2**64 - 1
_SECOND_NS = 1_000_000_000

Mentions = Callable[[tuple[str, ...]], Collection[str]]


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition on runs. `clause` holds only our own words; every value is bound through `params`."""

    clause: str
    params: Mapping[str, object]
    says: str
    holds: Callable[[Run], bool]


@dataclass(frozen=True, slots=True)
class Where:
    """Conditions joined by AND."""

    conditions: tuple[Condition, ...]

    @property
    def clause(self) -> str:
        """The condition in SQL."""
        return "\n  AND ".join(condition.clause for condition in self.conditions)

    @property
    def params(self) -> dict[str, object]:
        """Values of every placeholder in the clause."""
        return {name: value for condition in self.conditions for name, value in condition.params.items()}

    @property
    def sentence(self) -> str:
        """What the list shows, in words."""
        return "Runs" + "".join(f", {condition.says}" for condition in self.conditions if condition.says)

    def holds(self, run: Run) -> bool:
        """Whether a run is in the list."""
        return all(condition.holds(run) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class RunField:
    """A run field whose values can be counted: its SQL, and its values in one run."""

    sql: str
    of: Callable[[Run], tuple[str, ...]]
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Text:
    """A filter on one text column."""

    name: str
    column: str
    of: Callable[[Run], str]


@dataclass(frozen=True, slots=True)
class _Member:
    """A filter on one list column."""

    name: str
    column: str
    of: Callable[[Run], tuple[str, ...]]


_TEXTS: tuple[_Text, ...] = (
    _Text("environment", "environment", lambda r: r.environment),
    _Text("workflow", "workflow", lambda r: r.workflow),
    _Text("version", "workflow_version", lambda r: r.workflow_version),
    _Text("service", "service", lambda r: r.service),
    _Text("mode", "mode", lambda r: r.mode.value),
    _Text("status", "status", lambda r: r.status.value),
    _Text("outcome", "outcome", lambda r: r.outcome.label.value),
    _Text("session", "session_id", lambda r: r.session_id),
    _Text("user", "user_id", lambda r: r.user_id),
)
_MEMBERS: tuple[_Member, ...] = (
    _Member("agent", "agents", lambda r: r.agents),
    _Member("model", "models", lambda r: r.models),
    _Member("tool", "tools", lambda r: r.tools),
    _Member("tag", "tags", lambda r: r.tags),
)
_SEARCHED = ("name", "workflow", "input_preview", "output_preview")
"""Columns of a run that a text is looked for in, beside the evidence of its trace."""
_MENTIONS = "SELECT trace_id FROM {table} WHERE project = {{project:String}}{days} AND ({found})"
_LAST_NS = 4_102_444_800_000_000_000
"""The year 2100: later days have no place in a Date."""
_SINCE_DAY = " AND received_day >= {text_since_day:Date}"
"""Evidence is received no earlier than a day before its run starts, clocks being what they are; older days stay closed."""
_ANY = "multiSearchAnyCaseInsensitiveUTF8({column}, {{needles:Array(String)}})"
_ANY_VALUE = f"arrayExists(v -> {_ANY.format(column='v')}, mapValues(attributes))"
_EVIDENCE = {
    "spans": _ANY_VALUE,
    "span_contents": " OR ".join((_ANY.format(column="status_message"), _ANY.format(column="events"), _ANY_VALUE)),
    "logs": " OR ".join((_ANY.format(column="body"), _ANY_VALUE)),
}


def where(query: RunQuery, *, with_cursor: bool = False, mentions: Mentions | None = None) -> Where:
    """The conditions of a query; the cursor's only when asked (totals are of the whole list).

    Args:
        query: what a person asked for.
        with_cursor: whether to continue behind the query's cursor.
        mentions: traces of the project whose evidence holds one of these texts in any case; only needed by an engine
            that does not speak SQL.

    Raises:
        RefusedError: the cursor cannot be read.
    """
    return Where(tuple(_conditions(query, with_cursor=with_cursor, mentions=mentions or _nowhere)))


def _nowhere(_needles: tuple[str, ...]) -> Collection[str]:
    return ()


def run_field(name: str) -> RunField:
    """The field of a name: a filter's name (`workflow`, `tool`, …) or `attr.KEY`.

    Raises:
        RefusedError: no such field.
    """
    if name.startswith("attr."):
        key = clean_text(name.removeprefix("attr."))
        return RunField(
            "[attributes[{value_key:String}]]",
            lambda run: (run.attributes[key],) if key in run.attributes else (),
            {"value_key": key},
        )
    found = _FIELDS.get(name)
    if found is None:
        raise RefusedError(
            f"Runs have no field {name[:50]!r} to list values of; fields are {', '.join(sorted(_FIELDS))}."
        )
    return found


_FIELDS: Mapping[str, RunField] = {
    **{t.name: RunField(f"[{t.column}]", lambda run, of=t.of: (of(run),)) for t in _TEXTS},  # type: ignore[misc]
    **{m.name: RunField(m.column, m.of) for m in _MEMBERS},
    "shape": RunField("[shape]", lambda run: (run.shape.value,)),
    "dialect": RunField("dialects", lambda run: run.dialects),
}


def _conditions(query: RunQuery, *, with_cursor: bool, mentions: Mentions) -> Iterator[Condition]:
    project = clean_text(query.project)
    yield Condition("project = {project:String}", {"project": project}, "", lambda run: run.project == project)
    yield from _range(query)
    for text in _TEXTS:
        value = getattr(query, text.name)
        if value is not None:
            yield _text(text, clean_text(str(value)))
    for member in _MEMBERS:
        value = getattr(query, member.name)
        if value is not None:
            yield _member(member, clean_text(value))
    if query.shape:
        shapes = [clean_text(shape) for shape in query.shape]
        yield Condition(
            "shape IN {shape:Array(String)}",
            {"shape": shapes},
            f"shape is {' or '.join(shapes)}",
            lambda run: run.shape.value in shapes,
        )
    yield from _flags(query)
    for number, (key, value) in enumerate(query.attributes.items()):
        yield _attribute(number, clean_text(key), clean_text(value))
    if query.min_cost is not None:
        cost = query.min_cost
        yield Condition(
            "cost_usd >= {min_cost:Decimal(38, 12)}",
            {"min_cost": f"{cost:f}"},
            f"cost at least ${cost:f}",
            lambda run: run.cost_usd is not None and run.cost_usd >= cost,
        )
    if query.text:
        yield _search(clean_text(query.text), mentions, query.since_ns)
    if with_cursor and query.cursor:
        yield _after(query.cursor, query.order)


def _range(query: RunQuery) -> Iterator[Condition]:
    if query.since_ns is not None:
        since = _fit(query.since_ns)
        yield Condition(
            "started_ns >= {since_ns:UInt64}",
            {"since_ns": since},
            f"since {_time(since)}",
            lambda run: run.started_ns >= since,
        )
    if query.until_ns is not None:
        until = _fit(query.until_ns)
        yield Condition(
            "started_ns < {until_ns:UInt64}",
            {"until_ns": until},
            f"until {_time(until)}",
            lambda run: run.started_ns < until,
        )


def _text(text: _Text, value: str) -> Condition:
    says = f"{text.name} is {value}" if value else f"without {text.name}"
    clause = f"{text.column} = {{{text.name}:String}}"
    return Condition(clause, {text.name: value}, says, lambda run: text.of(run) == value)


def _member(member: _Member, value: str) -> Condition:
    clause = f"has({member.column}, {{{member.name}:String}})"
    return Condition(clause, {member.name: value}, f"with {member.name} {value}", lambda run: value in member.of(run))


def _flags(query: RunQuery) -> Iterator[Condition]:
    if query.denied is True:
        yield Condition("denials > 0", {}, "something was denied", lambda run: run.denials > 0)
    elif query.denied is False:
        yield Condition("denials = 0", {}, "nothing was denied", lambda run: run.denials == 0)
    if query.waiting is True:
        yield Condition("waiting_for != ''", {}, "waiting for somebody", lambda run: bool(run.waiting_for))
    elif query.waiting is False:
        yield Condition("waiting_for = ''", {}, "waiting for nobody", lambda run: not run.waiting_for)


def _attribute(number: int, key: str, value: str) -> Condition:
    name, wanted = f"attribute_{number}", f"attribute_value_{number}"
    return Condition(
        f"mapContains(attributes, {{{name}:String}}) AND attributes[{{{name}:String}}] = {{{wanted}:String}}",
        {name: key, wanted: value},
        f"{key} is {value}",
        lambda run: run.attributes.get(key) == value,
    )


def _search(text: str, mentions: Mentions, since_ns: int | None) -> Condition:
    columns = " OR ".join(f"positionCaseInsensitiveUTF8({column}, {{text:String}}) > 0" for column in _SEARCHED)
    days = _SINCE_DAY if since_ns else ""
    evidence = " OR ".join(f"run_id IN ({_MENTIONS.format(table=t, days=days, found=f)})" for t, f in _EVIDENCE.items())
    needles = _needles(text)
    lowered = text.lower()
    found = cache(lambda: frozenset(mentions(needles)))
    return Condition(
        f"({columns} OR {evidence})",
        {"text": text, "needles": list(needles)} | ({"text_since_day": _day_before(since_ns)} if since_ns else {}),
        f"containing “{text}”",
        lambda run: any(lowered in getattr(run, column).lower() for column in _SEARCHED) or run.run_id in found(),
    )


def _day_before(since_ns: int) -> date:
    return datetime.fromtimestamp(max(0, min(since_ns, _LAST_NS) // 1_000_000_000 - 86_400), UTC).date()


def _needles(text: str) -> tuple[str, ...]:
    """The text as it may stand in evidence: plain, inside a JSON string, inside a JSON string of a JSON string."""
    once = to_json(text)[1:-1]
    return tuple(dict.fromkeys((text, once, to_json(once)[1:-1])))


def _after(cursor: str, name: str) -> Condition:
    order, last = order_of(name), decode_cursor(cursor, name)
    key = last.key if isinstance(last.key, int) else f"{last.key:f}"
    return Condition(
        order.after(),
        {"cursor_key": key, "cursor_id": last.run_id},
        "",
        lambda run: order.is_after(run, last.key, last.run_id),
    )


def _fit(time_ns: int) -> int:
    return min(max(time_ns, 0), _MAX_NS)


def _time(time_ns: int) -> str:
    try:
        return datetime.fromtimestamp(time_ns // _SECOND_NS, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"{time_ns} ns"
