"""Where messages arrive in tests: a web server and a mail server on this machine."""

from __future__ import annotations

import json
import socket
import threading
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller


class HttpSink:
    """Keeps every webhook it is sent; `status` is what it answers."""

    def __init__(self, status=200):
        sink = self
        self.status = status
        self.received = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                content = self.rfile.read(int(self.headers["Content-Length"]))
                sink.received.append((dict(self.headers), content))
                self.send_response(sink.status)
                self.end_headers()

            def do_GET(self):
                sink.received.append((dict(self.headers), b""))
                self.send_response(sink.status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def alerts(self):
        """(rule, state) of everything that arrived, in order."""
        return [(a["rule"], a["state"]) for _, content in list(self.received) for a in json.loads(content)["alerts"]]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class SmtpSink:
    """Keeps every mail it is sent."""

    def __init__(self):
        self.mails = []
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    async def handle_DATA(self, _server, _session, envelope):
        self.mails.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    @property
    def address(self):
        return f"mailto://127.0.0.1:{self.port}?from=tape@example.com&to=oncall@example.com&mode=insecure"

    def subjects(self):
        return [str(make_header(decode_header(mail["Subject"]))) for mail in list(self.mails)]

    def close(self):
        self._controller.stop()
