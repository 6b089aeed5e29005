"""Compares two recordings: which steps are the same, where they parted first and why, and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from replay.alignment import Pair, aligned
from replay.difference import Difference, differences, plain
from replay.volatile import Bindings, Hole, Volatile

Json = Mapping[str, Any]


class Match(StrEnum):
    """How two exchanges of a pair stand to each other."""

    IDENTICAL = "identical"
    BOUND = "bound"
    """Equal but for dates, ids and other volatile values, which stand for each other one to one over the whole run."""
    CHANGED = "changed"
    LEFT_ONLY = "left_only"
    RIGHT_ONLY = "right_only"


class Cause(StrEnum):
    """Why two runs parted; a closed set."""

    SYSTEM_PROMPT = "system_prompt"
    USER_INPUT = "user_input"
    HISTORY_EDITED = "history_edited"
    CONTEXT_TRUNCATED = "context_truncated"
    TOOL_SCHEMA = "tool_schema"
    TOOL_SET = "tool_set"
    PARAMS = "params"
    MODEL = "model"
    TOOL_ARGS = "tool_args"
    TOOL_CHOICE = "tool_choice"
    MODEL_ANSWER = "model_answer"
    TOOL_RESULT = "tool_result"
    QUERY = "query"
    EXTRA_CALL = "extra_call"
    MISSING_CALL = "missing_call"
    ORDER = "order"
    VOLATILE_UNBOUND = "volatile_unbound"
    REDACTION_MISMATCH = "redaction_mismatch"
    CONTENT_MISSING = "content_missing"


CAUSE_WORDS: Mapping[Cause, str] = {
    Cause.SYSTEM_PROMPT: "the system prompt differs",
    Cause.USER_INPUT: "the user asked something else",
    Cause.HISTORY_EDITED: "an earlier message was changed",
    Cause.CONTEXT_TRUNCATED: "earlier messages were dropped from the context",
    Cause.TOOL_SCHEMA: "a tool is described differently",
    Cause.TOOL_SET: "other tools were offered",
    Cause.PARAMS: "the model's parameters differ",
    Cause.MODEL: "another model was asked",
    Cause.TOOL_ARGS: "a tool was called with other arguments",
    Cause.TOOL_CHOICE: "the model chose other tools",
    Cause.MODEL_ANSWER: "the model answered something else",
    Cause.TOOL_RESULT: "the tool answered something else",
    Cause.QUERY: "something else was looked up",
    Cause.EXTRA_CALL: "a step that the first run does not have",
    Cause.MISSING_CALL: "a step that the second run does not have",
    Cause.ORDER: "the same steps in another order",
    Cause.VOLATILE_UNBOUND: "an id or a time stands for two different ones",
    Cause.REDACTION_MISMATCH: "the same text was redacted differently",
    Cause.CONTENT_MISSING: "one of the two has no stored content here",
}


@dataclass(frozen=True, slots=True)
class Compared:
    """A pair with what differs in it."""

    pair: Pair
    match: Match
    cause: Cause | None = None
    differences: tuple[Difference, ...] = ()
    tainted: bool = False
    """Stands after the first divergence, so that it may differ only because of it."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What one run took."""

    steps: int
    cost_usd: Decimal | None
    tokens: int
    duration_ms: float
    """From the first question to the last answer."""
    tools: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two recordings side by side."""

    left: Json
    right: Json
    pairs: tuple[Compared, ...]
    first: int | None
    """Index of the first divergence among `pairs`; None when there is none."""
    bound: Mapping[str, int]
    """Different volatile values that stand for each other, by class."""
    left_totals: Totals
    right_totals: Totals

    def counts(self) -> dict[Match, int]:
        """How many pairs are of each kind; every kind is there."""
        found = Counter(one.match for one in self.pairs)
        return {match: found.get(match, 0) for match in Match}

    @property
    def identical_before(self) -> int:
        """Steps that are the same before the first divergence."""
        return len(self.pairs) if self.first is None else self.first


def compare(left: Json, right: Json) -> Comparison:
    """Compare two recordings (the JSON of the newest file version). Pure; the same two give the same comparison."""
    bindings = Bindings()
    pairs = aligned(left["exchanges"], right["exchanges"])
    judged = _with_order([_compared(pair, bindings) for pair in pairs])
    first = next((i for i, one in enumerate(judged) if one.match not in {Match.IDENTICAL, Match.BOUND}), None)
    told = tuple(
        one if first is None or i <= first else Compared(one.pair, one.match, one.cause, one.differences, tainted=True)
        for i, one in enumerate(judged)
    )
    return Comparison(left, right, told, first, bindings.counts(), _totals(left), _totals(right))


def _compared(pair: Pair, bindings: Bindings) -> Compared:
    left, right = pair.left, pair.right
    if left is None or right is None:
        extra = left is None
        return Compared(
            pair, Match.RIGHT_ONLY if extra else Match.LEFT_ONLY, Cause.EXTRA_CALL if extra else Cause.MISSING_CALL
        )
    if left["k1"] != right["k1"]:
        cause, found = _asked(left, right)
        return Compared(pair, Match.CHANGED, cause, found)
    if left["answer_key"] != right["answer_key"]:
        cause, found = _answered(left, right)
        return Compared(pair, Match.CHANGED, cause, found)
    if left["k0"] == right["k0"]:
        return Compared(pair, Match.IDENTICAL)
    broken = bindings.bind(_holes(left), _holes(right))
    if broken is None:
        return Compared(pair, Match.BOUND)
    difference = Difference(broken[0].kind.value, broken[0].value, broken[1].value)
    return Compared(pair, Match.CHANGED, Cause.VOLATILE_UNBOUND, (difference,))


def _holes(exchange: Json) -> tuple[Hole, ...]:
    return tuple(Hole(Volatile(kind), value) for kind, value in exchange["holes"])


def _asked(left: Json, right: Json) -> tuple[Cause, tuple[Difference, ...]]:
    one, other = left["asked"], right["asked"]
    if bool(_said(one)) != bool(_said(other)):
        return Cause.CONTENT_MISSING, ()
    found = differences(one, other)
    if left["kind"] == "tool":
        return _or_redaction(Cause.TOOL_ARGS, tuple(d for d in found if d.path != "call_id"))
    if left["kind"] != "model":
        return _or_redaction(Cause.QUERY, found)
    for field, cause in (("model", Cause.MODEL), ("system", Cause.SYSTEM_PROMPT)):
        own = differences(one.get(field), other.get(field), field)
        if own:
            return _or_redaction(cause, own)
    return (
        _messages(one, other)
        or _tools(one, other)
        or (Cause.PARAMS, differences(one["params"], other["params"], "params"))
    )


def _said(side: Json) -> list[Any]:
    return [value for name, value in side.items() if name not in {"call_id", "model", "params"} and value]


def _messages(one: Json, other: Json) -> tuple[Cause, tuple[Difference, ...]] | None:
    mine, theirs = list(one.get("messages") or ()), list(other.get("messages") or ())
    index = next((i for i, (a, b) in enumerate(zip(mine, theirs, strict=False)) if _bare(a) != _bare(b)), None)
    if index is None:
        if len(mine) == len(theirs):
            return None
        index = min(len(mine), len(theirs))
    longer, shorter = (mine, theirs) if len(mine) > len(theirs) else (theirs, mine)
    dropped = len(longer) - len(shorter)
    tail = [_bare(m) for m in longer[index + dropped :]]
    if dropped and index < len(shorter) and tail == [_bare(m) for m in shorter[index:]]:
        return Cause.CONTEXT_TRUNCATED, differences(mine, theirs, "messages")[:1]
    at = (mine if index < len(mine) else theirs)[index]
    role = str(at.get("role"))
    cause = {"system": Cause.SYSTEM_PROMPT, "developer": Cause.SYSTEM_PROMPT, "user": Cause.USER_INPUT}.get(
        role, Cause.HISTORY_EDITED
    )
    a = mine[index] if index < len(mine) else None
    b = theirs[index] if index < len(theirs) else None
    if a is None or b is None:
        return cause, (Difference(f"messages[{index}]", a, b, "left" if a is None else "right"),)
    found = tuple(d for d in differences(_bare(a), _bare(b), f"messages[{index}]"))
    return _or_redaction(cause, found)


def _bare(message: Json) -> dict[str, Any]:
    """A message without what differs from provider to provider."""
    parts = [{key: item for key, item in part.items() if key != "id"} for part in message.get("parts") or ()]
    return {"role": message.get("role"), "parts": parts}


def _tools(one: Json, other: Json) -> tuple[Cause, tuple[Difference, ...]] | None:
    mine = {str(t.get("name")): t for t in one.get("tools") or ()}
    theirs = {str(t.get("name")): t for t in other.get("tools") or ()}
    if set(mine) != set(theirs):
        gone = [Difference(f"tools.{n}", mine[n].get("description"), None, "right") for n in mine if n not in theirs]
        new = [Difference(f"tools.{n}", None, theirs[n].get("description"), "left") for n in theirs if n not in mine]
        return Cause.TOOL_SET, (*gone, *new)
    found = differences(mine, theirs, "tools")
    return (Cause.TOOL_SCHEMA, found) if found else None


def _answered(left: Json, right: Json) -> tuple[Cause, tuple[Difference, ...]]:
    if left["state"] != right["state"]:
        cause = Cause.MODEL_ANSWER if left["kind"] == "model" else Cause.TOOL_RESULT
        return cause, (Difference("state", left["state"], right["state"]),)
    one, other = left["answered"], right["answered"]
    if bool(_said(one)) != bool(_said(other)):
        return Cause.CONTENT_MISSING, ()
    if left["kind"] != "model":
        return _or_redaction(Cause.TOOL_RESULT, differences(one, other))
    mine, theirs = _calls(one), _calls(other)
    if [name for name, _ in mine] != [name for name, _ in theirs]:
        names = [name for name, _ in mine], [name for name, _ in theirs]
        return Cause.TOOL_CHOICE, (Difference("calls", ", ".join(names[0]) or "none", ", ".join(names[1]) or "none"),)
    for (name, a), (_, b) in zip(mine, theirs, strict=True):
        found = differences(a, b, "arguments")
        if found:
            return _or_redaction(Cause.TOOL_ARGS, tuple(_under(d, name) for d in found))
    said = [[_bare(m) for m in side.get("messages") or ()] for side in (one, other)]
    return _or_redaction(Cause.MODEL_ANSWER, differences(said[0], said[1], "messages"))


def _under(difference: Difference, name: str) -> Difference:
    d = difference
    return Difference(f"{name}: {d.path}", d.left, d.right, d.missing, d.start, d.left_end, d.right_end)


def _calls(answered: Json) -> list[tuple[str, Any]]:
    """The tool calls of an answer: names and arguments."""
    return [
        (
            str(part.get("name")),
            part.get("arguments") if part.get("arguments") is not None else part.get("arguments_raw"),
        )
        for message in answered.get("messages") or ()
        for part in message.get("parts") or ()
        if part.get("type") == "tool_call"
    ]


def _or_redaction(cause: Cause, found: tuple[Difference, ...]) -> tuple[Cause, tuple[Difference, ...]]:
    """A difference that is nothing but a token against readable text comes from redaction, not from the run."""
    if found and all(_is_redaction(d) for d in found):
        return Cause.REDACTION_MISMATCH, found
    return cause, found


def _is_redaction(difference: Difference) -> bool:
    if not isinstance(difference.left, str) or not isinstance(difference.right, str):
        return False
    return any("<REDACTION_FAILED>" in text for text in (difference.left, difference.right))


def _with_order(found: Sequence[Compared]) -> list[Compared]:
    """Steps that both runs have, only elsewhere, are a matter of order."""
    lefts = {_identity(c.pair.left): c for c in found if c.match is Match.LEFT_ONLY}
    rights = {_identity(c.pair.right): c for c in found if c.match is Match.RIGHT_ONLY}
    moved = {id(c) for key in lefts.keys() & rights.keys() for c in (lefts[key], rights[key])}
    return [Compared(c.pair, c.match, Cause.ORDER) if id(c) in moved else c for c in found]


def _identity(exchange: Json | None) -> tuple[Any, ...]:
    e = exchange or {}
    return tuple(e["branch"]), e["kind"], e["name"], e["k1"], e["answer_key"]


def _totals(recording: Json) -> Totals:
    exchanges = recording["exchanges"]
    costs = [Decimal(e["cost_usd"]) for e in exchanges if e["cost_usd"] is not None]
    usages = [e["usage"] for e in exchanges if e["usage"]]
    return Totals(
        steps=len(exchanges),
        cost_usd=sum(costs, Decimal(0)) if costs else None,
        tokens=sum((u.get("input") or 0) + (u.get("output") or 0) for u in usages),
        duration_ms=sum(e["duration_ms"] for e in exchanges),
        tools=dict(sorted(Counter(e["name"] for e in exchanges if e["kind"] == "tool").items())),
    )


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """The comparison as JSON."""
    c = comparison
    return {
        "left": _side_json(c.left, c.left_totals),
        "right": _side_json(c.right, c.right_totals),
        "verdict": "same" if c.first is None else "diverged",
        "identical_before": c.identical_before,
        "counts": {match.value: number for match, number in c.counts().items()},
        "bound": dict(c.bound),
        "first_divergence": None if c.first is None else _compared_json(c.pairs[c.first]),
        "steps": [_compared_json(one) for one in c.pairs],
    }


def _side_json(recording: Json, totals: Totals) -> dict[str, Any]:
    return {
        "run_id": recording["run_id"],
        "workflow": recording["workflow"],
        "workflow_version": recording["workflow_version"],
        "started_at": recording["started_at"],
        "behaviour_digest": recording["behaviour_digest"],
        "steps": totals.steps,
        "cost_usd": None if totals.cost_usd is None else f"{totals.cost_usd:f}",
        "tokens": totals.tokens,
        "busy_ms": round(totals.duration_ms, 3),
        "tools": dict(totals.tools),
    }


def _compared_json(one: Compared) -> dict[str, Any]:
    left, right = one.pair.left, one.pair.right
    either = left or right or {}
    return {
        "left": left["number"] if left else None,
        "right": right["number"] if right else None,
        "left_span_id": left["span_id"] if left else None,
        "right_span_id": right["span_id"] if right else None,
        "branch": list(one.pair.branch),
        "kind": either["kind"],
        "name": either["name"],
        "match": one.match.value,
        "cause": one.cause.value if one.cause else None,
        "tainted": one.tainted,
        "differences": [_difference_json(d) for d in one.differences],
    }


def _difference_json(difference: Difference) -> dict[str, Any]:
    d = difference
    texts = isinstance(d.left, str) and isinstance(d.right, str)
    return {
        "path": d.path,
        "left": d.left,
        "right": d.right,
        "missing": d.missing or None,
        "characters": {"start": d.start, "left_end": d.left_end, "right_end": d.right_end} if texts else None,
    }


def summary(comparison: Comparison) -> str:
    """The comparison in one line: `16 identical steps | step 17: arguments.amount 499.00 -> 1249.00 | 2 steps only right`."""
    c = comparison
    parts = [_count(c.identical_before, "identical step")] if c.identical_before else []
    if c.first is not None:
        parts.append(f"step {step_number(c.pairs[c.first])}: {headline(c.pairs[c.first])}")
        rest = Counter(one.match for one in c.pairs[c.first + 1 :])
        words = {Match.CHANGED: "changed after it", Match.LEFT_ONLY: "only left", Match.RIGHT_ONLY: "only right"}
        parts += [f"{_count(rest[match], 'step')} {said}" for match, said in words.items() if rest[match]]
    elif c.bound:
        parts.append(", ".join(f"{number} {kind}" for kind, number in c.bound.items()) + " bound one to one")
    return " | ".join(parts) or "nothing to compare: both runs hold no step"


def headline(one: Compared) -> str:
    """What differs in one pair, in a few words."""
    either = one.pair.left or one.pair.right or {}
    if one.match in {Match.LEFT_ONLY, Match.RIGHT_ONLY}:
        return f"{either['kind']} {either['name']} {'only left' if one.match is Match.LEFT_ONLY else 'only right'}"
    if not one.differences:
        return CAUSE_WORDS[one.cause] if one.cause else "same"
    d = one.differences[0]
    sides = [_short(d, side) for side in ("left", "right")]
    return f"{d.path} {sides[0]} -> {sides[1]}"


def _short(difference: Difference, side: str) -> str:
    if difference.missing == side:
        return "nothing"
    before, middle, after = difference.excerpt(side)
    if isinstance(difference.left, str) and isinstance(difference.right, str):
        whole = difference.left if side == "left" else difference.right
        return f'"{whole}"' if len(whole) <= 60 else f'"{before[-12:]}[{middle[:60]}]{after[:12]}"'
    return middle[:80]


def step_number(one: Compared) -> int:
    """The number people see for a pair: the left run's, or the right one's when only that has it."""
    return int((one.pair.left or one.pair.right or {})["number"])


def text(comparison: Comparison) -> str:
    """The comparison for a terminal."""
    c = comparison
    lines = [one_line(summary(c)), ""]
    for name, side, totals in (("left ", c.left, c.left_totals), ("right", c.right, c.right_totals)):
        cost = "unpriced" if totals.cost_usd is None else f"${totals.cost_usd:f}"
        workflow = " ".join(one_line(part) for part in (side["workflow"], side["workflow_version"]) if part)
        lines.append(
            f"{name}  {side['run_id']}  {workflow}  {_count(totals.steps, 'step')}, {cost}, {totals.tokens:,} tokens, "
            f"{totals.duration_ms / 1000:.1f} s busy"
        )
    if c.first is not None:
        one = c.pairs[c.first]
        lines += ["", f"First divergence at step {step_number(one)}: {CAUSE_WORDS[one.cause] if one.cause else ''}."]
        lines += list(_difference_lines(one.differences))
        lines += ["", *(_pair_line(one) for one in c.pairs[max(0, c.first - 2) : c.first + 8])]
    return "\n".join(lines)


def _difference_lines(found: Iterable[Difference]) -> Iterable[str]:
    for d in list(found)[:6]:
        yield f"  {one_line(d.path)}"
        for sign, side in (("-", "left"), ("+", "right")):
            if d.missing != side:
                before, middle, after = d.excerpt(side)
                yield (
                    f"    {sign} {one_line(before)}[{one_line(middle)}]{one_line(after)}"
                    if before or after
                    else (f"    {sign} {one_line(middle)}")
                )


def one_line(value: str) -> str:
    """Text of agents on one line of a terminal: control characters become visible instead of acting."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in plain(value)[:400])


def _pair_line(one: Compared) -> str:
    left, right = one.pair.left, one.pair.right
    either = left or right or {}
    sign = {Match.IDENTICAL: " ", Match.BOUND: "~", Match.CHANGED: "!", Match.LEFT_ONLY: "-", Match.RIGHT_ONLY: "+"}[
        one.match
    ]
    numbers = f"{left['number'] if left else '':>4} {right['number'] if right else '':>4}"
    return f"{sign} {numbers}  {either['kind']} {one_line(str(either['name']))}" + (
        f"  {one.cause.value}" if one.cause else ""
    )


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
