"""Made-up rows of the fleet and of the waterfall for the pattern page: each thing that such a row can say, once."""

from __future__ import annotations

from decimal import Decimal

from web.format import NONE
from web.pages.overview import FleetLine
from web.places import SECOND_NS, Place
from web.waterfall import Tick, TreeRow, Waterfall


def sample_fleet(place: Place, now_ns: int) -> tuple[FleetLine, ...]:
    """Three workflows: one that fires, one that learns, one that is well."""
    return (
        _line(place, now_ns, "refund-agent", alerts=1, failed=17, denials=9, violations=1, budget_share=2.1),
        _line(place, now_ns, "a workflow with a name of about eighty characters, because somebody will do that",
              learning="learning: 18 of 30 runs", success=NONE),
        _line(place, now_ns, "ticket-triage", waiting=2, budget_share=0.4, owner="support"),
    )  # fmt: skip


def _line(
    place: Place,
    now_ns: int,
    workflow: str,
    *,
    alerts: int = 0,
    failed: int = 0,
    waiting: int = 0,
    denials: int = 0,
    violations: int = 0,
    learning: str = "",
    success: str = "91.2 %",
    budget_share: float | None = None,
    owner: str = "",
) -> FleetLine:
    here = place.bare("/-/patterns")
    return FleetLine(
        workflow=workflow,
        environment="production",
        href=here,
        runs=1_204,
        success=success,
        cost_per_success=None if learning else Decimal("0.214"),
        spend_usd=Decimal("1234.56"),
        unpriced_calls=2 if learning else 0,
        budget="$40" if budget_share is not None else "",
        budget_share=budget_share,
        budget_note="$38 of $40 today" if budget_share is not None else "",
        owner=owner,
        alerts=alerts,
        learning=learning,
        denials=denials,
        violations=violations,
        waiting=waiting,
        failed=failed,
        loud=failed > 0,
        last_ns=now_ns - 240 * SECOND_NS,
        alerts_href=here,
        runs_href=here,
        denied_href=here,
        violations_href=here,
        waiting_href=here,
        failed_href=here,
    )


def sample_waterfall(place: Place) -> Waterfall:
    """An agent with a chosen call, a denied tool (hatched), a fold of repeats, a waiting call and a faint second report."""
    here = place.bare("/-/patterns")
    rows = (
        _row(here, 0, "agent", "refund-agent", 0, 100, is_open=True),
        _row(here, 1, "model", "gpt-4o-mini", 2, 30, detail="639 → 57", critical=True, selected=True),
        _row(here, 1, "tool", "execute_refund", 34, 12, glyph="denied", word="denied", hatched=True),
        _row(here, 1, "tool", "lookup_customer", 47, 20, repeats=12, is_open=False, inside="2 failed", inside_tone="error"),
        _row(here, 1, "retrieval", "search_policy", 68, 8, glyph="error", word="error"),
        _row(here, 1, "tool", "send_letter", 78, 10, glyph="waiting", word="waits for approval", marks=("waits 3 h",), is_running=True),
        _row(here, 1, "other", "a second report of a call", 90, 8, faint=True, critical=True),
    )  # fmt: skip
    return Waterfall(
        rows=rows,
        ticks=tuple(Tick(x, words) for x, words in ((0, "0 ms"), (50, "2 s"), (97, "4 s"))),
        total=18,
        hidden_noise=3,
        noise_href=here,
        first=1,
        last=len(rows),
        shown=len(rows),
        before_href="",
        after_href="",
        after_part="",
        jumps=(),
        critical_ns=3 * SECOND_NS,
    )


def _row(
    here: str,
    indent: int,
    kind: str,
    name: str,
    x: float,
    width: float,
    *,
    detail: str = "",
    glyph: str = "ok",
    word: str = "ok",
    hatched: bool = False,
    faint: bool = False,
    selected: bool = False,
    critical: bool = False,
    marks: tuple[str, ...] = (),
    repeats: int = 0,
    is_open: bool | None = None,
    is_running: bool = False,
    inside: str = "",
    inside_tone: str = "",
) -> TreeRow:
    return TreeRow(
        span_id="",
        href=here,
        indent=indent,
        kind=kind,
        kind_word=kind,
        name=name,
        detail=detail,
        glyph=glyph,
        word=word,
        duration_ns=None if is_running else int(width * 40_000_000),
        cost_usd=None,
        x=x,
        width=width,
        hatched=hatched,
        faint=faint,
        selected=selected,
        critical=critical,
        marks=marks,
        repeats=repeats,
        is_open=is_open,
        toggle_href=here if is_open is not None else "",
        inside=inside,
        inside_tone=inside_tone,
    )
