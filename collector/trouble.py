"""Describing an unexpected error without its message, which could quote what a sender wrote."""

from __future__ import annotations

import traceback
from pathlib import PurePath

FRAMES_MAX = 12


def described(error: BaseException) -> str:
    """The kind of the error and where it happened, innermost place last."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES_MAX:]
    places = " > ".join(f"{PurePath(f.filename).name}:{f.lineno} {f.name}" for f in frames)
    return f"{type(error).__name__} at {places}" if places else type(error).__name__
