from __future__ import annotations

import socket

import pytest

from spans.errors import SettingsError
from tracetape.ports import open_listener, reserve_port


def test_port_zero_gives_any_free_port():
    with open_listener("127.0.0.1", 0, "http") as listener:
        assert listener.getsockname()[1] > 0


def test_a_busy_port_is_refused_with_the_option_to_change():
    with open_listener("127.0.0.1", 0, "http") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"Port {port} on 127.0.0.1 cannot be used for web.*--web-port"):
            open_listener("127.0.0.1", port, "web")


def test_a_port_held_by_a_listener_that_shares_ports_counts_as_busy():
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(SettingsError, match="--grpc-port"):
            reserve_port("127.0.0.1", other.getsockname()[1], "grpc")


def test_a_reserved_port_can_be_bound_by_a_child_that_shares_it():
    with reserve_port("127.0.0.1", 0, "grpc") as held, socket.socket() as child:
        child.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        child.bind(held.getsockname())
        child.listen()
        with socket.create_connection(held.getsockname(), timeout=2):
            pass


def test_an_address_that_is_not_ours_is_refused():
    with pytest.raises(SettingsError, match=r"192\.0\.2\.1"):
        open_listener("192.0.2.1", 0, "http")
