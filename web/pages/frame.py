"""The frame around every page: navigation with its sub-tabs, header, ingest dot, banner.

A place of the product is one line in `OPERATE`, `CONFIGURE` or `TABS`. It appears as soon as the app has a GET route at
its path, to everybody whose role that route's own permission lets in; nothing else has to be told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from spans.health import IngestStatus
from spans.roles import Permission
from store.ledger.incidents import Incident
from web.callers import Caller
from web.format import NBSP, ago
from web.places import DEMO_PROJECT, RANGES, SECOND_NS, Place, TimeRange
from web.text import one_line

_FRESH_NS = 60 * SECOND_NS
AROUND_NS = 3_600 * SECOND_NS
_PLACE_PARAMS = frozenset({"project", "environment", "range", "since", "until"})
_VOLATILE = frozenset({"cursor", "span", "from", "open", "shut", "noise", "part", "pinned"})


@dataclass(frozen=True, slots=True)
class Destination:
    """A place of the product: where it is, and the other words people look for it by (the palette knows them)."""

    key: str
    label: str
    path: str
    icon: str = ""
    words: str = ""


OPERATE: tuple[Destination, ...] = (
    Destination("overview", "Overview", "/", "overview", "home fleet dashboard start"),
    Destination("incidents", "Incidents", "/incidents", "bell", "alerts firing pages on-call"),
    Destination("runs", "Runs", "/runs", "runs", "traces executions sessions conversations list search logs"),
    Destination("workflows", "Workflows", "/workflows", "workflows", "agents jobs services owners"),
    Destination("spend", "Spend", "/spend", "coins", "cost money budget tokens usage bill"),
    Destination("drift", "Drift", "/drift", "drift", "changes regressions versions prompts"),
    Destination(
        "near-misses", "Near misses", "/near-misses", "octagon", "denials violations stopped guardrails blocked"
    ),
)
_POLICIES = Destination("policies", "Policies", "/policies", "policy", "tools allowed limits budgets owners runbooks")
CONFIGURE: tuple[Destination, ...] = (
    Destination("alert-rules", "Alert rules", "/alert-rules", "rules", "notifications thresholds monitors"),
    _POLICIES,
    Destination("privacy", "Data & privacy", "", "shield"),
    Destination("settings", "Settings", "", "settings"),
)
"""A place without a path opens the first of its tabs that the caller may see."""
TABS: Mapping[str, tuple[Destination, ...]] = {
    "policies": (
        _POLICIES,
        Destination("whatif", "What if", "/whatif", words="stricter looser candidate policy simulate denied cut"),
    ),
    "privacy": (
        Destination("redaction", "Redaction", "/redaction", words="pii personal data masking pseudonyms recall"),
        Destination("retention", "Retention", "/retention", words="delete expiry days pins receipts"),
        Destination("people", "People", "/people", words="subject access gdpr data subjects export"),
        Destination("erasures", "Erasure", "/erasures", words="erase forget delete person gdpr certificate"),
        Destination("access-log", "Access log", "/access-log", words="audit who read"),
    ),
    "settings": (
        Destination("connect", "Connect", "/connect", words="endpoints otlp instrument snippets sdk setup"),
        Destination("members", "Members", "/members", words="users people invite roles sign-in"),
        Destination("keys", "API keys", "/keys", words="tokens secrets credentials"),
        Destination("channels", "Channels", "/channels", words="slack webhook e-mail pager notifications"),
        Destination("workflow-names", "Workflow names", "/workflow-names", words="rename merge mapping rules naming"),
        Destination("prices", "Prices", "/prices", words="models cost per token overrides"),
        Destination("ingest", "Ingest", "/delivery", words="delivery check quarantine received accepted refused"),
        Destination("coverage", "Coverage", "/coverage", words="instrumentations dialects frameworks"),
        Destination("about", "About", "/about", words="version changelog licence help docs"),
    ),
}


@dataclass(frozen=True, slots=True)
class NavItem:
    """One line of the navigation; `number` stands beside it when there is something to look at."""

    key: str
    label: str
    href: str
    icon: str
    active: bool = False
    number: int = 0
    words: str = ""


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
    tabs: tuple[NavItem, ...]
    """The tabs of the place this page belongs to; empty for places without."""
    section: str
    """The label of that place."""
    everywhere: tuple[NavItem, ...]
    """Every page the caller may open, tabs included: what the palette offers."""
    projects: tuple[Choice, ...]
    environments: tuple[Choice, ...]
    ranges: tuple[Choice, ...]
    moves: tuple[Choice, ...]
    """The range before this one, and the one after where there is one."""
    around: tuple[Choice, ...]
    """The times of the newest incidents, each with some time before it."""
    share_href: str
    """This page with both ends of its range fixed, so that a copied link shows tomorrow what it shows now."""
    api_href: str
    """The same as JSON; empty where there is none."""
    firing: int
    withheld: int
    """Sealed originals of texts that could not be redacted: every page says so."""
    waiting: int
    """Changes that are saved and wait for main, which is away: every page says so."""
    dot: Dot
    theme: str
    utc: bool
    now_ns: int
    version: str
    is_demo: bool
    here: str
    """This page's address, for coming back after a form."""


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
    pages: Mapping[str, Permission] | None = None,
    firing: int = 0,
    withheld: int = 0,
    waiting: int = 0,
    api: str = "",
    address: Mapping[str, str] | None = None,
    incidents: Sequence[Incident] = (),
) -> Frame:
    """Build the frame; `pages` names the app's GET routes, and only those the caller may open are in the navigation.

    `active` is the key of a place in the navigation; without it the path decides.
    """
    shown = _Shown(place, caller, pages or {}, path, {"incidents": firing})
    here = active or shown.place_of(path)
    kept = {k: v for k, v in params.items() if k not in _PLACE_PARAMS | _VOLATILE}
    return Frame(
        title=title,
        active=here,
        place=place,
        path=path,
        kept=kept,
        caller=caller,
        operate=shown.items(OPERATE, here),
        configure=shown.items(CONFIGURE, here),
        tabs=shown.tabs(here),
        section=next((d.label for d in CONFIGURE if d.key == here), ""),
        everywhere=shown.everywhere(),
        projects=tuple(Choice(p, _switch_project(place, p), p == place.project) for p in projects),
        environments=_environments(place, path, kept, environments),
        ranges=_ranges(place, path, kept),
        moves=_moves(place, path, kept, now_ns),
        around=tuple(_around(place, path, kept, now_ns, incident) for incident in incidents),
        share_href=place.within(place.range.since_ns, place.range.until_ns).url(path, **_shared(address, kept)),
        api_href=api,
        firing=firing,
        withheld=withheld,
        waiting=waiting,
        dot=ingest_dot(ingest or IngestStatus(), now_ns),
        theme=theme if theme in {"light", "dark"} else "",
        utc=utc,
        now_ns=now_ns,
        version=version,
        is_demo=place.project == DEMO_PROJECT,
        here=place.url(path, **kept).removeprefix(place.root) or "/",
    )


