"""The verdict at the door: which items of an OTLP request can be kept, each judged alone, and the bytes to seal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import DecodeError

from collector.answers import RefusalError, Trouble
from collector.bounds import Bounds
from collector.signals import LOGS, METRICS, RESOURCE, SCOPE, TRACES, OtlpSignal
from collector.spool.format import Payload
from collector.wire import BYTES, FIXED64, VARINT, WireError, count_messages, frame, mend, walk
from spans.ids import SPAN_ID_BYTES, TRACE_ID_BYTES

REPAIRED = "utf8_repaired"
EMPTIED = "depth_truncated"
NO_TRACE_ID = "an invalid trace id"
NO_SPAN_ID = "an invalid span id"
END_ONLY = "an end time without a start time"
TOO_MANY = "too many attributes, events or links"
LONG_KEY = "an attribute key that is too long"
NOT_PROTOBUF = "fields that cannot be decoded"
WRONG_JSON = "values of the wrong JSON type"

FIRST_LENGTH = -1
SAMPLE = 16
"""Items looked at to recognise a body of another signal."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is kept of one request and what its sender must be told."""

    signal: OtlpSignal
    payload: Payload
    items: int
    rejected: int = 0
    message: str = ""


@dataclass(slots=True)
class _Verdict:
    """Counts while a request is walked."""

    seen: int = 0
    kept: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    marks: dict[int, tuple[str, ...]] = field(default_factory=dict)
    messages: int = 0

    def reject(self, reason: str) -> None:
        self.seen += 1
        self.reasons[reason] += 1

    def keep(self, marks: tuple[str, ...]) -> None:
        if marks:
            self.marks[self.kept] = marks
        self.seen += 1
        self.kept += 1


def accept(
    raw: bytes,
    signal: OtlpSignal,
    bounds: Bounds,
    *,
    marks: Mapping[int, tuple[str, ...]] | None = None,
    already: Counter[str] | None = None,
    warnings: tuple[str, ...] = (),
) -> Accepted:
    """Judge an OTLP protobuf request item by item.

    Args:
        raw: the request after decompression.
        signal: what its path or method says it holds.
        bounds: how much it may hold.
        marks: repairs made while transcoding it, by position of the item.
        already: items rejected while transcoding it, by reason.
        warnings: what its sender should hear although nothing is lost.

    Raises:
        RefusalError: not OTLP of this signal, too large, or no item of it can be kept.
    """
    bounds_check_items(raw, signal, bounds)
    verdict = _Verdict(reasons=Counter(already or {}), seen=sum((already or {}).values()))
    payload: bytes | None = None
    if signal is METRICS:
        return _metrics(raw, verdict)
    if len(raw) <= bounds.quick_bytes:
        payload = _accept_whole(raw, signal, bounds, verdict, marks or {})
    if payload is None:
        verdict = _Verdict(reasons=Counter(already or {}), seen=sum((already or {}).values()))
        payload = _accept_apart(raw, signal, bounds, verdict, marks or {})
    rejected = sum(verdict.reasons.values())
    if rejected and not verdict.kept:
        _refuse_all(raw, signal, verdict)
    return Accepted(
        signal, Payload(payload, verdict.marks), verdict.kept, rejected, _message(signal, verdict, warnings)
    )


def bounds_check_items(raw: bytes, signal: OtlpSignal, bounds: Bounds) -> int:
    """Count items on the wire.

    Raises:
        RefusalError: more than allowed, or the envelope is not protobuf.
    """
    count = 0
    try:
        for group in walk(raw):
            if group.number != 1 or group.wire_type != BYTES:
                continue
            for scope in walk(raw, group.start, group.end):
                if scope.number != 2 or scope.wire_type != BYTES:
                    continue
                for item in walk(raw, scope.start, scope.end):
                    count += item.number == 2 and item.wire_type == BYTES
                    if count > bounds.items:
                        raise RefusalError(
                            Trouble.TOO_LARGE,
                            f"One request may hold {bounds.items} {signal.word}; send smaller batches.",
                        )
    except WireError:
        raise RefusalError(
            Trouble.BAD_DATA,
            f"The body cannot be decoded as an OTLP {signal.word} request in protobuf.",
            [("body", "not protobuf, or cut off")],
        ) from None
    return count


def _accept_whole(
    raw: bytes, signal: OtlpSignal, bounds: Bounds, verdict: _Verdict, marks: Mapping[int, tuple[str, ...]]
) -> bytes | None:
    """The quick way: everything parses and every item can be kept. None when it must be taken apart."""
    try:
        message = signal.request.FromString(raw)
    except DecodeError:
        return None
    for group in message.resource_spans if signal is TRACES else message.resource_logs:
        for scope in group.scope_spans if signal is TRACES else group.scope_logs:
            for item in scope.spans if signal is TRACES else scope.log_records:
                if _reason_against(item, signal, bounds, verdict):
                    return None
                verdict.keep(marks.get(verdict.kept, ()))
    if signal is LOGS and verdict.kept and _other_signal(raw, signal):
        return None
    return raw


