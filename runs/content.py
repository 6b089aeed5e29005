"""Content of one span, mapped from evidence whenever a run is read: messages, arguments, documents. Never stored."""

from __future__ import annotations

from collections.abc import Sequence

from runs.reading import content_on, dialects_of, draft_of
from runs.view import View
from spans.clean import CleanLog, CleanSpan
from spans.content import SpanContent


def content_of(item: CleanSpan | CleanLog, logs: Sequence[CleanLog] = ()) -> SpanContent:
    """Everything heavy that a span carries, in the house's shape.

    Args:
        item: The clean span; or a log record that stands for a call no span was sent for.
        logs: The log records of that span, in any order.
    """
    view = view_of(item, logs)
    dialects = dialects_of(view)
    return content_on(view, dialects, draft_of(view, dialects).best_guess().kind)


def view_of(item: CleanSpan | CleanLog, logs: Sequence[CleanLog] = ()) -> View:
    """A view of a span with its logs in time order; equal times keep a fixed order."""
    ordered = sorted(logs, key=_time_and_place)
    return View(item, tuple(View(log) for log in ordered))


def _time_and_place(log: CleanLog) -> tuple[int, int, str, int, int, str]:
    """By time; records of one moment in the order they arrived in."""
    record, origin = log.log, log.origin
    return (
        record.time_ns or record.observed_ns,
        record.observed_ns,
        origin.segment,
        origin.slot,
        origin.position,
        log.log_id,
    )
