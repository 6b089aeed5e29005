"""Near misses: kinds of attempts on three tabs, one kind opened with what led to it, and the weekly review in Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from insights.near_misses import Ranked
from spans.attempts import AttemptKind, AttemptReason, Followed, Grade, Harm
from store.judged import AttemptGroup, AttemptRow
from store.ledger.reviews import Pattern, Review, Reviewed
from web.conversation import Conversation
from web.format import change, money, plural
from web.pages.run import Talk
from web.places import Place
from web.text import quoted

REASON_WORDS: Mapping[str, str] = {
    AttemptReason.POLICY_DENY: "denied by a control",
    AttemptReason.APPROVAL_REQUIRED: "an approval was required",
    AttemptReason.GUARDRAIL: "stopped by a guardrail",
    AttemptReason.PERMISSION: "permission refused",
    AttemptReason.INVALID_ARGS: "arguments did not fit",
    AttemptReason.UNKNOWN_TOOL: "no such tool",
    AttemptReason.BUDGET_STOP: "stopped by a limit",
    AttemptReason.REFUSAL_OR_FILTER: "refused by the model or a filter",
    AttemptReason.POLICY_FILE: "against the policy file",
}
FOLLOWED_WORDS: Mapping[str, str] = {
    Followed.WENT_ROUND: "went round it",
    Followed.RETRIED: "tried again",
    Followed.ASKED: "asked a person",
    Followed.GAVE_UP: "gave up",
    Followed.RAN: "ran",
}
GRADE_WORDS: Mapping[str, str] = {
    Grade.EXPLICIT: "said by the sender",
    Grade.DERIVED: "derived from the trace",
    Grade.GUESS: "read out of text",
    Grade.COMPUTED: "the policy file applied to the run",
}
HARM_WORDS: Mapping[str, str] = {
    Harm.MONEY: "moves money",
    Harm.MAIL: "sends messages",
    Harm.DELETE: "deletes",
    Harm.WRITE: "writes",
    Harm.READ: "reads",
}
REVIEW_WORDS: Mapping[str, str] = {
    Review.RULE_RIGHT: "rule is right",
    Review.LOOSEN: "agent needs it: loosen the rule",
    Review.FIX_PROMPT: "agent is wrong: fix the prompt",
    Review.NOT_A_NEAR_MISS: "not a near miss",
}
TABS = (
    (AttemptKind.VIOLATION.value, "Violations"),
    (AttemptKind.STOPPED.value, "Stopped"),
    (AttemptKind.MALFORMED.value, "Malformed"),
)


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab with how many attempts stand on it."""

    label: str
    href: str
    active: bool
    number: int


@dataclass(frozen=True, slots=True)
class KindLine:
    """One kind of attempt in the list."""

    ranked: Ranked
    group: AttemptGroup
    title: str
    reason: str
    followed: tuple[tuple[str, int, bool], ...]
    """(words, how often, whether it is grave), the gravest first."""
    grade: str
    harm: str
    change: str
    href: str
    runs_href: str
    example_href: str
    review: str
    reviewed: Reviewed | None
    loosened: str
    """What would have gone through without the control; empty for what ran, was malformed or stopped a whole run."""
    loosened_href: str


@dataclass(frozen=True, slots=True)
class NearMissesPage:
    """Kinds of attempts of one tab."""

    tabs: tuple[Tab, ...]
    tab: str
    lines: tuple[KindLine, ...]
    more: int
    sentence: str
    blind: tuple[str, ...]
    """Workflows that send no content: what a tool answered cannot be seen there."""
    week_href: str
    range_words: str
    patterns: tuple[Pattern, ...]
    reason_words: Mapping[str, str]
    may_review: bool


MOST_LINES = 100


def build_near_misses(
    place: Place,
    ranked: Sequence[Ranked],
    *,
    tab: str,
    reviews: Mapping[str, Reviewed],
    blind: Sequence[str] = (),
    patterns: Sequence[Pattern] = (),
    may_review: bool = False,
    path: str = "/near-misses",
    own: Mapping[str, str] | None = None,
) -> NearMissesPage:
    """Build the page; without a tab in the address the violations come first when there are any."""
    counts: Counter[str] = Counter()
    for one in ranked:
        counts[one.group.kind] += one.group.count
    shown = tab if tab in dict(TABS) else ("violation" if counts["violation"] else "stopped")
    order = TABS if counts["violation"] else (TABS[1], TABS[2], TABS[0])
    mine = [r for r in ranked if r.group.kind == shown]
    return NearMissesPage(
        tabs=tuple(
            Tab(label, place.url(path, **{**(own or {}), "kind": key}), key == shown, counts[key])
            for key, label in order
        ),
        tab=shown,
        lines=tuple(kind_line(place, r, review_of(reviews, r)) for r in mine[:MOST_LINES]),
        more=max(0, len(mine) - MOST_LINES),
        sentence=_sentence(shown, mine),
        blind=tuple(blind),
        week_href=place.url("/near-misses/week"),
        range_words=place.range.words(),
        patterns=tuple(patterns),
        reason_words=REASON_WORDS,
        may_review=may_review,
    )


