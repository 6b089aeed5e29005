"""An error as a page: what happened, in a sentence, and a way on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What the error page says."""

    status: int
    title: str
    message: str
