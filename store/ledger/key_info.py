"""What is known of an API key; never its secret."""

from __future__ import annotations

from dataclasses import dataclass

from spans.roles import Role


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """An API key of one project; `revoked_ns` is None while it works. Times are Unix nanoseconds."""

    key_id: str
    project: str
    role: Role
    name: str
    created_ns: int
    revoked_ns: int | None = None
