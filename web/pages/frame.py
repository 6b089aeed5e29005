"""The frame around every page: navigation, header, ingest dot, banner."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from spans.health import IngestStatus
from spans.roles import Permission
from web.callers import Caller
from web.format import NBSP, ago
from web.places import DEMO_PROJECT, RANGES, SECOND_NS, Place

_FRESH_NS = 60 * SECOND_NS
_PLACE_PARAMS = frozenset({"project", "environment", "range", "since", "until"})
_VOLATILE = frozenset({"cursor", "span", "from"})


@dataclass(frozen=True, slots=True)
class NavItem:
    """One line of the navigation."""

    key: str
    label: str
    href: str
    icon: str
    active: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a header menu."""

    label: str
    href: str
    active: bool


@dataclass(frozen=True, slots=True)
class Dot:
    """The ingest dot: `live`, `quiet`, `refused` or `down`, and its words."""

    state: str
    words: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What `base.html` needs of every page."""

    title: str
    active: str
    place: Place
    path: str
    kept: Mapping[str, str]
    """The page's own parameters, kept as hidden fields by the header's forms."""
    caller: Caller
    operate: tuple[NavItem, ...]
    configure: tuple[NavItem, ...]
    projects: tuple[Choice, ...]
    environments: tuple[Choice, ...]
    ranges: tuple[Choice, ...]
    dot: Dot
    theme: str
    utc: bool
    now_ns: int
    version: str
    is_demo: bool
    here: str
    """This page's address, for coming back after a form."""


_OPERATE = (
    ("overview", "Overview", "/", "overview"),
    ("runs", "Runs", "/runs", "runs"),
    ("workflows", "Workflows", "/workflows", "workflows"),
    ("near-misses", "Near misses", "/near-misses", "octagon"),
)


def build_frame(
    *,
    title: str,
    place: Place,
    path: str,
    params: Mapping[str, str],
    caller: Caller,
    now_ns: int,
    version: str,
    active: str = "",
    projects: tuple[str, ...] = (),
    environments: tuple[str, ...] = (),
    ingest: IngestStatus | None = None,
    theme: str = "",
    utc: bool = False,
) -> Frame:
    """Build the frame; only places that the caller's role may open are in the navigation."""
    kept = {k: v for k, v in params.items() if k not in _PLACE_PARAMS | _VOLATILE}
    return Frame(
        title=title,
        active=active,
        place=place,
        path=path,
        kept=kept,
        caller=caller,
        operate=_operate(place, caller, active),
        configure=_configure(place, caller, active),
        projects=tuple(Choice(p, _switch_project(place, p), p == place.project) for p in projects),
        environments=_environments(place, path, kept, environments),
        ranges=_ranges(place, path, kept),
        dot=ingest_dot(ingest or IngestStatus(), now_ns),
        theme=theme if theme in {"light", "dark"} else "",
        utc=utc,
        now_ns=now_ns,
        version=version,
        is_demo=place.project == DEMO_PROJECT,
        here=place.url(path, **kept).removeprefix(place.root) or "/",
    )


def _operate(place: Place, caller: Caller, active: str) -> tuple[NavItem, ...]:
    if not caller.may(Permission.READ):
        return ()
    return tuple(NavItem(key, label, place.url(path), icon, key == active) for key, label, path, icon in _OPERATE)


def _configure(place: Place, caller: Caller, active: str) -> tuple[NavItem, ...]:
    items = []
    if caller.may(Permission.AUDIT):
        items.append(NavItem("privacy", "Data & privacy", place.url("/access-log"), "shield", active == "privacy"))
    if caller.may(Permission.READ):
        items.append(NavItem("settings", "Settings", place.url("/connect"), "settings", active == "settings"))
    return tuple(items)


def _switch_project(place: Place, project: str) -> str:
    home = None if project == place.home_project else project
    return place.bare("/", project=home, **place.range.params())


def _environments(
    place: Place, path: str, kept: Mapping[str, str], environments: tuple[str, ...]
) -> tuple[Choice, ...]:
    def href(name: str) -> str:
        return Place(place.root, place.project, place.range, name, place.home_project).url(path, **kept)

    names = tuple(dict.fromkeys((*environments, place.environment)))
    return (
        Choice("All environments", href(""), not place.environment),
        *(Choice(name, href(name), name == place.environment) for name in names if name),
    )


def _ranges(place: Place, path: str, kept: Mapping[str, str]) -> tuple[Choice, ...]:
    base = {k: v for k, v in {"project": _foreign(place), "environment": place.environment}.items() if v}
    return tuple(
        Choice(words, place.bare(path, **{**base, **kept, "range": key}), key == place.range.key)
        for key, words in RANGES
    )


def _foreign(place: Place) -> str:
    return "" if place.project == place.home_project else place.project


def ingest_dot(status: IngestStatus, now_ns: int) -> Dot:
    """The dot's state and words, newest news first."""
    newest = status.arrivals[0] if status.arrivals else None
    if newest and not newest.accepted and now_ns - newest.time_ns < _FRESH_NS:
        return Dot("refused", f"refused: {newest.reason or newest.code}")
    if status.last_accepted_ns and now_ns - status.last_accepted_ns < _FRESH_NS:
        rate = status.spans_per_s
        return Dot("live", f"{rate:,.0f}/s" if rate >= 1 else ("live" if rate <= 0 else f"{rate:.1f}/s"))
    if not status.receiver_ready:
        return Dot("down", "receiver starting")
    if status.workers and not status.workers_ready:
        return Dot("down", "redaction loading")
    if status.last_accepted_ns:
        return Dot("quiet", f"last {ago(status.last_accepted_ns, now_ns)}".replace(" ", NBSP))
    return Dot("quiet", "nothing yet")
