from __future__ import annotations

import re

from spans.roles import Role
from tests.web.house import House, a_house
from tests.web.samples import add_refund
from web.settings import WebSettings


def test_two_apps_live_in_one_process(tmp_path):
    (tmp_path / "b").mkdir()
    one, two = a_house(tmp_path), a_house(tmp_path / "b")
    add_refund(one.store)
    assert len(one.client(Role.VIEWER).get("/api/v1/runs").json()["data"]) == 1
    assert two.client(Role.VIEWER).get("/api/v1/runs").json()["data"] == []


def test_nobody_gets_a_sign_in_page_that_leads_back(house: House):
    answer = house.client().get("/runs?workflow=a%20b&range=7d")
    assert answer.status_code == 401
    assert 'name="next" value="/runs?workflow=a%20b&amp;range=7d"' in answer.text


def test_programs_get_errors_as_json(house: House):
    viewer = house.client(Role.VIEWER)
    for client, path, status, code in (
        (house.client(), "/api/v1/runs", 401, "sign_in_needed"),
        (viewer, "/api/v1/nothing", 404, "not_found"),
        (viewer, "/api/v1/runs/xyz", 404, "not_found"),
        (viewer, "/api/v1/runs?status=odd", 400, "bad_request"),
        (viewer, "/api/v1/runs?cursor=odd", 400, "bad_request"),
        (house.client(Role.INGEST), "/api/v1/runs", 403, "not_permitted"),
    ):
        answer = client.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), path
        assert answer.json()["error"]["message"].endswith("."), path
    assert viewer.post("/api/v1/runs").json()["error"]["code"] == "method_not_allowed"


def test_people_get_errors_as_pages_with_a_way_on(house: House):
    viewer = house.client(Role.VIEWER)
    for path, status in (("/nope", 404), ("/members", 403), ("/runs?status=odd", 400), ("/runs?range=odd", 400)):
        answer = viewer.get(path)
        assert answer.status_code == status
        assert ">Overview</a>" in answer.text
    assert "it takes admin" in viewer.get("/members").text


def test_fragments_get_small_errors(house: House):
    answer = house.client(Role.VIEWER).get("/runs/live?after=x", headers={"hx-request": "true"})
    assert answer.status_code == 400
    assert "<html" not in answer.text
    assert house.client().get("/runs/live", headers={"hx-request": "true"}).headers["hx-redirect"] == "/sign-in"


def test_a_form_that_misses_a_field_is_refused_in_a_sentence(house: House):
    answer = house.client(Role.ADMIN).post("/keys/create", data={"role": "viewer"})
    assert answer.status_code == 400
    assert "name: missing" in answer.text


def test_it_works_under_a_sub_path_stripped_or_not(tmp_path):
    house = a_house(tmp_path, settings=WebSettings("https://tape.example.com/tracetape", allowed_hosts=("localhost",)))
    run = add_refund(house.store)
    client = house.client(Role.VIEWER)
    for prefix in ("", "/tracetape"):
        page = client.get(f"{prefix}/runs/{run}")
        assert page.status_code == 200
        links = re.findall(r'(?:href|src|action|hx-get)="(/[^"]*)"', page.text)
        assert links
        assert [link for link in links if not link.startswith("/tracetape/")] == []
        assert client.get(f"{prefix}/api/v1/runs").status_code == 200
    nobody = house.client().get("/tracetape/runs")
    assert 'name="next" value="/runs"' in nobody.text


def test_the_answer_is_compressed_for_browsers(house: House):
    answer = house.client(Role.VIEWER).get("/connect", headers={"accept-encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"


def test_a_body_of_megabytes_is_refused(house: House):
    answer = house.client(Role.ADMIN).post("/keys/create", data={"role": "viewer", "name": "x" * 3_000_000})
    assert answer.status_code == 413
