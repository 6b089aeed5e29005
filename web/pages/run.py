"""One recorded run, opened: its head, one tree, Timeline or Conversation, a detail panel."""

from __future__ import annotations

from dataclasses import dataclass

from spans.kinds import RunStatus
from spans.run import Run
from web.conversation import Conversation
from web.format import clock
from web.pages.detail import Detail
from web.pages.run_head import RunHead
from web.places import Place
from web.waterfall import Waterfall

TABS = ("timeline", "conversation", "replay")
"""In order; one appears once the app has its page. The path of the first is the run's own."""


@dataclass(frozen=True, slots=True)
class Tab:
    """Timeline or Conversation."""

    key: str
    label: str
    href: str
    active: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """Which part of a long conversation shows; `words` is empty when it shows whole."""

    words: str = ""
    """`Turns 1 to 40 of 152`."""
    before_href: str = ""
    after_href: str = ""


@dataclass(frozen=True, slots=True)
class RunPage:
    """One recorded run."""

    run_id: str
    head: RunHead
    tabs: tuple[Tab, ...]
    tab: str
    waterfall: Waterfall
    conversation: Conversation | None
    talk: Talk
    detail: Detail | None
    is_open: bool
    """Whether the address names the step: only then does a phone show it over the tree."""
    share_href: str
    json_href: str
    compare_href: str
    workflow_href: str
    is_running: bool
    inside: object
    """What a tab of another file shows between tree and detail; its template extends `run.html` and fills `middle`."""
    page_title: str


def build_run(
    place: Place,
    run: Run,
    head: RunHead,
    waterfall: Waterfall,
    *,
    tab: str,
    conversation: Conversation | None = None,
    talk: Talk | None = None,
    detail: Detail | None = None,
    asked: str = "",
    tabs: tuple[str, ...] = TABS,
    inside: object = None,
) -> RunPage:
    """Build the page of a run from what the store knows and what the tab shows: `conversation`, or `inside` of another.

    `asked` is the step that the address names; the detail of another one may be shown without it.
    """
    path = f"/runs/{run.run_id}"
    return RunPage(
        run_id=run.run_id,
        head=head,
        tabs=tuple(
            Tab(
                key,
                key.capitalize(),
                place.url(path if key == TABS[0] else f"{path}/{key}", span=asked or None),
                key == tab,
            )
            for key in tabs
        ),
        tab=tab,
        waterfall=waterfall,
        conversation=conversation,
        talk=talk or Talk(),
        detail=detail,
        is_open=bool(asked),
        share_href=place.bare(
            path if tab == TABS[0] else f"{path}/{tab}",
            project=None if place.project == place.home_project else place.project,
            span=asked or None,
        ),
        json_href=place.bare(f"/api/v1/runs/{run.run_id}", project=place.project),
        compare_href=place.url(f"{path}/compare"),
        workflow_href=place.url("/runs", workflow=run.workflow) if run.workflow else "",
        is_running=run.status is RunStatus.RUNNING,
        inside=inside,
        page_title=f"{head.title} · {head.state.word} · {clock(run.started_ns)} UTC",
    )