def _sentence(tab: str, ranked: Sequence[Ranked]) -> str:
    if not ranked:
        return ""
    total, kinds = sum(r.group.count for r in ranked), len(ranked)
    new = sum(r.is_new for r in ranked)
    round_it = sum(r.group.followed.get(Followed.WENT_ROUND.value, 0) for r in ranked)
    what = {"violation": "call", "stopped": "attempt", "malformed": "malformed call"}[tab]
    parts = [f"{plural(total, what)} of {plural(kinds, 'kind')}"]
    if new:
        parts.append(f"{new} new")
    if round_it:
        parts.append(f"the agent went round {round_it} of them")
    return ", ".join(parts) + "."


def kind_line(place: Place, ranked: Ranked, reviewed: Reviewed | None) -> KindLine:
    """One kind as the list shows it."""
    group = ranked.group
    here = place.of(group.environment)
    length = place.range.length_ns
    expected = group.before * length / _BEFORE_NS if group.before else None
    order = (Followed.RAN, Followed.WENT_ROUND, Followed.RETRIED, Followed.ASKED, Followed.GAVE_UP)
    return KindLine(
        ranked=ranked,
        group=group,
        title=group.tool or group.rule or "run",
        reason=REASON_WORDS.get(group.reason, group.reason),
        followed=tuple(
            (FOLLOWED_WORDS[f], group.followed[f.value], f in {Followed.WENT_ROUND, Followed.RAN})
            for f in order
            if group.followed.get(f.value)
        ),
        grade=GRADE_WORDS[ranked.grade],
        harm=HARM_WORDS.get(group.harm, group.harm),
        change=change(group.count, expected) if expected is not None and expected >= 1 else "",
        href=here.url("/near-misses/kind", **kind_params(group)),
        runs_href=here.url(
            "/runs",
            workflow=group.workflow,
            tool=group.tool if group.level == "tool" else None,
            denied=1 if group.kind == "stopped" and group.level == "tool" else None,
            shape="any",
        ),
        example_href=here.url(f"/runs/{group.run_id}", span=group.span_id),
        review=REVIEW_WORDS.get(reviewed.answer, "") if reviewed else "",
        reviewed=reviewed,
        loosened=_loosened(group),
        loosened_href=loosened_href(here, kind_params(group)),
    )


def _loosened(group: AttemptGroup) -> str:
    if group.kind != AttemptKind.STOPPED.value or group.level != "tool":
        return ""
    what = f"{plural(group.count, 'call')} in {plural(group.runs, 'run')} would have gone through"
    return f"{what}, runs that cost {money(group.cost_usd)}" if group.cost_usd else what


def loosened_href(place: Place, params: Mapping[str, str]) -> str:
    """Asks stored runs with the policy that lets a kind through; empty for what ran or was malformed."""
    if params["kind"] != AttemptKind.STOPPED.value or not params["workflow"]:
        return ""
    rule = "" if params["rule"] == "-" else params["rule"]
    return place.url("/whatif", workflow=params["workflow"], loosen=params["tool"], rule=rule)


_BEFORE_NS = 28 * 86_400 * 1_000_000_000


def kind_params(group: AttemptGroup) -> dict[str, str]:
    """What names a kind in an address."""
    return {
        "workflow": group.workflow,
        "kind": group.kind,
        "reason": group.reason,
        "tool": group.tool,
        "rule": group.rule or "-",
        "args": group.shape or "-",
        # A named environment stands in every address anyhow.
        "env": "" if group.environment else "-",
    }


def review_of(reviews: Mapping[str, Reviewed], ranked: Ranked) -> Reviewed | None:
    """What was said last of a kind: in its environment, else before reviews told environments apart."""
    return reviews.get(ranked.key) or reviews.get(ranked.earlier_key)


@dataclass(frozen=True, slots=True)
class AttemptLine:
    """One attempt of a kind."""

    row: AttemptRow
    href: str
    open_href: str
    followed: str
    grave: bool
    active: bool


