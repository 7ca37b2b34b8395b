"""When there are no descriptors left: new clients wait, those who are in go on, and nothing is lost."""

import smtplib
import socket
import time
from pathlib import Path

from tests.peers import needs
from tests.process.abuse import look, ordinary_client
from tests.process.daemon import Daemon, live
from tests.process.sink import Sink

DESCRIPTORS = 100
CLIENTS = 150


@needs("prlimit")
def test_without_descriptors_new_clients_wait_and_all_others_go_on(sink: Sink, tmp_path: Path) -> None:
    config = live(tmp_path, next_hop=sink.address, settings="smtp.limits.max_connections_per_ip = 1000")
    with Daemon(tmp_path, config, wrapper=("prlimit", f"--nofile={DESCRIPTORS}")) as daemon:
        assert f"warning cli.running {DESCRIPTORS} files and connections may be open" in daemon.log
        with smtplib.SMTP("127.0.0.1", daemon.port, timeout=30) as inside:
            inside.sendmail("ann@example.com", ["first@example.org"], b"before\r\n")
            sink.wait(1)
            crowd = [socket.create_connection(("127.0.0.1", daemon.port), timeout=30) for _ in range(CLIENTS)]
            wait_until_short(daemon)
            inside.sendmail("ann@example.com", ["second@example.org"], b"meanwhile\r\n")
            sink.wait(2)
            assert idle_cpu_share(daemon) < 0.3
            for client in crowd[: CLIENTS // 2]:
                client.close()
            assert [client.recv(3) for client in crowd[CLIENTS // 2 :]] == [b"220"] * (CLIENTS // 2)
            for client in crowd:
                client.close()
        ordinary_client(daemon.port, 3)
        sink.wait(3)
        assert daemon.stop() == 0
    assert sorted(message.recipients[0] for message in sink.arrived) == [
        "bob3@example.org",
        "first@example.org",
        "second@example.org",
    ]


def wait_until_short(daemon: Daemon) -> None:
    """Wait until it has no descriptor left."""
    deadline = time.monotonic() + 60
    while look(daemon).descriptors < DESCRIPTORS:
        assert time.monotonic() < deadline, look(daemon)
        time.sleep(0.05)


def idle_cpu_share(daemon: Daemon) -> float:
    """How much of a processor it takes to wait."""
    before, began = look(daemon), time.monotonic()
    time.sleep(2)
    return (look(daemon).cpu_s - before.cpu_s) / (time.monotonic() - began)
