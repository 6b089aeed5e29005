from __future__ import annotations

import base64
import re

import pytest

from replay.bundle import check_bundle
from replay.proof import Verdict
from spans.roles import Role
from tests.builders import NOW_NS, SECOND_NS
from tests.web.samples import add_refund


@pytest.fixture
def pair(house):
    left = add_refund(house.store, 1, at_ns=NOW_NS - 120 * SECOND_NS)
    return left, add_refund(house.store, 2, text="Something else", at_ns=NOW_NS - 60 * SECOND_NS)


def test_sharing_needs_a_reviewer_is_recorded_and_says_what_may_remain(house, pair):
    assert house.browser(Role.VIEWER).post(f"/runs/{pair[0]}/share").status_code == 403
    browser = house.browser(Role.REVIEWER)
    page = browser.get(f"/runs/{pair[0]}/share").text
    assert "Detectors miss things" in page
    answer = browser.post(f"/runs/{pair[0]}/share")
    assert "attachment" in answer.headers["content-disposition"]
    assert "Detectors miss things" in answer.text
    assert [e.target for e in house.ledger.audit.list() if e.action == "export"] == [pair[0]]


def test_the_shared_file_loads_nothing_and_carries_its_proof(house, pair):
    text = house.browser(Role.REVIEWER).post(f"/runs/{pair[0]}/share").text
    assert not re.findall(r'(?:src|href)="(?!#|data:application/zip)[^"]*"', text)
    assert "<script" not in text
    assert re.search(r'<div class="msg role-user"><header><b>user</b></header><div class="body"><div class="say"', text)
    assert "asks for <b>execute_refund</b>" in text
    assert "_type" not in text
    assert "openai-chat" not in re.sub(r"<details.*?</details>", "", text)
    raw = base64.b64decode(re.search(r"base64,([^\"]+)", text)[1])
    found = check_bundle(raw)
    assert found.verdict is Verdict.INTACT
    assert found.root in text
