# ruff: noqa: RUF001 - look-alike digits are the point
"""Nothing inside the network is reached, however its address is written, resolved or redirected to."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from textwrap import dedent

import pytest

from insights.alerts.targets import is_blocked, parse_networks, webhook_host
from spans.errors import RefusedError

BLOCKED = [
    "127.0.0.1",
    "127.1.2.3",
    "127.255.255.254",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.0.1",
    "169.254.169.254",
    "169.254.0.1",
    "100.64.0.1",
    "192.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:7f00:1",
    "::127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::a00:1",
    "64:ff9b:1::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::",
    "2002:a9fe:a9fe::",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12:3456:789a::1",
    "ff02::1",
    "ff0e::1",
    "2001:db8::1",
    "fec0::1",
    "100::1",
    "localhost",
    "example.com",
    "2130706433",
    "0x7f.1",
    "0177.0.0.1",
    "127.1",
    "[::1]",
    '""',
]
OPEN = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "2002:808:808::"]

SPELLINGS = [
    "127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0x7f.1", "0177.0.0.1", "0177.1",
    "017700000001", "127.0.0.1.", "127.0.0.2", "127.255.255.254", "0", "0.0.0.0", "00.00.00.00", "0x0", "localhost",
    "LOCALHOST", "localhost.", "[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[::7f00:1]", "127.0.0.1%00", "①②⑦.⓪.⓪.①", "１２７.０.０.１",
    "127。0。0。1", "127．0．0．1", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "user@127.0.0.1", "user:pass@127.0.0.1", "example.com@127.0.0.1",
    "127.0.0.1#@example.com", "127.0.0.1?@example.com", "127.0.0.1\\@example.com", "127.0.0.1\t", "127.0.0.1\n",
    " 127.0.0.1", "127.00.00.01", "0127.0.0.1", "0x7F.0x0.0x0.0x1", "127.0x0.0.01", "2130706434", "0x7f000002",
    "[::ffff:0x7f000001]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]", "[fe80::1%25lo]", "[::1%25lo]", "127.127.127.127",
    "127.0.0.1.nip.io", "[0000::1]", "[::0001]", "127.0.0.1/x", "//127.0.0.1",
]  # fmt: skip


class Sink:
    """Counts connections and redirects whoever asks to another port."""

    def __init__(self):
        sink = self
        self.connections = 0
        self.redirect = ""

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                self.send_response(302 if sink.redirect else 200)
                if sink.redirect:
                    self.send_header("Location", sink.redirect)
                self.end_headers()

            def do_GET(self):
                self.do_POST()

            def setup(self):
                sink.connections += 1
                super().setup()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def sink():
    opened = Sink()
    yield opened
    opened.close()


def guarded(program, *, allowed=""):
    """Run a program in a process behind the guard; its last line of output is JSON."""
    whole = f"""
