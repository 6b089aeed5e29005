from __future__ import annotations

import re

from spans.roles import Role
from tests.web.house import House
from tests.web.samples import add_refund

HERE = {"sec-fetch-site": "same-origin"}


def test_a_note_and_a_tag_stand_in_the_header_and_can_be_taken_away(house: House):
    run = add_refund(house.store)
    client = house.browser(Role.REVIEWER)
    for kind, text in (("note", "told maria@example.com <b>today</b>"), ("tag", "double refund")):
        answer = client.post(f"/runs/{run}/remarks", data={"kind": kind, "text": text}, headers=HERE)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/runs/{run}")
    page = client.get(f"/runs/{run}").text
    assert "tapkmj7f" in page
    assert "&lt;b&gt;today" in page
    assert "maria@example.com" not in page
    assert 'href="/runs?tag=double%20refund&amp;shape=any"' in page
    found = re.findall(r'name="remark_id" value="([^"]+)"', page)
    assert len(found) == 2
    for remark in found:
        client.post(f"/runs/{run}/remarks/remove", data={"remark_id": remark}, headers=HERE)
    assert "double refund" not in client.get(f"/runs/{run}").text
    assert client.post(f"/runs/{run}/remarks/remove", data={"remark_id": found[0]}, headers=HERE).status_code == 404


def test_a_viewer_reads_them_and_writes_none(house: House):
    run = add_refund(house.store)
    body = {"kind": "note", "text": "looked at it"}
    made = house.client(Role.REVIEWER).post(f"/api/v1/runs/{run}/remarks", json=body).json()["data"]
    viewer = house.client(Role.VIEWER)
    assert viewer.get(f"/api/v1/runs/{run}/remarks").json()["data"] == [made]
    assert "looked at it" in viewer.get(f"/runs/{run}").text
    assert "Write a note" not in viewer.get(f"/runs/{run}").text
    assert viewer.post(f"/api/v1/runs/{run}/remarks", json=body).status_code == 403
    assert viewer.post(f"/api/v1/runs/{run}/remarks", json={"kind": "poem"}).status_code == 403
    assert house.client(Role.REVIEWER).post(f"/api/v1/runs/{run}/remarks", json={"kind": "poem"}).status_code == 400