@dataclass(frozen=True, slots=True)
class KindPage:
    """One kind of attempt, opened."""

    title: str
    line: KindLine | None
    workflow: str
    reason: str
    rule: str
    shape: str
    tool: str
    kind: str
    key: str
    attempts: tuple[AttemptLine, ...]
    shown: AttemptLine | None
    conversation: Conversation | None
    after: tuple[tuple[str, str, str, str], ...]
    """What followed: (glyph, tool, words, address) per later call."""
    reason_key: str
    reviews: tuple[tuple[str, str], ...]
    """Answers that may be given, with their words."""
    may_teach: bool
    may_review: bool
    reviewed: Reviewed | None
    last_answer: str
    reviewer: str
    suggestion: str
    """The words that would teach `not a near miss`."""
    here: str
    back_href: str
    whatif_href: str
    detail: None = None
    """A conversation's template asks which step is open beside it; none is here."""
    talk: Talk = field(default_factory=Talk)
    run_id: str = ""


def build_kind(
    place: Place,
    *,
    ranked: Ranked | None,
    params: Mapping[str, str],
    key: str,
    rows: Sequence[AttemptRow],
    shown: AttemptRow | None,
    conversation: Conversation | None,
    after: Sequence[tuple[str, str, str, str]],
    reviewed: Reviewed | None,
    reviewer: str,
    suggestion: str,
    may_review: bool,
    whatif_href: str = "",
) -> KindPage:
    """Build the page of one kind."""
    lines = tuple(
        AttemptLine(
            row,
            place.url(f"/runs/{row.run_id}", span=row.span_id),
            place.url("/near-misses/kind", **params, at=f"{row.run_id}.{row.span_id}"),
            FOLLOWED_WORDS.get(row.followed, row.followed),
            row.followed in {Followed.WENT_ROUND.value, Followed.RAN.value},
            shown is not None and (row.run_id, row.span_id) == (shown.run_id, shown.span_id),
        )
        for row in rows
    )
    # No pattern reaches what the policy file says.
    may_teach = params["reason"] != AttemptReason.POLICY_FILE
    return KindPage(
        title=params["tool"] or params["rule"] or "run",
        line=kind_line(place, ranked, reviewed) if ranked is not None else None,
        workflow=params["workflow"],
        reason=REASON_WORDS.get(params["reason"], params["reason"]),
        rule="" if params["rule"] == "-" else params["rule"],
        shape="" if params["args"] == "-" else params["args"],
        tool=params["tool"],
        kind=params["kind"],
        key=key,
        attempts=lines,
        shown=next((line for line in lines if line.active), None),
        conversation=conversation,
        after=tuple(after),
        reason_key=params["reason"],
        reviews=tuple((r.value, REVIEW_WORDS[r]) for r in Review if may_teach or r is not Review.NOT_A_NEAR_MISS),
        may_teach=may_teach,
        may_review=may_review,
        reviewed=reviewed,
        last_answer=REVIEW_WORDS[reviewed.answer] if reviewed is not None else "",
        reviewer=reviewer,
        suggestion=suggestion,
        here=place.url("/near-misses/kind", **params).removeprefix(place.root),
        back_href=place.url("/near-misses", kind=params["kind"]),
        whatif_href=whatif_href,
        run_id=shown.run_id if shown is not None else "",
    )


@dataclass(frozen=True, slots=True)
class WeekSplit:
    """What was stopped, by one thing that tells attempts apart."""

    label: str
    lines: tuple[tuple[str, int, int, str], ...]
    """(value, attempts this week, last week, change), the most frequent first."""


@dataclass(frozen=True, slots=True)
class WeekPage:
    """The weekly review."""

    environment: str
    sentence: str
    rates: tuple[tuple[str, int, int, str, str], ...]
    """(tab, attempts this week, last week, per thousand runs, change)."""
    splits: tuple[WeekSplit, ...]
    new: tuple[KindLine, ...]
    top: tuple[KindLine, ...]
    undecided: int
    blind: tuple[str, ...]
    markdown_href: str
    range_words: str