import json, socket, sys
from insights.alerts.targets import parse_networks
from tracetape.notifier.guard import install
install(parse_networks({allowed!r}.split(",")))
{dedent(program)}
"""
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.parametrize("address", BLOCKED)
def test_an_address_inside_a_network_is_blocked(address):
    assert is_blocked(address)


@pytest.mark.parametrize("address", OPEN)
def test_an_address_of_the_internet_is_open(address):
    assert not is_blocked(address)


def test_the_operator_can_allow_a_network():
    allowed = parse_networks(["10.0.0.0/8", "::1"])
    assert not is_blocked("10.1.2.3", allowed)
    assert not is_blocked("::ffff:10.1.2.3", allowed)
    assert not is_blocked("::1", allowed)
    assert is_blocked("127.0.0.1", allowed)


@pytest.mark.parametrize(
    "address", ["ftp://a.example", "https://", "https://u:p@a.example", "https://a.example\\@b", "x"]
)
def test_an_address_that_no_webhook_has_is_refused(address):
    with pytest.raises(RefusedError):
        webhook_host(address)


def test_sixty_spellings_reach_nobody_through_webhooks(sink):
    assert len(SPELLINGS) >= 60
    program = f"""
    from insights.alerts.message import Letter, Part
    from insights.alerts.machine import Notice
    from spans.errors import HouseError
    from tracetape.notifier.deliver import deliver
    part = Part("f", "r", Notice.FIRING, "page", "x", 0)
    letter = Letter("d", "default", "w", "", "", "http://x", "UTC", (part,))
    socket.setdefaulttimeout(3)
    said = []
    for host in {SPELLINGS!r}:
        try:
            deliver("webhook", f"http://{{host}}:{sink.port}/", "s", letter)
            said.append(host)
        except HouseError:
            pass
    print(json.dumps(said))
    """
    assert guarded(program) == []
    assert sink.connections == 0


def test_the_same_spellings_reach_nobody_through_apprise(sink):
    program = f"""
    from insights.alerts.message import Letter, Part
    from insights.alerts.machine import Notice
    from spans.errors import HouseError
    from tracetape.notifier.deliver import deliver
    import logging
    logging.disable(logging.CRITICAL)
    part = Part("f", "r", Notice.FIRING, "page", "x", 0)
    letter = Letter("d", "default", "w", "", "", "http://x", "UTC", (part,))
    said = []
    for address in ("json://127.0.0.1:{sink.port}/", "json://localhost:{sink.port}", "json://2130706433:{sink.port}",
                    "mailto://u:p@127.0.0.1:{sink.port}?from=a@example.com&to=b@example.com", "syslog://", "xml://[::1]:{sink.port}"):
        try:
            deliver("apprise", address, "", letter)
            said.append(address)
        except HouseError:
            pass
    print(json.dumps(said))
    """
    assert guarded(program) == []
    assert sink.connections == 0


def test_a_name_that_resolves_differently_the_second_time_wins_nothing(sink):
    """The name server answers with a public address first and with ours afterwards: what counts is the connection."""
    program = f"""
    import requests
    answers = iter(["93.184.215.14"] + ["127.0.0.1"] * 50)
    real = socket.getaddrinfo
    def rebinding(host, port, *rest, **more):
        if host == "rebind.example":
            return real(next(answers), port, *rest, **more)
        return real(host, port, *rest, **more)
    socket.getaddrinfo = rebinding
    socket.getaddrinfo("rebind.example", 80)
    try:
        requests.get("http://rebind.example:{sink.port}/", timeout=3)
        print(json.dumps("reached"))
    except requests.RequestException as error:
        print(json.dumps("private network" in str(error)))
    """
    assert guarded(program) is True
    assert sink.connections == 0


def test_a_redirect_to_the_inside_is_not_followed(sink):
    """The first server is allowed, the second is not: nobody connects to it, and the webhook says why."""
    inner = socket.socket()
    inner.bind(("127.0.0.2", 0))
    inner.listen()
    inner.settimeout(0.5)
    sink.redirect = f"http://127.0.0.2:{inner.getsockname()[1]}/"
    program = f"""
    import requests
    from insights.alerts.message import Letter, Part
    from insights.alerts.machine import Notice
    from spans.errors import HouseError
    from tracetape.notifier.deliver import deliver
    part = Part("f", "r", Notice.FIRING, "page", "x", 0)
    letter = Letter("d", "default", "w", "", "", "http://x", "UTC", (part,))
    said = []
    try:
        deliver("webhook", "http://127.0.0.1:{sink.port}/", "s", letter)
    except HouseError as error:
        said.append(str(error))
    try:
        requests.get("http://127.0.0.1:{sink.port}/", timeout=3)
    except requests.RequestException as error:
        said.append("private network" in str(error))
    print(json.dumps(said))
    """
    answer = guarded(program, allowed="127.0.0.1")
    assert answer == ["The webhook answered 302. It redirects; write the final address.", True]
    with pytest.raises(TimeoutError):
        inner.accept()
    inner.close()


def test_a_local_socket_is_no_way_around(tmp_path):
    program = f"""
    s = socket.socket(socket.AF_UNIX)
    try:
        s.connect({str(tmp_path / "x")!r})
        print(json.dumps("connected"))
    except ConnectionError as error:
        print(json.dumps(str(error)))
    """
    assert "local socket" in guarded(program)


def test_what_the_operator_allows_is_reached(sink):
    program = f"""
    import requests
    print(json.dumps(requests.get("http://127.0.0.1:{sink.port}/", timeout=5).status_code))
    """
    assert guarded(program, allowed="127.0.0.0/8") == 200
    assert sink.connections == 1


LOCAL = """
import socket, sys
from tracetape.notifier.guard import BlockedTargetError, install
install([], local=lambda: sys.argv[1])
socket.socket(socket.AF_UNIX).connect(sys.argv[1])
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[2])
except BlockedTargetError:
    print("only that one")
"""


def test_of_local_sockets_only_the_one_that_is_named_can_be_reached(tmp_path):
    listeners = []
    for name in ("ours", "another"):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / name))
        listener.listen()
        listeners.append(listener)
    command = [sys.executable, "-c", LOCAL, str(tmp_path / "ours"), str(tmp_path / "another")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "only that one", done.stderr
    for listener in listeners:
        listener.close()
