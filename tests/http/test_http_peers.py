"""Whose socket is at the other end: what tells senders apart where all have the same address."""

from __future__ import annotations

import os
import socket

import pytest

from cleanroom_ml.engine.http.peers import peer_uid


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_the_kernel_says_whose_socket_it_is(family: int, host: str) -> None:
    with socket.socket(family) as listener:
        try:
            listener.bind((host, 0))
        except OSError:
            assert family == socket.AF_INET6, "a machine without IPv6"
            return
        listener.listen()
        ours = listener.getsockname()[:2]
        with socket.create_connection(ours) as peer:
            assert peer_uid(peer.getsockname()[:2], ours) == os.geteuid()
            gone = peer.getsockname()[:2]
        assert peer_uid(gone, ours) is None, "closed: nobody's"
        assert peer_uid(None, ours) is None
        assert peer_uid((host, 1), ours) is None, "there is no such socket"
        assert peer_uid(("no address", 1), ours) is None


# The child makes a few system calls and ends; a program of its own might not be readable for that user.
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.root_only
def test_another_users_socket_is_theirs() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        done, tell = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.close(tell)
                os.setgid(65534)
                os.setuid(65534)
                with socket.create_connection(("127.0.0.1", port)):
                    os.read(done, 1)
            finally:
                os._exit(0)
        accepted, peer = listener.accept()
        assert peer_uid(peer, ("127.0.0.1", port)) == 65534
        accepted.close()
        os.close(tell)
        os.close(done)
        os.waitpid(child, 0)