@dataclass(frozen=True, slots=True)
class _Shown:
    """Which destinations this caller sees, and their links."""

    place: Place
    caller: Caller
    pages: Mapping[str, Permission]
    path: str
    numbers: Mapping[str, int]

    def may_open(self, path: str) -> bool:
        permission = self.pages.get(path)
        return permission is not None and self.caller.role is not None and self.caller.may(permission)

    def items(self, destinations: tuple[Destination, ...], here: str) -> tuple[NavItem, ...]:
        found = []
        for one in destinations:
            path = one.path or next((t.path for t in TABS[one.key] if self.may_open(t.path)), "")
            if path and self.may_open(path):
                found.append(self._item(one, path, active=one.key == here))
        return tuple(found)

    def tabs(self, here: str) -> tuple[NavItem, ...]:
        return tuple(
            self._item(one, one.path, active=_is_within(self.path, one.path))
            for one in TABS.get(here, ())
            if self.may_open(one.path)
        )

    def everywhere(self) -> tuple[NavItem, ...]:
        offered: dict[str, Destination] = {}
        for one in (*OPERATE, *CONFIGURE, *(tab for tabs in TABS.values() for tab in tabs)):
            offered.setdefault(one.path, one)  # a place that is a tab of its own is offered once, with its words
        return tuple(self._item(d, path, active=False) for path, d in offered.items() if path and self.may_open(path))

    def place_of(self, path: str) -> str:
        for key, tabs in TABS.items():
            if any(_is_within(path, tab.path) for tab in tabs):
                return key
        found = (d.key for d in (*OPERATE, *CONFIGURE) if d.path not in {"", "/"} and _is_within(path, d.path))
        return next(found, "overview" if path == "/" else "")

    def _item(self, one: Destination, path: str, *, active: bool) -> NavItem:
        number = self.numbers.get(one.key, 0)
        return NavItem(one.key, one.label, self.place.url(path), one.icon, active, number, one.words)


def _is_within(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")


def _switch_project(place: Place, project: str) -> str:
    home = None if project == place.home_project else project
    return place.bare("/", project=home, **place.range.params())


def _environments(
    place: Place, path: str, kept: Mapping[str, str], environments: tuple[str, ...]
) -> tuple[Choice, ...]:
    def href(name: str) -> str:
        return replace(place, environment=name, is_every=not name).url(path, **kept)

    names = tuple(dict.fromkeys((*environments, place.environment)))
    return (
        Choice("All environments", href(""), not place.environment),
        *(Choice(name, href(name), name == place.environment) for name in names if name),
    )


def _ranges(place: Place, path: str, kept: Mapping[str, str]) -> tuple[Choice, ...]:
    base = {**({"project": foreign} if (foreign := _foreign(place)) else {}), **place.chosen()}
    return tuple(
        Choice(words, place.bare(path, **{**base, **kept, "range": key}), key == place.range.key)
        for key, words in RANGES
    )


def _moves(place: Place, path: str, kept: Mapping[str, str], now_ns: int) -> tuple[Choice, ...]:
    def href(part: TimeRange) -> str:
        return place.within(part.since_ns, part.until_ns).url(path, **kept)

    before = Choice("The time before", href(place.range.previous()), active=False)
    if place.range.key or place.range.until_ns >= now_ns:
        return (before,)
    return before, Choice("The time after", href(place.range.following()), active=False)


def _around(place: Place, path: str, kept: Mapping[str, str], now_ns: int, incident: Incident) -> Choice:
    """The time of an incident with an hour before it, to see what it was like until then."""
    since = max(0, incident.began_ns - AROUND_NS)
    until = max(min(now_ns, (incident.ended_ns or now_ns) + AROUND_NS // 2), since + SECOND_NS)
    words = one_line(incident.workflow, 40) or "this project"
    active = (place.range.since_ns, place.range.until_ns) == (since, until)
    return Choice(f"Around the incident of {words}", place.within(since, until).url(path, **kept), active)


def _shared(address: Mapping[str, str] | None, kept: Mapping[str, str]) -> dict[str, str]:
    """A copied link keeps the selected step too."""
    chosen = {k: v for k, v in (address or {}).items() if k in {"span", "open", "shut", "noise"}}
    return {**kept, **chosen}


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
