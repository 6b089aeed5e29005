from __future__ import annotations

import gzip

import pytest

from spans.health import IngestStatus
from tests.web.house import House, a_house


def test_files_are_named_by_content_and_kept_for_ever(house: House):
    asset = house.app.state.desk.assets["app.css"]
    client = house.client()
    named = client.get(f"/static/app.css?v={asset.digest}", headers={"accept-encoding": "gzip"})
    assert "immutable" in named.headers["cache-control"]
    assert named.headers["content-encoding"] == "gzip"
    assert named.content == asset.body
    assert "immutable" not in client.get("/static/app.css").headers["cache-control"]
    plain = client.get("/static/app.css", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(asset.compressed) == plain.content


@pytest.mark.parametrize(
    "name",
    [
        "../app.py",
        "..%2fapp.py",
        "..%5capp.py",
        "%2e%2e/app.py",
        "....//app.py",
        "/etc/passwd",
        "app.css%00.js",
        "vendor/LOCK",
        "",
    ],
)
def test_no_name_leaves_the_folder(house: House, name):
    assert house.client().get(f"/static/{name}").status_code == 404


def test_our_own_files_are_small(house: House):
    own = [a for name, a in house.app.state.desk.assets.items() if not name.startswith("vendor/") and a.compressed]
    # With htmx a page without charts stays below 60,000 bytes; what is ours may be less than half of that.
    assert sum(len(a.compressed) for a in own) < 28_000


def test_probes_say_only_whether(tmp_path):
    (tmp_path / "b").mkdir()
    ready = a_house(tmp_path).client()
    starting = a_house(tmp_path / "b", ingest=IngestStatus(receiver_ready=True, workers=2)).client()
    assert ready.get("/healthz").json() == {"status": "ok"}
    assert ready.get("/readyz").json() == {"status": "ready"}
    assert (starting.get("/readyz").status_code, starting.get("/healthz").status_code) == (503, 200)
