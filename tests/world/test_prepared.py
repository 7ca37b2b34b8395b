"""Sockets that listen before anybody asks for them."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from empath.world import ListenFailed, TcpEndpoint, UnixEndpoint
from empath.world.prepared import Prepared, inherited

ANY_PORT = TcpEndpoint("127.0.0.1", 0)

# Descriptor 3 has to be one of ours, which in this process it is not.
CHILD: Final = """
import os, sys
from empath.world.errors import SocketUnusable
from empath.world.prepared import inherited
if sys.argv[1] != "3":
    os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
try:
    prepared = inherited(os.environ, os.getpid())
except SocketUnusable as problem:
    print(problem)
else:
    print(*prepared.endpoints, os.get_inheritable(3), [name for name in os.environ if name.startswith("LISTEN_")])
"""


def passed(descriptor: int, names: str = "mx") -> str:
    """What a process says that was passed this descriptor of ours."""
    environment = os.environ | {
        "LISTEN_FDS": "1",
        "LISTEN_FDNAMES": names,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-c", CHILD, str(descriptor)]
    done = subprocess.run(
        command, check=True, env=environment, pass_fds=[descriptor], stdout=subprocess.PIPE, text=True, timeout=20
    )
    return done.stdout.strip()


def test_a_socket_of_the_service_manager_is_known_by_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert passed(server.fileno()) == f"127.0.0.1:{server.getsockname()[1]} False []"


def test_a_unix_socket_is_known_by_its_path(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "mx"))
        server.listen()
        assert passed(server.fileno()) == f"{UnixEndpoint(str(tmp_path / 'mx'))} False []"


def test_what_is_no_socket_is_refused_by_its_name() -> None:
    with Path(__file__).open() as file:
        assert passed(file.fileno()) == "descriptor 3 (mx) is no socket: Socket operation on non-socket"


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_that_does_not_listen_is_refused(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as idle:
        assert passed(idle.fileno(), "") == "descriptor 3 () is no socket that listens for streams"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"LISTEN_FDS": "1"},
        {"LISTEN_FDS": "1", "LISTEN_PID": "4711"},
        {"LISTEN_FDS": "x", "LISTEN_PID": "12"},
        {"LISTEN_FDS": "", "LISTEN_PID": "12"},
        {"LISTEN_FDS": "0", "LISTEN_PID": "12"},
    ],
)
def test_where_nothing_is_passed_to_us_there_is_nothing(environ: dict[str, str]) -> None:
    environ = {**environ, "HOME": "/"}
    assert inherited(environ, 12).endpoints == ()
    assert environ == {"HOME": "/"}


def test_an_address_is_found_however_it_is_written() -> None:
    prepared = Prepared()
    try:
        prepared.bind([TcpEndpoint("::1", 0)])
    except ListenFailed:
        pytest.skip("this machine has no IPv6")
    (endpoint,) = prepared.endpoints
    assert isinstance(endpoint, TcpEndpoint)
    taken = prepared.take(TcpEndpoint("0:0:0:0:0:0:0:1", endpoint.port))
    assert taken is not None
    taken.close()
    assert prepared.take(endpoint) is None


def test_what_is_there_is_not_bound_again() -> None:
    prepared = Prepared()
    prepared.bind([ANY_PORT])
    prepared.bind(prepared.endpoints)
    assert [str(endpoint)[:10] for endpoint in prepared.endpoints] == ["127.0.0.1:"]
    prepared.close()
    assert not list(prepared.endpoints)


def test_when_one_address_cannot_be_bound_none_is() -> None:
    prepared = Prepared()
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ListenFailed):
        prepared.bind([ANY_PORT, TcpEndpoint(*taken.getsockname())])
    assert prepared.endpoints == ()
