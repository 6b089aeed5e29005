"""The snippet of docs/workflows.md as it stands: it reads the switch, and fails closed."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

DOC = Path(__file__).parents[2] / "docs" / "workflows.md"


def work_mode():
    (code,) = re.findall(r"```python\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL)
    space: dict[str, object] = {}
    exec(code, space)
    return space["work_mode"]


@pytest.mark.parametrize(
    ("status", "body", "mode"),
    [
        (200, '{"data": {"mode": "run"}}', "run"),
        (200, '{"data": {"mode": "stop"}}', "stop"),
        (200, '{"data": {"mode": "new"}}', "stop"),
        (200, "not json", "draft_only"),
        (503, "{}", "draft_only"),
    ],
)
def test_it_reads_the_switch_and_fails_closed(monkeypatch, status, body, mode):
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("TAPE_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("TAPE_KEY", "tt_x")
    assert work_mode()("refund-agent") == mode
    server.shutdown()
    server.server_close()


def test_nobody_there_means_drafts_only(monkeypatch):
    monkeypatch.setenv("TAPE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("TAPE_KEY", "tt_x")
    assert work_mode()("refund-agent") == "draft_only"
