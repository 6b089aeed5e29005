"""Refusals of the web, and the one table from errors to answers."""

from __future__ import annotations

from dataclasses import dataclass

from spans.errors import BusyError, HouseError, NotFoundError, RefusedError, TooHeavyError, TooLargeError


class SignInNeededError(HouseError):
    """Nobody is signed in, or the key or link is not valid (401)."""


class NotPermittedError(HouseError):
    """Signed in, but the role does not include this (403)."""


class ForeignRequestError(HouseError):
    """The request came from another site or for another host (403)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a person and a program are told about an error."""

    status: int
    code: str
    title: str


_TABLE: tuple[tuple[type[HouseError], Answer], ...] = (
    (SignInNeededError, Answer(401, "sign_in_needed", "Sign in")),
    (NotPermittedError, Answer(403, "not_permitted", "Not permitted")),
    (ForeignRequestError, Answer(403, "foreign_request", "Refused")),
    (NotFoundError, Answer(404, "not_found", "Nothing here")),
    (TooLargeError, Answer(413, "too_large", "Too large")),
    (RefusedError, Answer(400, "bad_request", "That cannot be read")),
    (TooHeavyError, Answer(503, "too_heavy", "Too much at once")),
    (BusyError, Answer(503, "busy", "One moment")),
)
INTERNAL = Answer(500, "internal", "Something broke on our side")


def answer_for(error: Exception) -> Answer:
    """The answer for an error; everything unknown is a plain 500."""
    for kind, answer in _TABLE:
        if isinstance(error, kind):
            return answer
    return INTERNAL