def _accept_apart(
    raw: bytes, signal: OtlpSignal, bounds: Bounds, verdict: _Verdict, marks: Mapping[int, tuple[str, ...]]
) -> bytes:
    """The careful way: every item, resource and scope is parsed alone, mended or left out, and framed again."""
    _refuse_other_signal(raw, signal)
    out: list[bytes] = []
    position = 0
    for group in walk(raw):
        if group.number != 1 or group.wire_type != BYTES:
            continue  # unknown fields of a newer protocol are not kept
        parts: list[bytes] = []
        first = verdict.kept
        group_marks: set[str] = set()
        for part in walk(raw, group.start, group.end):
            value = raw[part.start : part.end]
            if part.number == 1 and part.wire_type == BYTES:
                fresh, names = _mended_part(value, RESOURCE, bounds, lambda b: frame(1, frame(1, b)), signal)
                parts.append(frame(1, fresh))
                group_marks |= names
            elif part.number == 2 and part.wire_type == BYTES:
                scope, position = _scope_apart(raw, part.start, part.end, signal, bounds, verdict, marks, position)
                parts.append(frame(2, scope))
            elif part.number == 3 and part.wire_type == BYTES:
                parts.append(frame(3, value.decode("utf-8", "replace").encode()))
        _mark_range(verdict, first, group_marks)
        out.append(frame(1, b"".join(parts)))
    return b"".join(out)


def _scope_apart(
    raw: bytes,
    start: int,
    end: int,
    signal: OtlpSignal,
    bounds: Bounds,
    verdict: _Verdict,
    marks: Mapping[int, tuple[str, ...]],
    position: int,
) -> tuple[bytes, int]:
    parts: list[bytes] = []
    first = verdict.kept
    scope_marks: set[str] = set()
    for part in walk(raw, start, end):
        value = raw[part.start : part.end]
        if part.number == 1 and part.wire_type == BYTES:
            fresh, names = _mended_part(value, SCOPE, bounds, lambda b: frame(1, frame(2, frame(1, b))), signal)
            parts.append(frame(1, fresh))
            scope_marks |= names
        elif part.number == 2 and part.wire_type == BYTES:
            kept = _item_apart(value, signal, bounds, verdict, marks.get(position, ()))
            position += 1
            if kept is not None:
                parts.append(frame(2, kept))
        elif part.number == 3 and part.wire_type == BYTES:
            parts.append(frame(3, value.decode("utf-8", "replace").encode()))
    _mark_range(verdict, first, scope_marks)
    return b"".join(parts), position


def _item_apart(
    value: bytes, signal: OtlpSignal, bounds: Bounds, verdict: _Verdict, marks: tuple[str, ...]
) -> bytes | None:
    try:
        if len(value) > bounds.big_item_bytes:
            room = bounds.messages - verdict.messages
            if count_messages(value, signal.item, room) > room:
                verdict.reject(TOO_MANY)
                return None
        names = set(marks)
        item = _parse_item(value, signal)
        if item is None:
            fixed = mend(value, signal.item)
            value = fixed.data
            names |= _names(fixed.repaired, fixed.emptied)
            item = _parse_item(value, signal)
    except WireError:
        item = None
    if item is None:
        verdict.reject(NOT_PROTOBUF)
        return None
    reason = _reason_against(item, signal, bounds, verdict)
    if reason:
        verdict.reject(reason)
        return None
    verdict.keep(tuple(sorted(names)))
    return value


def _parse_item(value: bytes, signal: OtlpSignal) -> Any | None:
    """Parse an item where it will stand when the whole record is parsed, so that depth is judged the same way."""
    try:
        message = signal.request.FromString(frame(1, frame(2, frame(2, value))))
    except DecodeError:
        return None
    if signal is TRACES:
        return message.resource_spans[0].scope_spans[0].spans[0]
    return message.resource_logs[0].scope_logs[0].log_records[0]


def _mended_part(
    value: bytes, descriptor: Any, bounds: Bounds, wrap: Any, signal: OtlpSignal
) -> tuple[bytes, set[str]]:
    """A resource or scope that parses; its items are worth more than it, so a hopeless one is emptied."""
    try:
        if count_messages(value, descriptor, bounds.item_attributes * 4) > bounds.item_attributes * 4:
            return b"", {EMPTIED}
        if _parses(wrap(value), signal):
            return value, set()
        fixed = mend(value, descriptor)
    except WireError:
        return b"", {EMPTIED}
    if _parses(wrap(fixed.data), signal):
        return fixed.data, _names(fixed.repaired, fixed.emptied)
    return b"", {EMPTIED}


def _parses(request: bytes, signal: OtlpSignal) -> bool:
    try:
        signal.request.FromString(request)
    except DecodeError:
        return False
    return True


