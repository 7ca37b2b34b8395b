"""What the benchmark of waiting mail puts into a spool is what it says, and its next hop takes nothing."""

import socket
from pathlib import Path

import pytest

from bench.mta import free_ports
from bench.waiting import DEAD, Case, dead_hop, fill
from empath.mail.record import decode_envelope
from empath.spool import Claimed, Statistics, open_database
from empath.spool.store import Store


def test_a_spool_is_filled_with_deliveries_that_are_due(tmp_path: Path) -> None:
    fill(tmp_path, Case(name="x", messages=7, recipients=3), 1024)
    store = open_database(str(tmp_path / "spool" / "queue" / "queue.sqlite3"))
    assert store.statistics() == Statistics(messages=7, waiting=21, claimed=0)
    claimed: list[Claimed] = []

    def claim(opened: Store) -> None:
        claimed.append(opened.claim(now=1e10, until=1e10, latest=1e10, room=3))

    store.commit([claim], durable=False)[0].unwrap()
    (one,) = claimed[0].claims
    assert [delivery.domain for delivery in one.deliveries] == [DEAD] * 3
    assert len(decode_envelope(one.envelope).recipients) == 3
    assert 900 < one.size_bytes < 1300
    store.close()


def test_a_next_hop_refuses_or_says_nothing() -> None:
    (port,) = free_ports(1)
    with dead_hop(port, is_silent=False), pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5)
    with (
        dead_hop(port, is_silent=True),
        socket.create_connection(("127.0.0.1", port), timeout=0.05) as client,
        pytest.raises(TimeoutError),
    ):
        client.recv(1)
