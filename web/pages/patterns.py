"""The pattern page: every element of the visual language with made-up contents, in light and dark."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from spans.content import Document, Message, Part
from spans.facts import Decision
from spans.kinds import Evidence, Verdict
from spans.values import Value
from store.api import Bucket, Totals
from web.charts import Chart, Marker, runs_chart, with_markers
from web.diff import Diff, diff_texts
from web.format import NONE
from web.json_tree import Node, json_tree
from web.pages.overview import FleetLine, Tile
from web.pages.pattern_samples import sample_fleet, sample_waterfall
from web.pages.run_row import RunRow, State
from web.places import SECOND_NS, Place
from web.sparks import spark
from web.waterfall import Waterfall

TOKENS = (
    "bg", "surface", "raised", "line", "line-strong", "text", "muted", "accent", "brand", "bad", "bad-bg", "stop",
    "stop-bg", "wait", "wait-bg", "good", "k-model", "k-tool", "k-retrieval", "k-agent", "k-guardrail", "k-human",
    "k-other",
)  # fmt: skip

GLYPHS = ("ok", "success", "error", "failure", "denied", "waiting", "running", "incomplete", "learning")
"""Every state's glyph in the sprite of parts/icons.html."""
ICONS = (
    "overview", "runs", "workflows", "bell", "coins", "drift", "rules", "policy", "download", "octagon", "shield",
    "settings", "search", "more", "x", "reel", "clock", "note", "image",
)  # fmt: skip
"""Every other drawing in it."""


@dataclass(frozen=True, slots=True)
class PatternsPage:
    """Samples of every piece."""

    tokens: tuple[str, ...]
    glyphs: tuple[str, ...]
    icons: tuple[str, ...]
    kinds: tuple[tuple[str, str], ...]
    states: tuple[State, ...]
    rows: tuple[RunRow, ...]
    fleet: tuple[FleetLine, ...]
    waterfall: Waterfall
    decisions: tuple[Decision, ...]
    parts: tuple[Part, ...]
    documents: tuple[Document, ...]
    messages: tuple[Message, ...]
    value: Value
    long_text: str
    tree: Node
    hostile: str
    amounts: tuple[Decimal | None, ...]
    durations: tuple[int, ...]
    tiles: tuple[Tile, ...]
    diff: Diff
    chart: Chart
    day_ns: int


_VALUE: Value = {
    "order": "ORD-88213",
    "amount": 1249.0,
    "paid": True,
    "note": None,
    "lines": [{"sku": "annual-plan", "quantity": 1}],
    "raw": '{"nested": "JSON in a string", "is": "opened"}',
}


