"""The ways instrumentations write spans: one file each, in the visible list `DIALECTS`."""

from __future__ import annotations

from runs.dialects.base import Dialect
from runs.dialects.oi import OPENINFERENCE
from runs.dialects.otel import OTEL
from runs.dialects.otel_legacy import OTEL_LEGACY
from runs.dialects.tl import TRACELOOP
from runs.dialects.tl_legacy import TRACELOOP_LEGACY

DIALECTS: tuple[Dialect, ...] = (OTEL, OPENINFERENCE, TRACELOOP, OTEL_LEGACY, TRACELOOP_LEGACY)
"""In order of trust: where two dialects on one span disagree, the earlier wins (dialects reference, section 0)."""
