"""Which runs: filters as they stand in the address, as the store takes them, and as a sentence with removable parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from spans.errors import RefusedError
from spans.kinds import OutcomeLabel, RunMode, RunShape, RunStatus
from store.api import RunQuery
from store.orders import order_of
from web.format import money

MAX_TEXT = 400
MAX_LIMIT = 500
DEFAULT_LIMIT = 50
ATTRIBUTE = "attr."
"""What begins the name of a promoted attribute in an address."""

_TEXTS: tuple[tuple[str, str], ...] = (
    ("workflow", "workflow is {}"),
    ("version", "version is {}"),
    ("agent", "agent is {}"),
    ("service", "service is {}"),
    ("session", "session is {}"),
    ("user", "user is {}"),
    ("model", "used model {}"),
    ("tool", "called tool {}"),
    ("tag", "tagged {}"),
)
TEXT_NAMES = tuple(name for name, _ in _TEXTS)
"""Filters that take any text."""
_CHOICES: tuple[tuple[str, tuple[str, ...], str], ...] = (
    ("status", tuple(RunStatus), "status is {}"),
    ("outcome", tuple(OutcomeLabel), "outcome is {}"),
    ("mode", tuple(RunMode), "mode is {}"),
)
_YES_NO: tuple[tuple[str, str, str], ...] = (
    ("denied", "had a denial", "had no denial"),
    ("waiting", "waits for somebody", "waits for nobody"),
)
CHOICE_NAMES = (*(name for name, *_ in _CHOICES), *(name for name, *_ in _YES_NO))
"""Filters that take one of a few words."""
_YES = frozenset({"1", "true", "yes"})
_NO = frozenset({"0", "false", "no"})
SHAPE_WORDS: Mapping[str, str] = {
    RunShape.AGENT: "agent runs",
    RunShape.SINGLE_CALL: "single calls",
    RunShape.SETUP: "set-up",
    RunShape.NO_AGENT: "without an agent",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """One part of the sentence: the parameter it comes from, its value there, and its words."""

    name: str
    value: str
    words: str


def parse_filters(params: Mapping[str, str], query: RunQuery) -> RunQuery:
    """Add the filters of an address to a query (which brings project and range).

    Raises:
        RefusedError: a value that is not one of those the filter knows. Never a silently wider answer.
    """
    changes: dict[str, object] = {name: value for name, _ in _TEXTS if (value := _text(params, name))}
    changes |= {n: _one_of(n, v, allowed) for n, allowed, _ in _CHOICES if (v := _text(params, n))}
    changes |= {n: _yes_no(n, v) for n, *_ in _YES_NO if (v := _text(params, n))}
    changes |= {field: read(v) for name, field, read in _OTHERS if (v := _text(params, name))}
    attributes = {k.removeprefix(ATTRIBUTE): v[:MAX_TEXT] for k, v in params.items() if k.startswith(ATTRIBUTE) and v}
    attributes.pop("", None)
    if attributes:
        changes["attributes"] = attributes
    if cursor := params.get("cursor"):
        changes["cursor"] = cursor[:2000]
    changes["limit"] = parse_limit(params.get("limit", ""))
    return replace(query, **changes)  # type: ignore[arg-type]


def parse_limit(text: str, default: int = DEFAULT_LIMIT) -> int:
    """Rows of one page.

    Raises:
        RefusedError: not a number from 1 to 500.
    """
    if not text:
        return default
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:9]) <= MAX_LIMIT:
        raise RefusedError(f"limit must be a number from 1 to {MAX_LIMIT}.")
    return int(text)


def filters_of(query: RunQuery) -> tuple[Filter, ...]:
    """The filters of a query in the order the sentence names them (project, range, shape and environment apart)."""
    return tuple(_filters(query))


def _filters(query: RunQuery) -> Iterator[Filter]:
    for name, words in _TEXTS:
        if value := getattr(query, name):
            yield Filter(name, value, words.format(value))
    for name, _, words in _CHOICES:
        if value := getattr(query, name):
            yield Filter(name, value, words.format(str(value).replace("_", " ")))
    for name, yes, no in _YES_NO:
        value = getattr(query, name)
        if value is not None:
            yield Filter(name, "1" if value else "0", yes if value else no)
    if query.min_cost is not None:
        yield Filter("min_cost", f"{query.min_cost.normalize():f}", f"cost {money(query.min_cost)} or more")
    for key, value in query.attributes.items():
        yield Filter(f"{ATTRIBUTE}{key}", value, f"{key} is {value}")
    if query.text:
        yield Filter("q", query.text, f"mentions “{query.text}”")


def params_of(query: RunQuery) -> dict[str, str]:
    """The filters of a query as address parameters; the inverse of `parse_filters`."""
    params = {f.name: f.value for f in filters_of(query)}
    if query.shape:
        params["shape"] = ",".join(query.shape)
    if query.order:
        params["order"] = query.order
    return params


def _text(params: Mapping[str, str], name: str) -> str:
    value = params.get(name, "").strip()
    if len(value) > MAX_TEXT:
        raise RefusedError(f"{name} is longer than {MAX_TEXT} characters.")
    return value


def _one_of(name: str, value: str, allowed: Iterable[str]) -> str:
    known = [str(a) for a in allowed]
    if value not in known:
        raise RefusedError(f"{name} must be one of {', '.join(known)}.")
    return value


def _yes_no(name: str, value: str) -> bool:
    if value.lower() in _YES:
        return True
    if value.lower() in _NO:
        return False
    raise RefusedError(f"{name} must be 1 or 0.")


def _money(text: str) -> Decimal:
    try:
        amount = Decimal(text.removeprefix("$"))
    except InvalidOperation:
        amount = Decimal(-1)
    if not amount.is_finite() or not 0 <= amount < 10**12:
        raise RefusedError("min_cost must be an amount in US dollars such as 0.50.")
    return amount


def _shapes(text: str) -> tuple[str, ...]:
    return () if text == "any" else tuple(_one_of("shape", s, RunShape) for s in text.split(","))


_OTHERS: tuple[tuple[str, str, Callable[[str], object]], ...] = (
    ("environment", "environment", str),
    ("shape", "shape", _shapes),
    ("min_cost", "min_cost", _money),
    ("q", "text", str),
    ("order", "order", lambda name: order_of(name).name),
)
"""Parameter, field of the query, and how its text is read."""
