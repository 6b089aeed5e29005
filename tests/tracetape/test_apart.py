"""Two receivers, two workers, one main and one web at once, over the network to a ClickHouse and a PostgreSQL server."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.store import clickhouse_server, postgres_server
from tests.tracetape.forwarding.sink import OtlpSink
from tests.tracetape.parts import PartProcess
from tests.tracetape.running import clean_environ, wait_for
from tracetape.folder import DataFolder, FolderLock, write_status
from tracetape.receivers import merged

SENT_TO_EACH = 12
SPANS_PER_TRACE = 4


@contextmanager
def servers(place: Path) -> Iterator[dict[str, str]]:
    """Settings that name a ClickHouse and, where one is installed, a PostgreSQL server."""
    with ExitStack() as stack:
        port, _ = stack.enter_context(clickhouse_server.a_server(place / "clickhouse"))
        store = f"clickhouse://tester:se%3Acr%40t%2F@127.0.0.1:{port}/tracetape"
        found = {"TRACETAPE_STORE": store, "TRACETAPE_REDACTION": "rules"}
        if postgres_server.is_there():
            address = stack.enter_context(postgres_server.a_postgres())
            postgres_server.execute(address, "DROP DATABASE IF EXISTS apart")
            postgres_server.execute(address, "CREATE DATABASE apart")
            found["TRACETAPE_LEDGER"] = f"{address}apart"
        yield found


def a_trace(number: int) -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    envelope = request.resource_spans.add()
    envelope.resource.attributes.add(key="service.name").value.string_value = "shop"
    scope = envelope.scope_spans.add()
    for n in range(SPANS_PER_TRACE):
        span = scope.spans.add(
            trace_id=(0xA000 + number).to_bytes(16, "big"),
            span_id=(n + 1).to_bytes(8, "big"),
            name=f"step {n} of anna.smith@example.com",
            start_time_unix_nano=1_700_000_000_000_000_000 + n,
            end_time_unix_nano=1_700_000_001_000_000_000 + n,
        )
        if n:
            span.parent_span_id = (1).to_bytes(8, "big")
    return request


def send(http: str, number: int) -> None:
    body = a_trace(number).SerializeToString()
    headers = {"Content-Type": "application/x-protobuf"}
    with urllib.request.urlopen(urllib.request.Request(f"{http}/v1/traces", body, headers), timeout=20) as answer:
        assert answer.status == 200


def api(web: str, key: str, path: str) -> Any:
    request = urllib.request.Request(web + path, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def page(web: str, key: str, path: str) -> str:
    request = urllib.request.Request(web + path, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return str(answer.read(), "utf-8")


def command(data: Path, environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tracetape", *words, "--data", str(data)],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environ() | environ,
        check=False,
    )


def settled(web: str, key: str) -> Any:
    def look() -> Any:
        data = api(web, key, "/api/v1/health")["data"]
        return data if data["spans"]["pending"] == 0 else None

    return wait_for(look, 60, "nothing pending")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_two_receivers_two_workers_one_main_and_one_web_store_everything_once(tmp_path: Path):
    """Through kill -9 of main and of a worker: every span acknowledged by either receiver is stored once and shown."""
    data = tmp_path / "data"
    with OtlpSink() as sink, servers(tmp_path) as environ, ExitStack() as ends:
        environ |= {"TRACETAPE_FORWARD_URL": sink.url, "TRACETAPE_ALERT_NETWORKS": "127.0.0.1"}

        def part(word: str, *options: str) -> PartProcess:
            process = PartProcess(word, data, environ, *options)
            ends.callback(process.stop)
            return process

        main = part("main")
        doors = [part("receive", "--name", n, "--grpc-port", "0", "--http-port", "0") for n in ("a", "b")]
        crews = [part("work", "--name", n, "--workers", "1") for n in ("a", "b")]
        web = part("web", "--web-port", "0")
        address = web.address("web")
        https = [door.address("http") for door in doors]
        key = command(data, environ, "keys", "create", "--role", "admin", "--name", "tests").stdout.strip()

        for number in range(SENT_TO_EACH):
            for n, http in enumerate(https):
                send(http, number * 2 + n)
        pids = json.loads((data / "run" / "main.json").read_text())["pid"], crews[0].process.pid
        subprocess.run(["kill", "-9", *map(str, pids)], check=True)  # main's process, and one crew with its worker
        assert api(address, key, "/api/v1/runs?limit=1")["data"] is not None, "pages are read while main restarts"
        for n, http in enumerate(https):
            send(http, n)  # sent once more, through the other receiver as it were: known again
            send(http, SENT_TO_EACH * 2 + n)

        health = wait_for(lambda: _whole(address, key), 60, "everything stored")
        sent = 2 * SENT_TO_EACH + 2
        assert health["spans"]["acked"] == health["spans"]["stored"] == (sent + 2) * SPANS_PER_TRACE
        runs = api(address, key, "/api/v1/runs?limit=200")["data"]
        assert sorted(run["run_id"] for run in runs) == sorted(f"{0xA000 + n:032x}" for n in range(sent))
        run = api(address, key, f"/api/v1/runs/{runs[0]['run_id']}")["data"]
        assert sorted(span["span_id"] for span in run["spans"]) == [f"{n + 1:016x}" for n in range(SPANS_PER_TRACE)]
        assert "anna.smith@example.com" not in json.dumps(run)
        wait_for(lambda: len(sink.spans) == sent * SPANS_PER_TRACE, 20, "every span at the other backend")
        with urllib.request.urlopen(f"{address}/readyz", timeout=10) as answer:
            assert answer.status == 200
        told = json.loads(command(data, environ, "health").stdout)
        assert told["spans"]["stored"] == health["spans"]["stored"], "verbs reach main through the folder"
        assert [p.stop() for p in (*doors, crews[1], main)] == [0] * 4
        assert "step 3" in page(address, key, f"/runs/{runs[0]['run_id']}"), "a run is read without main"
        assert web.stop() == 0
        assert not (data / "run" / "sockets.json").exists()


POLICY = "workflow_id: '*'\nsuccess: {status: ok}\n"
NOW = "applied"


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_is_saved_while_main_is_away_is_told_as_saved_and_takes_effect_when_it_is_back(tmp_path: Path):
    """Whatever a person or program saves on the web: it is kept and says so, or it is refused and not kept."""
    data = tmp_path / "data"
    with servers(tmp_path) as environ, ExitStack() as ends:

        def part(word: str, *options: str) -> PartProcess:
            process = PartProcess(word, data, environ, *options)
            ends.callback(process.stop)
            return process

        main = part("main")
        http = part("receive", "--grpc-port", "0", "--http-port", "0").address("http")
        part("work", "--workers", "1")
        web = part("web", "--web-port", "0").address("web")
        key = command(data, environ, "keys", "create", "--role", "admin", "--name", "tests").stdout.strip()
        send(http, 0)
        send(http, 1)
        wait_for(lambda: _whole(web, key), 60, "both runs")
        first, second = (f"/runs/{0xA000 + n:032x}" for n in (0, 1))
        assert post(web, key, f"/api/v1{first}/remarks", json.dumps({"kind": "tag", "text": NOW}))[0] == 200
        wait_for(lambda: NOW in api(web, key, f"/api/v1{first}")["data"]["tags"], 20, "a tag while main is there")
        tag = api(web, key, f"/api/v1{first}/remarks")["data"][0]["remark_id"]
        main.stop()

        code, said = post(web, key, f"/api/v1{first}/outcome", json.dumps({"label": "failure"}))
        assert (code, json.loads(said)["takes_effect"]) == (200, "when the main process is back")
        with_words = json.dumps({"label": "success", "reason": "said by Anna Smith"})
        assert post(web, key, f"/api/v1{second}/outcome", with_words)[0] == 503, "nobody can redact the reason"
        assert api(web, key, f"/api/v1{second}/outcome")["data"]["history"] == [], "refused, so not kept"
        price = {"name": "ours", "model": "house-*", "usd_input": "1"}
        for path, fields in (
            (f"{first}/remarks/remove", {"remark_id": tag}),
            ("/policy/save", {"workflow": "*", "text": POLICY}),
            ("/prices/set", price),
            ("/workflow-names/add", {"workflow": "renamed", "service": "shop"}),
            ("/near-misses/teach", {"tool": "search", "counts": "0"}),
        ):
            code, where = post(web, key, path, urllib.parse.urlencode(fields))
            assert code == 303, (path, code)
            assert "takes effect" in (shown := page(web, key, where)) or "take effect" in shown, path
        assert "house-*" in page(web, key, "/prices")
        for path in ("/retention", "/alert-rules", "/redaction", first):
            assert "take effect when the main process is back" in page(web, key, path)
        erase = urllib.parse.urlencode({"subject": "run", "target": second.removeprefix("/runs/"), "word": "erase"})
        whom = urllib.parse.urlencode({"values": "Anna Smith", "entity": "PERSON"})
        for path, form in (("/erasures/preview", whom), ("/erasures", erase)):
            code, said = post(web, key, path, form)
            assert (code, "type it again" in said, "Smith" in said) == (503, True, False), path
        assert "Nobody was erased" in page(web, key, "/erasures")
        assert api(web, key, f"/api/v1{first}")["data"]["outcome"]["label"] != "failure", "not yet"

        main = part("main")
        main.wait_ready()

        def judged() -> bool:
            run = api(web, key, f"/api/v1{first}")["data"]
            return (run["outcome"]["label"], run["tags"], run["workflow"]) == ("failure", [], "renamed")

        wait_for(judged, 60, "what was saved takes effect")
        wait_for(lambda: "take effect" not in page(web, key, first), 20, "nothing waits any more")
        assert "1\xa0run" in page(web, key, f"{second}/erase")
        assert post(web, key, "/erasures", erase) == (303, "/erasures")
        wait_for(lambda: "hidden" in page(web, key, "/erasures"), 30, "main hides the run that the web asked for")


def post(web: str, key: str, path: str, body: str) -> tuple[int, str]:
    """The code of an answer, and its body or where it leads to."""
    kind = "application/json" if body.startswith("{") else "application/x-www-form-urlencoded"
    headers = {"Authorization": f"Bearer {key}", "Content-Type": kind}
    request = urllib.request.Request(web + path, body.encode(), headers)
    try:
        with urllib.request.build_opener(_Stay).open(request, timeout=30) as answer:
            return answer.status, answer.headers.get("Location") or str(answer.read(), "utf-8")
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers.get("Location") or str(refused.read(), "utf-8")


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: object) -> None:
        """Redirects are looked at, not followed."""


def _whole(web: str, key: str) -> Any:
    """The delivery check once nothing is pending; None while main is not back yet."""
    try:
        data = api(web, key, "/api/v1/health")["data"]
    except OSError:
        return None
    return data if data["spans"]["pending"] == 0 and data["spans"]["acked"] else None


@pytest.mark.parametrize("part", ["main", "web"])
def test_main_and_web_apart_need_a_server(tmp_path: Path, part: str):
    done = command(tmp_path, {}, part)
    assert done.returncode == 2
    assert "TRACETAPE_STORE=clickhouse://" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_second_part_of_one_name_is_refused(tmp_path: Path):
    folder = DataFolder(tmp_path)
    folder.create()
    lock = FolderLock(folder, "work-a")
    lock.acquire()
    done = command(tmp_path, {}, "work", "--workers", "1")
    lock.release()
    assert done.returncode == 2
    assert "choose another with --name" in done.stderr


def test_figures_of_several_receivers_are_added(tmp_path: Path):
    folder = DataFolder(tmp_path)
    folder.create()
    for name, spans in (("a", 3), ("b", 4)):
        status, ready = folder.receiver_files(name)
        write_status(status, {"acked": {"spans": spans}, "spans_per_s": 1.5, "last_accepted_ns": spans})
        write_status(ready, {"pid": 1})
    assert folder.receivers() == ("a", "b")
    both = merged([{"acked": {"spans": 3}, "spans_per_s": 1.5}, {"acked": {"spans": 4}, "last_accepted_ns": 9}])
    assert (both["acked"], both["spans_per_s"], both["last_accepted_ns"]) == ({"spans": 7}, 1.5, 9)


def test_arrivals_of_several_receivers_stand_newest_first_and_one_refusal_shows():
    full = {"arrivals": [{"time_ns": 5}], "spool": {"records": 2, "refusal": "full", "last_sync_ms": 3.0}}
    other = {"arrivals": [{"time_ns": 9}], "spool": {"records": 1, "refusal": "", "last_sync_ms": 1.0}}
    both = merged([full, other])
    assert both["arrivals"] == [{"time_ns": 9}, {"time_ns": 5}]
    assert both["spool"] == {"records": 3, "refusal": "full", "last_sync_ms": 3.0}
