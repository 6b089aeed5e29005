"""Runs: filters that read as a sentence, chips for shapes, a histogram to narrow by, rows that stay put."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spans.kinds import OutcomeLabel, RunMode, RunShape, RunStatus
from spans.run import Run
from store.api import Bucket, Page, RunQuery
from store.ledger.views import SavedView
from web.filters import ATTRIBUTE, DEFAULT_LIMIT, SHAPE_WORDS, filters_of, params_of
from web.format import day_clock, plural
from web.pages.live_list import seen_of
from web.pages.run_groups import GROUPINGS, Groups, Head
from web.pages.run_row import RunRow, build_row
from web.places import Place
from web.sparks import HistogramBar, heights

BARS = 48
ORDER_WORDS: Mapping[str, str] = {
    "": "newest first",
    "oldest": "oldest first",
    "cost": "most expensive first",
    "cost_up": "cheapest first",
    "duration": "slowest first",
    "duration_up": "fastest first",
}
_HEADS = {"time": ("", "oldest"), "cost": ("cost", "cost_up"), "duration": ("duration", "duration_up")}
"""Columns that order the list: the first press, and the second."""
SUGGESTED = ("workflow", "version", "agent", "service", "model", "tool", "user", "session", "tag")
"""Fields whose real values the filter form suggests."""
KEPT_BY_FORM = frozenset({"shape", "q", "order"})
"""Parameters of the list that the filter form has no field for."""
MOST_SUGGESTED = 30
"""Values of one field. A field with more of them takes any text and suggests the most frequent."""


@dataclass(frozen=True, slots=True)
class Chip:
    """A removable part of the sentence."""

    words: str
    without: str
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class ShapeChip:
    """A shape with its number of runs and a link that shows only it."""

    label: str
    number: int
    href: str
    active: bool


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """A filter the form offers: its values with their counts, or its fixed options."""

    name: str
    label: str
    value: str
    options: tuple[tuple[str, str], ...]
    free: bool
    """Whether there are more values than are offered, so that others can be typed."""


@dataclass(frozen=True, slots=True)
class Facets:
    """The form that filters by fields. Its values are looked up when it is opened, because that costs more than the list."""

    choices: tuple[FieldChoice, ...]
    action: str
    """Where it is sent: posted, so that nothing typed stands in an address before it is clean."""
    min_cost: str


@dataclass(frozen=True, slots=True)
class ViewLink:
    """A saved view."""

    name: str
    href: str
    view_id: str
    note: str
    removable: bool


@dataclass(frozen=True, slots=True)
class RunsPage:
    """A list of runs."""

    chips: tuple[Chip, ...]
    shapes: tuple[ShapeChip, ...]
    shape_words: str
    range_words: str
    bars: tuple[HistogramBar, ...]
    rows: tuple[RunRow, ...]
    newer_href: str
    older_href: str
    clear_href: str
    facets: Facets | None
    """None until somebody opens the form."""
    facets_href: str
    facets_open_href: str
    """The same list with the form open, for a browser without scripts."""
    live: str
    """Address that the live update asks; empty on older pages and in fixed ranges."""
    any_shape_href: str
    json_href: str
    csv_href: str
    api_href: str
    search_href: str
    text: str
    views: tuple[ViewLink, ...]
    save_href: str
    grouping: tuple[tuple[str, str, bool], ...]
    """(words, address, active) of every way to group."""
    groups: Groups | None
    """None where runs stand for themselves."""
    orders: tuple[tuple[str, str, bool], ...]
    """(words, address, active) of every order of the list."""
    order: str
    """The words of the order, when it is not the usual one."""
    heads: Mapping[str, Head]
    here: str
    """This page's own address, to come back to."""
    notice: str
    """What the form that led here has done."""


