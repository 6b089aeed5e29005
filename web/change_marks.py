"""Marks of change as the lines of charts: what changed when, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from spans.change import Mark
from web.charts import Chart, Marker, with_markers

MOST_LINES = 12
"""Lines of one chart; more hide the bars. The page Drift lists them all."""


def marker(mark: Mark) -> Marker:
    """A mark of change as a line of a chart."""
    where = f"{mark.workflow}: " if mark.workflow else ""
    by = f" ({mark.by})" if mark.by else ""
    return Marker(mark.at_ns, f"{where}{mark.sentence}{by}")


def mark_charts(charts: Sequence[Chart], marks: Sequence[Mark], environment: str = "") -> tuple[Chart, ...]:
    """The newest changes of an environment (empty: of all) as lines on every chart; the words stand under the first one alone."""
    here = [mark for mark in marks if not environment or mark.environment in ("", environment)]
    lines = tuple(marker(mark) for mark in here[-MOST_LINES:])
    drawn = [with_markers(chart, lines) for chart in charts]
    told = next((n for n, chart in enumerate(charts) if not chart.is_empty), 0)
    return tuple(chart if n == told else replace(chart, markers=()) for n, chart in enumerate(drawn))
