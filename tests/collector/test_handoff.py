from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.handoff import HandoffError, connect, is_our_user, listen, recv_frame, send_frame


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    with left, right:
        yield left, right


@given(
    st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=9), st.none()), max_size=5),
    st.lists(st.binary(max_size=300), max_size=5),
)
def test_frames_survive(head: dict[str, object], pieces: list[bytes]) -> None:
    left, right = socket.socketpair()
    with left, right:
        send_frame(left, head, pieces)
        frame = recv_frame(right)
    assert frame.head == head
    assert list(frame.pieces) == pieces


def test_large_pieces_survive(pair: tuple[socket.socket, socket.socket]) -> None:
    piece = bytes(range(256)) * 40_000
    thread = threading.Thread(target=send_frame, args=(pair[0], {"type": "x"}, [piece]))
    thread.start()
    assert recv_frame(pair[1]).pieces == (piece,)
    thread.join()


@given(st.binary(min_size=1, max_size=200))
def test_any_bytes_are_a_frame_or_our_error(data: bytes) -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(data)
        left.shutdown(socket.SHUT_WR)
        with pytest.raises(HandoffError):
            recv_frame(right)


def test_a_frame_cut_in_the_middle_is_our_error(pair: tuple[socket.socket, socket.socket]) -> None:
    probe, end = socket.socketpair()
    with probe, end:
        send_frame(probe, {"type": "result"}, [b"x" * 50])
        raw = end.recv(1000)
    pair[0].sendall(raw[:-10])
    pair[0].close()
    with pytest.raises(HandoffError, match="closed"):
        recv_frame(pair[1])


@pytest.mark.parametrize("deep", [False, True])
def test_a_socket_works_however_deep_its_folder_lies(tmp_path: Path, deep: bool) -> None:
    folder = tmp_path.joinpath(*["a-long-folder-name"] * 8) if deep else tmp_path
    path = folder / "work.sock"
    folder.mkdir(parents=True, exist_ok=True)
    with pytest.raises(HandoffError, match="does not answer"):
        connect(path)
    listener = listen(path)
    with listener, connect(path) as client:
        served, _ = listener.accept()
        with served:
            assert is_our_user(served)
            send_frame(client, {"type": "hi"})
            assert recv_frame(served).type == "hi"
    assert path.stat().st_mode & 0o077 == 0
    listen(path).close()