def default_shapes(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Agent runs, unless there are none: then everything but set-up, rather than an empty page."""
    if counts.get(RunShape.AGENT) or not counts:
        return (RunShape.AGENT,)
    return (
        tuple(s.value for s in RunShape if s not in {RunShape.AGENT, RunShape.SETUP})
        if any(counts.get(s) for s in (RunShape.SINGLE_CALL, RunShape.NO_AGENT))
        else (RunShape.SETUP,)
    )


def frozen_shape(shapes: Sequence[str]) -> str:
    """The default shape as an open list keeps it: agent runs, which nothing that comes in changes.

    Any other default only stands in until there is a better one: a list of single calls becomes one of agent runs with the
    first of them, so it is looked for at every update.
    """
    return RunShape.AGENT.value if tuple(shapes) == (RunShape.AGENT,) else ""


def build_runs(
    place: Place,
    query: RunQuery,
    found: Page[Run],
    shape_counts: Mapping[str, int],
    series: Sequence[Bucket],
    *,
    shape_is_default: bool,
    views: Sequence[SavedView] = (),
    owner: str = "",
    may_remove: bool = False,
    group: str = "",
    groups: Groups | None = None,
    suggestions: Mapping[str, Sequence[tuple[str, int]]] | None = None,
    pinned: int = 0,
    unpinned: int | None = None,
) -> RunsPage:
    """Build the list from what the store found for `query`."""
    params = params_of(query)
    own = {k: v for k, v in params.items() if k != "shape" or not shape_is_default}
    rows = tuple(build_row(run, place) for run in found.rows)
    live = not query.cursor and not query.order and bool(place.range.key)
    paging = {"cursor": query.cursor, "limit": None if query.limit == DEFAULT_LIMIT else query.limit}
    return RunsPage(
        chips=_chips(place, query, own),
        shapes=_shapes(place, own, query.shape, shape_counts),
        shape_words=" and ".join(SHAPE_WORDS[s] for s in query.shape) if query.shape else "runs of any shape",
        range_words=place.range.words(),
        bars=histogram(place, own, series),
        rows=rows,
        newer_href=place.url("/runs", **own) if query.cursor else "",
        older_href=place.url("/runs", **own, cursor=found.next_cursor) if found.next_cursor else "",
        clear_href=place.url("/runs"),
        facets=None if suggestions is None else build_facets(place, params, own, suggestions),
        facets_href=place.url("/runs/facets", **own),
        facets_open_href=place.url("/runs", **own, facets="open"),
        live=place.url(
            "/runs/live",
            **own,
            shown=frozen_shape(query.shape) if shape_is_default and found.rows else None,
            after=seen_of(found.rows, is_full=bool(found.next_cursor)).write(),
        )
        if live
        else "",
        any_shape_href=place.url("/runs", **{**own, "shape": "any"}),
        json_href=place.within(*_ends(place)).url("/runs/export", **params, **paging, format="json"),
        csv_href=place.within(*_ends(place)).url("/runs/export", **params, **paging),
        api_href=place.bare(
            "/api/v1/runs",
            **{**place.range.frozen(), **params, **paging, "project": place.project, "environment": place.environment},
        ),
        search_href=place.url("/search", **{k: v for k, v in own.items() if k != "q"}),
        text=query.text or "",
        views=tuple(_view(place, v, owner=owner, may_remove=may_remove) for v in views),
        save_href=place.url("/runs/views", **own),
        grouping=tuple((words, place.url("/runs", **own, group=key or None), key == group) for key, words in GROUPINGS),
        groups=groups,
        orders=groups.orders
        if groups
        else tuple((words, _ordered(place, own, name), name == query.order) for name, words in ORDER_WORDS.items()),
        order=groups.order if groups else ORDER_WORDS[query.order] if query.order else "",
        heads={column: _head(place, own, query.order, down, up) for column, (down, up) in _HEADS.items()},
        here=place.url("/runs", **own, **paging, group=group or None).removeprefix(place.root),
        notice=_notice(pinned, unpinned),
    )


def _notice(pinned: int, unpinned: int | None) -> str:
    if pinned:
        return f"{plural(pinned, 'run')} pinned: kept beyond retention until unpinned."
    if unpinned is None:
        return ""
    if not unpinned:
        return "None of these runs was pinned by a person; what an incident pins stays pinned."
    return f"{plural(unpinned, 'run')} unpinned: retention decides again, unless something else pins it."


def build_facets(
    place: Place,
    params: Mapping[str, str],
    own: Mapping[str, str],
    suggestions: Mapping[str, Sequence[tuple[str, int]]],
) -> Facets:
    """The form over the values that the runs of the range have."""
    return Facets(_choices(params, suggestions), _action(place, own), params.get("min_cost", ""))


def _ordered(place: Place, own: Mapping[str, str], name: str) -> str:
    return place.url("/runs", **{**own, "order": name or None})


def _head(place: Place, own: Mapping[str, str], order: str, down: str, up: str) -> Head:
    sort = {down: "descending", up: "ascending"}.get(order, "")
    return Head(_ordered(place, own, up if order == down else down), sort)


def _ends(place: Place) -> tuple[int, int]:
    return place.range.since_ns, place.range.until_ns


def _view(place: Place, view: SavedView, *, owner: str, may_remove: bool) -> ViewLink:
    project = None if place.project == place.home_project else place.project
    head = place.bare("/runs", project=project)
    href = head + ("&" if "?" in head else "?") + view.query if view.query else head
    mine = view.owner == owner
    note = "for everybody" if view.shared else ""
    return ViewLink(view.name, href, view.view_id, note, mine or (view.shared and may_remove))


def _chips(place: Place, query: RunQuery, own: Mapping[str, str]) -> tuple[Chip, ...]:
    return tuple(
        Chip(f.words, place.url("/runs", **{k: v for k, v in own.items() if k != f.name}), f.name == "q")
        for f in filters_of(query)
    )


def _shapes(
    place: Place, own: Mapping[str, str], shown: tuple[str, ...], counts: Mapping[str, int]
) -> tuple[ShapeChip, ...]:
    rest = {k: v for k, v in own.items() if k != "shape"}
    return tuple(
        ShapeChip(
            SHAPE_WORDS[shape],
            counts.get(shape, 0),
            place.url("/runs", **rest, shape=shape.value),
            shape.value in shown or not shown,
        )
        for shape in RunShape
        if counts.get(shape) or shape is RunShape.AGENT
    )


def histogram(place: Place, own: Mapping[str, str], series: Sequence[Bucket]) -> tuple[HistogramBar, ...]:
    """Bars of the range; each is a link to its own part of it."""
    tops = heights([b.totals.runs for b in series])
    width = 100 / max(1, len(series))
    bars = []
    for index, (bucket, height) in enumerate(zip(series, tops, strict=True)):
        end = series[index + 1].start_ns if index + 1 < len(series) else place.range.until_ns
        runs = bucket.totals.runs
        inner = place.within(bucket.start_ns, max(end, bucket.start_ns + 1))
        bars.append(
            HistogramBar(
                x=round(index * width, 3),
                width=round(width, 3),
                height=height,
                bad=round(height * min(bucket.totals.errors, runs) / runs, 1) if runs else 0.0,
                denied=bucket.totals.denials > 0,
                href=inner.url("/runs", **own),
                words=_bar_words(bucket),
                start_ns=bucket.start_ns,
            )
        )
    return tuple(bars)


def _bar_words(bucket: Bucket) -> str:
    totals = bucket.totals
    parts = [plural(totals.runs, "run")]
    if totals.errors:
        parts.append(f"{totals.errors:,} with an error")
    if totals.denials:
        parts.append(f"{totals.denials:,} denied")
    return f"{day_clock(bucket.start_ns)} UTC: {', '.join(parts)}"


def _choices(
    params: Mapping[str, str], suggestions: Mapping[str, Sequence[tuple[str, int]]]
) -> tuple[FieldChoice, ...]:
    fixed = (
        FieldChoice("status", "Status", params.get("status", ""), tuple((s.value, s.value) for s in RunStatus), False),
        FieldChoice(
            "outcome",
            "Outcome",
            params.get("outcome", ""),
            tuple((o.value, o.value.replace("_", " ")) for o in OutcomeLabel),
            False,
        ),
        FieldChoice("denied", "Denials", params.get("denied", ""), (("1", "had a denial"), ("0", "had none")), False),
        FieldChoice(
            "waiting", "Waiting", params.get("waiting", ""), (("1", "for somebody"), ("0", "for nobody")), False
        ),
        FieldChoice("mode", "Mode", params.get("mode", ""), tuple((m.value, m.value) for m in RunMode), False),
    )
    attributes = sorted({name for name in (*suggestions, *params) if name.startswith(ATTRIBUTE)})
    real = tuple(
        FieldChoice(
            name,
            name.removeprefix(ATTRIBUTE) if name.startswith(ATTRIBUTE) else name.capitalize(),
            params.get(name, ""),
            tuple((value, f"{value} ({number:,})") for value, number in suggestions.get(name, ()) if value),
            len(suggestions.get(name, ())) >= MOST_SUGGESTED,
        )
        for name in (*SUGGESTED, *attributes)
    )
    return (*(c for c in real if c.options or c.value), *fixed)


def _action(place: Place, own: Mapping[str, str]) -> str:
    return place.url("/runs/filter", **{k: v for k, v in own.items() if k in KEPT_BY_FORM})
