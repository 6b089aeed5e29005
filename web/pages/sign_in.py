"""Signing in: by one-time link, by invitation, or by pasting a key."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SignInPage:
    """The sign-in page; with a token it shows one button, so that a link preview does not use the link up."""

    next: str = "/"
    message: str = ""
    token: str = ""
    asks_name: bool = False
    by_key: bool = False
