from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from spans.roles import Role
from tests.web.house import BASE, a_house


@pytest.fixture
def measured(tmp_path):
    made = a_house(tmp_path, metrics=lambda: "tracetape_up 1\n")
    yield made
    made.ledger.close()


def asked_from(house, host: str, **headers: str):
    client = TestClient(house.app, base_url=BASE, raise_server_exceptions=False, client=(host, 5000))
    return client.get("/metrics", headers=headers)


def test_this_machine_needs_no_key(measured):
    answer = asked_from(measured, "127.0.0.1")
    assert (answer.status_code, answer.text) == (200, "tracetape_up 1\n")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


def test_others_need_the_right_to_read(measured):
    assert asked_from(measured, "192.0.2.7").status_code == 401
    _, ingest = measured.ledger.keys.create("default", Role.INGEST, "sender")
    assert asked_from(measured, "192.0.2.7", authorization=f"Bearer {ingest}").status_code == 403
    _, viewer = measured.ledger.keys.create("default", Role.VIEWER, "prometheus")
    assert asked_from(measured, "192.0.2.7", authorization=f"Bearer {viewer}").status_code == 200


def test_a_visitor_behind_a_proxy_on_this_machine_is_not_local(measured):
    assert asked_from(measured, "127.0.0.1", **{"x-forwarded-for": "192.0.2.7"}).status_code == 401


def test_a_process_without_metrics_says_so(tmp_path):
    house = a_house(tmp_path)
    assert asked_from(house, "127.0.0.1").status_code == 404
    house.ledger.close()
