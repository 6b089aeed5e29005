"""Listening sockets: checked before anything starts, kept open while children restart."""

from __future__ import annotations

import socket

from spans.errors import SettingsError

_BACKLOG = 1024


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _bind(host: str, port: int, *, reuse_port: bool) -> socket.socket:
    sock = socket.socket(_family(host), socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if reuse_port:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def open_listener(host: str, port: int, what: str) -> socket.socket:
    """A listening socket that children inherit, so that a restart refuses no connection.

    Raises:
        SettingsError: the port is taken or the address is not ours.
    """
    try:
        sock = _bind(host, port, reuse_port=False)
    except OSError as error:
        raise _refusal(host, port, what, error) from None
    sock.listen(_BACKLOG)
    sock.set_inheritable(True)
    return sock


def reserve_port(host: str, port: int, what: str) -> socket.socket:
    """Hold a port that a child will bind itself with SO_REUSEPORT (grpcio takes no socket from us).

    A socket that is bound but does not listen receives no connections; it only keeps the port ours.

    Raises:
        SettingsError: the port is taken or the address is not ours.
    """
    try:
        probe = _bind(host, port, reuse_port=False)
        probe.listen(1)  # binding alone would succeed beside a listener that also set SO_REUSEPORT
        chosen = probe.getsockname()[1]
        probe.close()
        return _bind(host, chosen, reuse_port=True)
    except OSError as error:
        raise _refusal(host, port, what, error) from None


def _refusal(host: str, port: int, what: str, error: OSError) -> SettingsError:
    option = f"--{what}-port"
    if error.errno is not None and port:
        return SettingsError(
            f"Port {port} on {host} cannot be used for {what} ({error.strerror}). Free it, or choose another with {option}."
        )
    return SettingsError(f"No port on {host} can be opened for {what} ({error.strerror}). Check --host.")
