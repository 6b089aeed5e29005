"""Who may do what: roles, permissions and the one table between them."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What a key or a member is."""

    INGEST = "ingest"
    VIEWER = "viewer"
    REVIEWER = "reviewer"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """What a route asks for. Every route names exactly one."""

    PUBLIC = "public"
    """No sign-in: health probes, sign-in itself, static files."""
    SEND = "send"
    """Send telemetry."""
    READ = "read"
    """See runs, pages and numbers."""
    REVIEW = "review"
    """Label, annotate, pin, share."""
    ADMINISTER = "administer"
    """Members, keys, policies, prices, retention, erasure."""
    AUDIT = "audit"
    """Read the access log."""


GRANTS: dict[Role, frozenset[Permission]] = {
    Role.INGEST: frozenset({Permission.SEND}),
    Role.VIEWER: frozenset({Permission.READ}),
    Role.REVIEWER: frozenset({Permission.READ, Permission.REVIEW}),
    Role.ADMIN: frozenset(
        {Permission.READ, Permission.REVIEW, Permission.ADMINISTER, Permission.AUDIT, Permission.SEND}
    ),
    Role.AUDITOR: frozenset({Permission.AUDIT}),
}


def allows(role: Role, permission: Permission) -> bool:
    """Whether a role has a permission; PUBLIC is everyone's."""
    return permission is Permission.PUBLIC or permission in GRANTS[role]
