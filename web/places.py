"""Where a person stands: project, environment and time range, all of it in the address."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from spans.errors import RefusedError
from web.format import plural, rfc3339, span_of

SECOND_NS = 1_000_000_000
DEFAULT_RANGE = "24h"
DEFAULT_PROJECT = "default"
EVERY_ENVIRONMENT = "*"
"""What an address says when somebody chose all environments; pages that judge show production otherwise."""
DEMO_PROJECT = "demo"
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_MOST_S = 400 * 86_400
_FRACTION = re.compile(r"\.(\d{1,9})")

RANGES: tuple[tuple[str, str], ...] = (
    ("15m", "15 minutes"),
    ("1h", "1 hour"),
    ("6h", "6 hours"),
    ("24h", "24 hours"),
    ("7d", "7 days"),
    ("14d", "14 days"),
    ("30d", "30 days"),
)


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A half-open range in Unix nanoseconds; `key` names a relative one and is empty for a custom one."""

    since_ns: int
    until_ns: int
    key: str = ""

    @property
    def length_ns(self) -> int:
        """How long it is."""
        return self.until_ns - self.since_ns

    def previous(self) -> TimeRange:
        """The range of the same length that ends where this one starts."""
        return TimeRange(self.since_ns - self.length_ns, self.since_ns)

    def following(self) -> TimeRange:
        """The range of the same length that starts where this one ends."""
        return TimeRange(self.until_ns, self.until_ns + self.length_ns)

    def around(self, at_ns: int, share: int = 8) -> TimeRange:
        """A part of it around a moment: an eighth of its length, at least ten minutes."""
        half = max(self.length_ns // share, 600 * SECOND_NS) // 2
        return TimeRange(max(0, at_ns - half), at_ns + half)

    def words(self) -> str:
        """`last 24 hours`, or the two ends."""
        if self.key:
            named = dict(RANGES).get(self.key) or plural(int(self.key[:-1]), _unit_name(self.key))
            return f"last {named}"
        return f"{_short(self.since_ns)} to {_short(self.until_ns)} UTC"

    def params(self) -> dict[str, str]:
        """How an address writes it; nothing for the default."""
        if self.key:
            return {} if self.key == DEFAULT_RANGE else {"range": self.key}
        return self.frozen()

    def field_ends(self) -> tuple[str, str]:
        """The two ends as the fields of a form hold them: UTC, in whole seconds that hold all of the range."""
        return _field(self.since_ns), _field(-(-self.until_ns // SECOND_NS) * SECOND_NS)

    def frozen(self) -> dict[str, str]:
        """The two ends, so that a copied link shows tomorrow what it shows now."""
        return {"since": _plain(self.since_ns), "until": _plain(self.until_ns)}


def _field(nanoseconds: int) -> str:
    return rfc3339(nanoseconds)[:19]


def parse_range(params: Mapping[str, str], now_ns: int) -> TimeRange:
    """The range an address asks for: `since`/`until`, else `range`, else the last 24 hours.

    Raises:
        RefusedError: a time or range that cannot be read, or one that ends before it starts.
    """
    since, until = params.get("since", "").strip(), params.get("until", "").strip()
    if not since and not until:
        key = params.get("range") or DEFAULT_RANGE
        return TimeRange(now_ns - _length_s(key, "range") * SECOND_NS, now_ns, key)
    until_ns = parse_time(until, now_ns, "until") if until else now_ns
    since_ns = parse_time(since, now_ns, "since") if since else until_ns - 86_400 * SECOND_NS
    if since_ns >= until_ns:
        raise RefusedError("The time range ends before it starts; check since and until.")
    return TimeRange(since_ns, until_ns)


def parse_time(text: str, now_ns: int, what: str) -> int:
    """Unix nanoseconds of an RFC 3339 time, a date (UTC), or a length of time before now such as `24h`.

    Raises:
        RefusedError: it is none of them.
    """
    if text[-1:] in _UNITS and text[:-1].isdecimal():
        return now_ns - _length_s(text, what) * SECOND_NS
    try:
        at = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
        seconds = int(at.replace(microsecond=0).timestamp())
    except (ValueError, OverflowError):
        raise RefusedError(f"{what} is not a time; write it like 2026-11-20T14:00:00Z, 2026-11-20 or 24h.") from None
    if seconds < 0:
        raise RefusedError(f"{what} lies before 1970.")
    return seconds * SECOND_NS + _fraction_ns(text)


def _fraction_ns(text: str) -> int:
    """All nine digits of the fraction, of which `datetime` would keep six."""
    found = _FRACTION.search(text)
    return int(found[1].ljust(9, "0")) if found else 0


def _length_s(text: str, what: str) -> int:
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not (number.isascii() and number.isdecimal()) or len(number) > 6 or not int(number):
        raise RefusedError(f"{what} is not a length of time; write it like 15m, 24h or 7d.")
    seconds = int(number) * _UNITS[unit]
    if seconds > _MOST_S:
        raise RefusedError(f"{what} is longer than anything kept; 400 days is the most.")
    return seconds


def _unit_name(key: str) -> str:
    return {"s": "second", "m": "minute", "h": "hour", "d": "day", "w": "week"}[key[-1]]


def _plain(nanoseconds: int) -> str:
    text = rfc3339(nanoseconds)
    return text.replace(".000000000Z", "Z")


def _short(nanoseconds: int) -> str:
    at = datetime.fromtimestamp(nanoseconds // SECOND_NS, UTC)
    return f"{at.day} {at:%b %H:%M}"


@dataclass(frozen=True, slots=True)
class Place:
    """Project, environment and range of a page, and the one way to write a link that keeps them."""

    root: str
    project: str
    range: TimeRange
    environment: str = ""
    home_project: str = DEFAULT_PROJECT
    is_every: bool = False
    """Whether somebody chose all environments; without it an empty one leaves the choice to the page."""
    note: str = ""
    """What a page that judges says about environments where nobody chose one."""

    def url(self, path: str, /, **params: object) -> str:
        """An address of ours that keeps project, environment and range; None and empty values are left out."""
        merged: dict[str, str] = {}
        if self.project != self.home_project:
            merged["project"] = self.project
        merged.update(self.chosen())
        merged.update(self.range.params())
        return self._write(path, {**merged, **{_name(k): v for k, v in params.items()}})

    def chosen(self) -> dict[str, str]:
        """The environment as an address says it; nothing where nobody chose."""
        said = self.environment or (EVERY_ENVIRONMENT if self.is_every else "")
        return {"environment": said} if said else {}

    def of(self, environment: str) -> Place:
        """The same place in the environment of one of its rows; a row of runs that name none shows all of them."""
        found = environment or self.environment
        return replace(self, environment=found, is_every=not found)

    def bare(self, path: str, /, **params: object) -> str:
        """An address of ours without the place: static files, settings, the API."""
        return self._write(path, {_name(k): v for k, v in params.items()})

    def within(self, since_ns: int, until_ns: int) -> Place:
        """The same place, narrowed to a range."""
        return replace(self, range=TimeRange(since_ns, until_ns))

    def _write(self, path: str, params: Mapping[str, object]) -> str:
        kept = [(k, str(v)) for k, v in params.items() if v is not None and v != ""]
        query = urlencode(kept, quote_via=quote, safe="*")
        return f"{self.root}{path}" + (f"?{query}" if query else "")


PRODUCTION = frozenset({"production", "prod"})


def in_production(place: Place, runs: Mapping[str, int]) -> Place:
    """The same place in production, or over all environments where there is none, with what the page has to say about it.

    Args:
        place: Where nobody chose an environment.
        runs: Environment → how many runs are of it; empty where they name none.
    """
    home = next((name for name in runs if name.lower() in PRODUCTION), "")
    if home:
        left = runs.get("", 0)
        note = f"Production only. {plural(left, 'run')} of this time named no environment." if left else ""
        return replace(place, environment=home, note=note)
    if any(runs):
        return replace(place, note="No run of this time is from production, so all environments are shown together.")
    if runs:
        return replace(
            place,
            note="No run of this time names its environment, so all are judged together. "
            "Set deployment.environment.name where the agent starts to keep production apart.",
        )
    return place


def _name(keyword: str) -> str:
    """`attr__team` as a keyword is the parameter `attr.team`."""
    return keyword.replace("__", ".")


def local_path(target: str) -> str:
    """The target of `next=` when it is a path of ours, else `/`. Never another site, scheme or header."""
    if not target.startswith("/") or target.startswith(("//", "/\\")) or len(target) > 2000:
        return "/"
    if any(ord(c) < 0x21 or c == "\\" or ord(c) == 0x7F for c in target):
        return "/"
    return target


def elapsed(nanoseconds: int) -> str:
    """A range's length in its largest unit."""
    return span_of(nanoseconds // SECOND_NS)