def _names(repaired: bool, emptied: bool) -> set[str]:
    return ({REPAIRED} if repaired else set()) | ({EMPTIED} if emptied else set())


def _mark_range(verdict: _Verdict, first: int, names: set[str]) -> None:
    for position in range(first, verdict.kept) if names else ():
        verdict.marks[position] = tuple(sorted({*verdict.marks.get(position, ()), *names}))


def _reason_against(item: Any, signal: OtlpSignal, bounds: Bounds, verdict: _Verdict) -> str:
    """Why a parsed item cannot be kept; empty when it can."""
    attributes = item.attributes
    size = len(attributes)
    if signal is TRACES:
        trace_id, span_id = item.trace_id, item.span_id
        if len(trace_id) != TRACE_ID_BYTES or not any(trace_id):
            return NO_TRACE_ID
        if len(span_id) != SPAN_ID_BYTES or not any(span_id):
            return NO_SPAN_ID
        if item.end_time_unix_nano and not item.start_time_unix_nano:
            return END_ONLY
        size += len(item.events) + len(item.links)
    if size > bounds.item_attributes:
        return TOO_MANY
    verdict.messages += size
    if verdict.messages > bounds.messages:
        raise RefusalError(Trouble.TOO_LARGE, "One request holds too many attributes; send smaller batches.")
    if item.ByteSize() > bounds.key_bytes and any(len(a.key) > bounds.key_bytes for a in attributes):
        return LONG_KEY
    return ""


def _refuse_all(raw: bytes, signal: OtlpSignal, verdict: _Verdict) -> None:
    _refuse_other_signal(raw, signal)
    raise RefusalError(
        Trouble.BAD_DATA,
        _message(signal, verdict, ()),
        [(signal.items_key, f"{count} with {reason}") for reason, count in verdict.reasons.most_common()],
    )


def _refuse_other_signal(raw: bytes, signal: OtlpSignal) -> None:
    other = _other_signal(raw, signal)
    if other is not None:
        raise RefusalError(
            Trouble.BAD_DATA,
            f"This body holds {other.word}, not {signal.word}: send it to {other.path}.",
            [("body", f"looks like an OTLP {other.word} request")],
        )


def _other_signal(raw: bytes, signal: OtlpSignal) -> OtlpSignal | None:
    """Which signal a body really holds. All three share field numbers, so a wrong one still parses (with odd fields)."""
    votes: Counter[str] = Counter()
    for fields in _sample(raw):
        if fields.get(1) == FIXED64 or fields.get(11) == FIXED64 or (fields.get(2) == VARINT and 1 not in fields):
            votes["logs"] += 1
        elif fields.get(1) == BYTES and fields.get(2) == BYTES and (fields.get(7) == FIXED64 or 7 not in fields):
            votes["spans" if fields.get(FIRST_LENGTH) == TRACE_ID_BYTES else "metrics"] += 1
        elif fields.get(1) == BYTES and any(fields.get(kind) == BYTES for kind in (7, 9, 10, 11)):
            votes["metrics"] += 1
        else:
            votes[signal.word] += 1
    if not votes:
        return None
    word, count = votes.most_common(1)[0]
    if word == signal.word or count < sum(votes.values()):
        return None  # only a unanimous body is somebody's wrong address
    return next(s for s in (TRACES, LOGS, METRICS) if s.word == word)


def _sample(raw: bytes) -> list[dict[int, int]]:
    """Wire types by field number of the first items, and the length of field 1."""
    found: list[dict[int, int]] = []
    for group in walk(raw):
        for scope in walk(raw, group.start, group.end) if group.number == 1 and group.wire_type == BYTES else ():
            for item in walk(raw, scope.start, scope.end) if scope.number == 2 and scope.wire_type == BYTES else ():
                if item.number != 2 or item.wire_type != BYTES:
                    continue
                try:
                    fields = list(walk(raw, item.start, item.end))
                except WireError:
                    continue
                if not fields:
                    continue
                types = {f.number: f.wire_type for f in fields}
                types[FIRST_LENGTH] = sum(f.end - f.start for f in fields if f.number == 1)
                found.append(types)
                if len(found) >= SAMPLE:
                    return found
    return found


def _metrics(raw: bytes, verdict: _Verdict) -> Accepted:
    """Metrics are acknowledged and counted: refusing them would fill their sender's log for nothing."""
    _refuse_other_signal(raw, METRICS)
    count = bounds_check_items(raw, METRICS, Bounds(items=1 << 40))
    return Accepted(METRICS, Payload(b""), count, sum(verdict.reasons.values()))


def _message(signal: OtlpSignal, verdict: _Verdict, warnings: tuple[str, ...]) -> str:
    sentences = []
    rejected = sum(verdict.reasons.values())
    if rejected:
        why = ", ".join(f"{count} with {reason}" for reason, count in verdict.reasons.most_common())
        sentences.append(f"{rejected} of {verdict.seen} {signal.word} were rejected: {why}.")
    return " ".join((*sentences, *warnings))
