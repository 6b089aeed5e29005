"""Puts the embedded engine behind ClickHouse's HTTP protocol: for tests of the networked client, never for users.

As a program: `python -m tests.store.clickhouse_server DIR [PORT]` prints the port it listens on and serves until killed.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from urllib.request import ProxyHandler, build_opener

USER, PASSWORD = "tester", "se:cr@t/"

_TRANSPORT = frozenset(
    {
        "query",
        "database",
        "wait_end_of_query",
        "query_id",
        "session_id",
        "buffer_size",
        "client_protocol_version",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "enable_http_compression",
        "compress",
        "decompress",
    },
)
_INSERT = re.compile(rb"^\s*INSERT\s+INTO\s+.*?\bFORMAT\s+(\w+)\s*$", re.IGNORECASE | re.DOTALL)
_FORMAT = re.compile(r"\bFORMAT\s+(\w+)\s*;?\s*$", re.IGNORECASE)
_CODE = re.compile(r"Code:\s*(\d+)")
_READS = ("select", "with", "show", "describe", "exists", "explain")


class Handler(BaseHTTPRequestHandler):
    """One request, one connection to the engine: settings end with it, as they do on a server."""

    protocol_version = "HTTP/1.1"
    data = ""
    delay_s = 0.0

    def do_GET(self) -> None:
        if urlsplit(self.path).path == "/ping":
            self._answer(200, b"Ok.\n")
        else:
            self._query()

    def do_POST(self) -> None:
        self._query()

    def log_message(self, *_args: object) -> None:
        pass

    def _query(self) -> None:
        import base64

        body = _decoded(self._body(), self.headers.get("Content-Encoding", ""))
        expected = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != expected:
            self._refuse("Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)", 403)
            return
        url = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("multipart/form-data"):  # how the client sends parameters too long for an address
            url, body = {**url, **_form(kind, body)}, b""
        try:
            content, kind = self._run(url, body)
        except Exception as error:  # noqa: BLE001 - every error of the engine is an answer
            self._refuse(str(error), 500)
            return
        self._answer(200, content, {"X-ClickHouse-Format": kind} if kind else {})

    def _run(self, url: dict[str, str], body: bytes) -> tuple[bytes, str]:
        import chdb

        settings = {k: v for k, v in url.items() if k not in _TRANSPORT and not k.startswith("param_")}
        params = {k.removeprefix("param_"): v for k, v in url.items() if k.startswith("param_")}
        with contextlib.closing(chdb.connect(self.data)) as connection:
            if url.get("database"):
                connection.query(f"USE `{url['database']}`", "TSV")
            # readonly last: nothing can be set after it
            for name, value in sorted(settings.items(), key=lambda pair: pair[0] == "readonly"):
                quoted = value.replace("\\", "\\\\").replace("'", "\\'")
                connection.query(f"SET {name} = '{quoted}'", "TSV")
            head, data = (url["query"].encode(), body) if url.get("query") else _split(body)
            insert = _INSERT.match(head)
            if insert and data:
                with tempfile.NamedTemporaryFile() as file:
                    file.write(data)
                    file.flush()
                    before, _, kind = head.decode().rstrip().rpartition("FORMAT")
                    connection.query(f"{before} FROM INFILE '{file.name}' FORMAT {kind.strip()}", "TSV")
                return b"", ""
            sql = (head if not data else head + b"\n" + data).decode()
            wanted = _FORMAT.search(sql)
            kind = wanted.group(1) if wanted else self.headers.get("X-ClickHouse-Format", "TabSeparated")
            content = connection.query(sql, kind, params=params).bytes() or b""
            return content, kind if sql.lstrip().lower().startswith(_READS) else ""

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _refuse(self, message: str, status: int) -> None:
        code = _CODE.search(message)
        self._answer(status, message.encode(), {"X-ClickHouse-Exception-Code": code.group(1) if code else "1000"})

    def _answer(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        if content and "zstd" in self.headers.get("Accept-Encoding", "") and status == 200:
            import zstandard

            content = zstandard.ZstdCompressor().compress(content)
            headers = {**(headers or {}), "Content-Encoding": "zstd"}
        self.send_response(status)
        for name, value in {"X-ClickHouse-Timezone": "UTC", "X-ClickHouse-Summary": "{}", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _form(kind: str, body: bytes) -> dict[str, str]:
    parsed = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    parts = parsed.get_payload()
    assert isinstance(parts, list)
    return {
        str(part.get_param("name", header="content-disposition")): part.get_payload(decode=True).decode()  # type: ignore[union-attr]
        for part in parts
    }


def _split(body: bytes) -> tuple[bytes, bytes]:
    """A statement with data behind its first line, as inserts are sent."""
    first, newline, rest = body.partition(b"\n")
    return (first, rest) if newline and _INSERT.match(first) else (body, b"")


def _decoded(body: bytes, encoding: str) -> bytes:
    if encoding == "lz4":
        import lz4.frame

        return lz4.frame.decompress(body)
    if encoding == "zstd":
        import zstandard

        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    if encoding == "gzip":
        import gzip

        return gzip.decompress(body)
    return body


@contextlib.contextmanager
def a_server(folder: Path, port: int = 0) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A server process on its own folder: its port and the process, killed at the end."""
    command = [sys.executable, "-m", "tests.store.clickhouse_server", str(folder), str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = int(process.stdout.readline())
        _wait_until_it_answers(found)
        yield found, process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _wait_until_it_answers(port: int) -> None:
    opener = build_opener(ProxyHandler({}))
    for _ in range(100):
        try:
            opener.open(urllib.request.Request(f"http://127.0.0.1:{port}/ping"), timeout=5).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError("the test server does not answer")


def main() -> None:
    import chdb

    Handler.data = sys.argv[1]
    keep = chdb.connect(Handler.data)  # holds the engine open between requests
    server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Handler)
    server.daemon_threads = True
    print(server.server_address[1], flush=True)  # noqa: T201
    try:
        server.serve_forever()
    finally:
        keep.close()


if __name__ == "__main__":
    main()
