"""The smaller lists: workflows, near misses, members, keys, access log, About."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spans.roles import Role
from store.api import FleetRow
from store.ledger.audit import AuditEntry
from store.ledger.key_info import KeyInfo
from store.ledger.links import PendingLink
from store.ledger.members import Member
from store.ledger.sessions import Session
from web.pages.overview import Around, FleetLine, fleet_lines
from web.places import Place


@dataclass(frozen=True, slots=True)
class WorkflowsPage:
    """Every workflow of the range, worst first."""

    lines: tuple[FleetLine, ...]
    range_words: str


def build_workflows(place: Place, fleet: Sequence[FleetRow], around: Around) -> WorkflowsPage:
    """Build the list; a workflow stands in it as it does on Overview."""
    return WorkflowsPage(fleet_lines(place, fleet, around), place.range.words())


PEOPLE_ROLES = (Role.VIEWER, Role.REVIEWER, Role.ADMIN, Role.AUDITOR)
ROLE_WORDS: Mapping[Role, str] = {
    Role.VIEWER: "reads runs, pages and numbers",
    Role.REVIEWER: "reads, labels, annotates and pins",
    Role.ADMIN: "does everything, members and keys included",
    Role.AUDITOR: "reads the access log only",
    Role.INGEST: "sends telemetry and reads nothing",
}


@dataclass(frozen=True, slots=True)
class MembersPage:
    """Who may sign in, who was invited, who is signed in now."""

    members: tuple[Member, ...]
    pending: tuple[PendingLink, ...]
    sessions: tuple[Session, ...]
    roles: tuple[tuple[str, str], ...]
    own_member: str
    own_session: str
    link: str = ""
    """The invitation just made; shown this once."""
    link_name: str = ""


def build_members(
    members: Sequence[Member],
    pending: Sequence[PendingLink],
    sessions: Sequence[Session],
    *,
    own_member: str,
    own_session: str,
    link: str = "",
    link_name: str = "",
) -> MembersPage:
    """Build the page; removed people are left out."""
    return MembersPage(
        members=tuple(m for m in members if m.removed_ns is None),
        pending=tuple(p for p in pending if p.kind == "invitation"),
        sessions=tuple(sessions),
        roles=tuple((r.value, ROLE_WORDS[r]) for r in PEOPLE_ROLES),
        own_member=own_member,
        own_session=own_session,
        link=link,
        link_name=link_name,
    )


@dataclass(frozen=True, slots=True)
class KeysPage:
    """API keys; secrets are shown once."""

    keys: tuple[KeyInfo, ...]
    roles: tuple[tuple[str, str], ...]
    project: str
    secret: str = ""
    secret_name: str = ""
    secret_role: str = ""
    warning: str = ""


def build_keys(
    keys: Sequence[KeyInfo], project: str, *, secret: str = "", made: KeyInfo | None = None, warning: str = ""
) -> KeysPage:
    """Build the page: working keys first, newest first."""
    return KeysPage(
        keys=tuple(sorted(keys, key=lambda k: (k.revoked_ns is not None, -k.created_ns))),
        roles=tuple((r.value, ROLE_WORDS[r]) for r in (Role.INGEST, Role.VIEWER, Role.REVIEWER, Role.ADMIN)),
        project=project,
        secret=secret,
        secret_name=made.name if made else "",
        secret_role=made.role.value if made else "",
        warning=warning,
    )


@dataclass(frozen=True, slots=True)
class LogLine:
    """One entry of the access log, in words."""

    entry_id: int
    time_ns: int
    who: str
    actor: str
    words: str
    target: str
    href: str
    project: str
    detail: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class AccessLogPage:
    """Who did what, newest first."""

    lines: tuple[LogLine, ...]
    older_href: str
    newer_href: str


ACTION_WORDS = {
    "sign_in": "signed in",
    "sign_out": "signed out",
    "content_read": "read the content of a run",
    "search": "searched",
    "export": "downloaded",
    "review": "reviewed",
    "policy_change": "changed a policy",
    "rule_change": "changed an alert rule",
    "price_change": "changed a price",
    "retention_change": "changed retention",
    "member_change": "changed members",
    "key_change": "changed keys",
}


def build_access_log(
    place: Place, entries: Sequence[AuditEntry], names: Mapping[str, str], *, limit: int, is_first: bool, may_read: bool
) -> AccessLogPage:
    """Build a page of the log; `names` by actor."""
    lines = tuple(
        LogLine(
            entry_id=e.entry_id,
            time_ns=e.time_ns,
            who=names.get(e.actor, e.actor),
            actor=e.actor,
            words=ACTION_WORDS.get(e.action, e.action.replace("_", " ")),
            target=e.target,
            href=_run_link(place, e) if may_read else "",
            project=e.project,
            detail=tuple(sorted(e.detail.items())),
        )
        for e in entries
    )
    older = place.url("/access-log", before=entries[-1].entry_id) if len(entries) == limit else ""
    return AccessLogPage(lines, older, "" if is_first else place.url("/access-log"))


def _run_link(place: Place, entry: AuditEntry) -> str:
    if entry.action not in {"content_read", "export"} or len(entry.target) != 32:
        return ""
    project = None if entry.project in {"", place.home_project} else entry.project
    return place.bare(f"/runs/{entry.target}", project=project)


@dataclass(frozen=True, slots=True)
class AboutPage:
    """Version and changes."""

    version: str
    changelog: tuple[tuple[str, tuple[str, ...]], ...]
    """(heading, lines) per release, newest first."""


def parse_changelog(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Releases of a changelog in Markdown: `## ` headings with their `- ` lines."""
    releases: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line.startswith("## "):
            releases.append((line[3:].strip().strip("[]"), []))
        elif line.startswith(("- ", "* ")) and releases:
            releases[-1][1].append(line[2:].strip())
        elif line.startswith("  ") and line.strip() and releases and releases[-1][1]:
            releases[-1][1][-1] += " " + line.strip()
    return tuple((heading, tuple(lines)) for heading, lines in releases[:20])
