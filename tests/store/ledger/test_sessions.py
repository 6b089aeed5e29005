from __future__ import annotations

from spans.roles import Role
from store.ledger.sessions import Subject


def test_a_members_session_carries_their_role_as_it_is_now(ledger):
    member = ledger.members.create("Ada", Role.VIEWER)
    token = ledger.sessions.create(Subject("member", member.member_id), "Firefox")
    session = ledger.sessions.lookup(token)
    assert (session.role, session.name, session.project, session.user_agent) == (Role.VIEWER, "Ada", None, "Firefox")
    ledger.members.set_role(member.member_id, Role.REVIEWER)
    assert ledger.sessions.lookup(token).role is Role.REVIEWER
    ledger.members.remove(member.member_id)
    assert ledger.sessions.lookup(token) is None


def test_a_pasted_keys_session_is_bound_to_its_project_and_ends_with_it(ledger):
    info, _ = ledger.keys.create("shop", Role.VIEWER, "grafana")
    token = ledger.sessions.create(Subject("key", info.key_id), "curl")
    session = ledger.sessions.lookup(token)
    assert (session.project, session.role, session.name) == ("shop", Role.VIEWER, "grafana")
    ledger.keys.revoke(info.key_id)
    assert ledger.sessions.lookup(token) is None
    assert ledger.sessions.list() == ()


def test_a_session_can_be_revoked_and_expires(ledger, clock):
    member = ledger.members.create("Ada", Role.VIEWER)
    subject = Subject("member", member.member_id)
    short, long = ledger.sessions.create(subject, "a", ttl_s=10), ledger.sessions.create(subject, "b")
    assert [s.user_agent for s in ledger.sessions.list()] in (["a", "b"], ["b", "a"])
    clock.pass_s(10)
    assert ledger.sessions.lookup(short) is None
    ledger.sessions.revoke(ledger.sessions.lookup(long).session_id)
    assert ledger.sessions.lookup(long) is None
    assert ledger.sessions.lookup("") is None


def test_a_session_of_nobody_opens_nothing(ledger):
    assert ledger.sessions.lookup(ledger.sessions.create(Subject("member", "ghost"), "x")) is None