def build_patterns(place: Place, now_ns: int) -> PatternsPage:
    """Build the samples."""
    return PatternsPage(
        tokens=TOKENS,
        glyphs=GLYPHS,
        icons=ICONS,
        kinds=(
            ("agent", "agent"),
            ("model", "model"),
            ("tool", "tool"),
            ("retrieval", "retrieval"),
            ("guardrail", "guardrail"),
            ("human", "human"),
            ("other", "other"),
        ),
        states=(
            State("running", "no end seen yet"),
            State("ok", "ok"),
            State("success", "success"),
            State("error", "error"),
            State("denied", "denied"),
            State("waiting", "waits for approval"),
            State("incomplete", "parts missing"),
            State("learning", "learning: 18 of 30 runs"),
        ),
        rows=tuple(_row(place, now_ns, n, state) for n, state in enumerate(_ROW_STATES)),
        fleet=sample_fleet(place, now_ns),
        waterfall=sample_waterfall(place),
        decisions=(
            Decision(Verdict.DENY, "refund-limit", "policy", "amount 1249.00 is above 500"),
            Decision(Verdict.REQUIRE_APPROVAL, "large-refund", "policy", "", evidence=Evidence.DERIVED),
            Decision(Verdict.ALLOW, "", "human", "looks right", evidence=Evidence.GUESS, wait_ms=184_000),
        ),
        parts=(
            Part("text", content="I could not refund $1,249.00 to <PERSON_tapkmj7f>; a colleague will call you."),
            Part("reasoning", content="The limit is 500."),
            Part("tool_call", id="call_1", name="execute_refund", arguments={"amount": 1249.0}),
            Part("tool_result", id="call_1", name="execute_refund", content="PermissionError", is_error=True),
            Part("media", modality="image", mime="image/png", content="A" * 48_000),
            Part("refusal", content="I cannot help with that."),
        ),
        documents=(Document("doc-7", "Refunds above 500 need a second pair of eyes.", 0.871),),
        messages=(
            Message("user", (Part("text", content="Please refund me."),)),
            Message("assistant", (Part("text", content="Let me see."),), "refund-agent"),
            Message("tool", ()),
        ),
        value=_VALUE,
        long_text="A long text is folded where somebody can go on reading. " * 40,
        tree=json_tree(_VALUE, unfold=True),
        hostile="invoice\u202egnp.exe \u200bhidden\u200b <b>not bold</b> ring\x07 <REDACTION_FAILED> مرحبا <EMAIL_ADDRESS_tapkmj7f>",
        amounts=(
            None,
            Decimal(0),
            Decimal("0.00061234"),
            Decimal("0.0142"),
            Decimal("0.62"),
            Decimal("12.4"),
            Decimal(1234),
        ),
        tiles=(
            Tile("Runs", "1,204", "+12 %", False, "", spark([3, 5, 4, 8, 6, 9, 12]), place.bare("/-/patterns")),
            Tile(
                "Cost per success", "$0.214", "+31 %", True, "", spark([2, 2, 2, 3, 5, 6, 6]), place.bare("/-/patterns")
            ),
            Tile("Success", NONE, "", False, "no rule says what success is", spark([]), place.bare("/-/patterns")),
        ),
        diff=diff_texts(_PROMPT, _PROMPT_NEXT, left_title="v11", right_title="v12"),
        chart=with_markers(
            runs_chart([_bucket(now_ns, n) for n in range(14)]),
            (Marker(now_ns - 7 * 3600 * SECOND_NS, "version v12 began", place.bare("/-/patterns")),),
        ),
        day_ns=now_ns,
        durations=(400_000, 840_000_000, 3_200_000_000, 134 * SECOND_NS, 11_100 * SECOND_NS),
    )


_PROMPT = """You are the refund agent of a small shop.
Be polite and brief.
Never refund more than 500 dollars.
Ask a person when the order is older than 90 days.
Sign with your first name."""
_PROMPT_NEXT = """You are the refund agent of a small shop.
Sign with your first name.
Be polite and brief.
Never refund more than 1500 dollars.
Ask a person when the order is older than 90 days.
Offer a voucher first."""


def _bucket(now_ns: int, number: int) -> Bucket:
    runs = (4, 6, 5, 9, 12, 11, 8, 9, 14, 12, 10, 7, 6, 8)[number]
    errors = (0, 0, 1, 0, 0, 0, 0, 3, 4, 2, 1, 0, 0, 0)[number]
    return Bucket(now_ns - (14 - number) * 3600 * SECOND_NS, Totals(runs=runs, errors=errors))


_ROW_STATES = (
    State("denied", "denied"),
    State("error", "error"),
    State("running", "no end seen yet"),
    State("ok", "ok"),
)


def _row(place: Place, now_ns: int, number: int, state: State) -> RunRow:
    long = "a workflow with a name of about eighty characters, because somebody will do that"
    return RunRow(
        run_id=f"{number:032x}",
        href=place.bare("/-/patterns"),
        started_ns=now_ns - (number * 97 + 12) * SECOND_NS,
        state=state,
        title=("refund-agent", "ticket-triage", long, "billing_adjustments_v3")[number],
        version=("v12", "", "2026.11.3", "7")[number],
        environment="production",
        preview=(
            "I could not refund $1,249 to <PERSON_tapkmj7f> because …",
            "RateLimitError: 429 after four attempts",
            "",
            "مرحبا، تم استرداد المبلغ",
        )[number],
        calls=(6, 2, 1, 4)[number],
        tools=(3, 0, 0, 2)[number],
        cost_usd=(Decimal("0.62"), None, Decimal("0.0004812"), Decimal("1.92"))[number],
        unpriced_calls=(0, 2, 0, 1)[number],
        duration_ns=(41 * SECOND_NS, 3_200_000_000, None, 134 * SECOND_NS)[number],
        who=("<PERSON_tapkmj7f>", "conv-5120", "", "<PERSON_tapkmj7f>")[number],
        who_is_session=number == 1,
        session_id="",
        version_number=1,
        last_received_ns=now_ns - 900 * SECOND_NS,
    )
