"""Who may do what: one table, read in both directions."""

from __future__ import annotations

import pytest

from spans.roles import GRANTS, Permission, Role, allows

P = Permission


@pytest.mark.parametrize(
    ("role", "granted"),
    [
        (Role.INGEST, {P.SEND}),
        (Role.VIEWER, {P.READ}),
        (Role.REVIEWER, {P.READ, P.REVIEW}),
        (Role.ADMIN, {P.READ, P.REVIEW, P.ADMINISTER, P.AUDIT, P.SEND}),
        (Role.AUDITOR, {P.AUDIT}),
    ],
)
def test_a_role_may_do_this_and_nothing_else(role, granted):
    for permission in Permission:
        assert allows(role, permission) is (permission in granted or permission is P.PUBLIC)


def test_every_role_stands_in_the_table():
    assert set(GRANTS) == set(Role)


def test_a_key_that_sends_can_read_nothing():
    assert not allows(Role.INGEST, P.READ)


def test_an_auditor_sees_who_looked_and_no_run():
    assert allows(Role.AUDITOR, P.AUDIT)
    assert not allows(Role.AUDITOR, P.READ)