def build_week(
    place: Place,
    ranked: Sequence[Ranked],
    before: Sequence[AttemptGroup],
    *,
    runs: int,
    runs_before: int,
    reviews: Mapping[str, Reviewed],
    blind: Sequence[str],
) -> WeekPage:
    """Build the review of a week from its kinds and those of the week before."""
    groups = [one.group for one in ranked]
    counts, earlier = _counted(groups, "kind"), _counted(before, "kind")
    rates = []
    for key, label in TABS:
        now, then = counts[key], earlier[key]
        rate = 1000 * now / runs if runs else 0.0
        rate_before = 1000 * then / runs_before if runs_before else 0.0
        rates.append((label, now, then, f"{rate:.1f}", change(rate, rate_before)))
    lines = [kind_line(place, r, review_of(reviews, r)) for r in ranked]
    return WeekPage(
        environment=place.environment,
        sentence=_week_sentence(place, runs, counts, lines),
        rates=tuple(rates),
        splits=tuple(_split(label, name, groups, before) for label, name in SPLITS) if groups else (),
        new=tuple(line for line in lines if line.ranked.is_new)[:20],
        top=tuple(sorted(lines, key=lambda line: -line.ranked.risk)[:10]),
        undecided=sum(line.reviewed is None for line in lines),
        blind=tuple(blind),
        markdown_href=place.url("/near-misses/week.md"),
        range_words=place.range.words(),
    )


SPLITS = (("Workflow", "workflow"), ("Tool", "tool"), ("Rule", "rule"), ("Version", "versions"))
MOST_SPLIT = 8


def _counted(groups: Sequence[AttemptGroup], name: str) -> Counter[str]:
    """Attempts by one field of their kinds; a kind that several versions share counts as theirs together."""
    found: Counter[str] = Counter()
    for group in groups:
        value = getattr(group, name)
        found[value if isinstance(value, str) else ", ".join(value)] += group.count
    return found


def _split(label: str, name: str, groups: Sequence[AttemptGroup], before: Sequence[AttemptGroup]) -> WeekSplit:
    now, then = _counted(groups, name), _counted(before, name)
    lines = [(value or "not told", count, then[value], change(count, then[value])) for value, count in now.items()]
    return WeekSplit(label, tuple(sorted(lines, key=lambda line: (-line[1], line[0]))[:MOST_SPLIT]))


def _week_sentence(place: Place, runs: int, counts: Mapping[str, int], lines: Sequence[KindLine]) -> str:
    """What a person has to do, before any table."""
    said = f"{plural(runs, 'run')} in the {place.range.words()}"
    if not lines:
        return f"{said}; nothing was stopped."
    parts = [said, f"{plural(counts['stopped'], 'attempt')} stopped"]
    if counts["violation"]:
        parts.append(f"{plural(counts['violation'], 'call')} against the policy file")
    new, undecided = sum(line.ranked.is_new for line in lines), sum(line.reviewed is None for line in lines)
    if new:
        parts.append(f"{plural(new, 'new kind')}")
    parts.append(f"{plural(undecided, 'kind')} to review" if undecided else "all kinds reviewed")
    return ", ".join(parts) + "."


def week_markdown(page: WeekPage, base_url: str) -> str:
    """The weekly review as a text to send around; names of tools and rules are quoted, never text of a conversation."""
    where = f"Environment: {quoted(page.environment)}." if page.environment else "All environments."
    lines = ["# Near misses of the week", "", page.sentence, "", where, ""]
    lines += ["| | this week | week before | per 1,000 runs | change |", "| --- | ---: | ---: | ---: | ---: |"]
    lines += [f"| {label} | {now} | {then} | {rate} | {moved or '-'} |" for label, now, then, rate, moved in page.rates]
    for split in page.splits:
        lines += ["", f"| {split.label} | this week | week before | change |", "| --- | ---: | ---: | ---: |"]
        lines += [f"| {quoted(value)} | {now} | {then} | {moved or '-'} |" for value, now, then, moved in split.lines]
    for title, found in (("New kinds", page.new), ("Top 10 by risk", page.top)):
        lines += ["", f"## {title}", ""]
        lines += [_markdown_line(line, base_url) for line in found] or ["None."]
    if page.blind:
        lines += [
            "",
            "## Not visible",
            "",
            "These workflows send no content, so denials that only show in a tool's answer cannot be seen: ",
        ]
        lines[-1] += ", ".join(quoted(name) for name in page.blind) + "."
    return "\n".join(lines) + "\n"


def _markdown_line(line: KindLine, base_url: str) -> str:
    group = line.group
    what = f"{quoted(line.title)} of {quoted(group.workflow)}: {line.reason}"
    if group.rule:
        what += f" ({quoted(group.rule)})"
    followed = ", ".join(f"{words} {count}" for words, count, _ in line.followed)
    cost = money(group.cost_usd or Decimal(0))
    review = f" Review: {line.review}." if line.review else ""
    loosened = (
        f" If loosened: {line.loosened} ([ask stored runs]({base_url}{line.loosened_href}))." if line.loosened else ""
    )
    return (
        f"- {what}. {plural(group.count, 'attempt')} in {plural(group.runs, 'run')} ({cost}); "
        f"then {followed}.{review}{loosened} [Open]({base_url}{line.href})"
    )
