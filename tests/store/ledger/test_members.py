from __future__ import annotations

import pytest

from spans.errors import NotFoundError
from spans.roles import Role


def test_a_member_can_change_role_and_be_removed(ledger):
    member = ledger.members.create("Ada", Role.VIEWER)
    assert ledger.members.get(member.member_id) == member
    assert ledger.members.set_role(member.member_id, Role.ADMIN).role is Role.ADMIN
    assert ledger.members.remove(member.member_id).removed_ns is not None
    assert [m.name for m in ledger.members.list()] == ["Ada"]
    with pytest.raises(NotFoundError):
        ledger.members.set_role(member.member_id, Role.VIEWER)


def test_an_unknown_member_is_none(ledger):
    assert ledger.members.get("nobody") is None
