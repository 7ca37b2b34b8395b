"""Abuse: memory stays in its bounds, ordinary clients are served, and all is released when it is over.

``just abuse`` runs it at full size and prints the figures that stand in ``docs/security.rst``.
"""

import os
import resource
import time
from pathlib import Path
from typing import Final

import pytest

from tests.process.abuse import (
    MIB,
    Attack,
    EndlessLine,
    ManyRecipients,
    NeverReads,
    OneAddress,
    OneLineOfContent,
    SlowConnections,
    look,
    ordinary_client,
    reset_peak,
)
from tests.process.daemon import Daemon, live
from tests.process.sink import Sink

FULL_SIZE: Final = bool(os.environ.get("ABUSE"))
LASTS_S: Final = 10.0 if FULL_SIZE else 2.0
RELEASED_S: Final = 15.0
GROWTH_BYTES: Final = 60 * MIB
SERVED_S: Final = 5.0

ATTACKS: Final[dict[str, tuple[type[Attack], int, int, str]]] = {
    # what happens, how many in full and in CI, and what the configuration has to allow for it to happen
    "slow connections": (SlowConnections, 1000, 200, "smtp.limits.max_connections = 1300"),
    "slow connections that take all the room": (
        SlowConnections,
        1000,
        200,
        'smtp.limits = { max_connections = {size}, crowded_timeout = "3s" }',
    ),
    "connections from one address": (OneAddress, 1000, 200, ""),
    "octets of a command without end": (EndlessLine, 40 * MIB, 8 * MIB, ""),
    "octets of content in one line": (OneLineOfContent, 40 * MIB, 8 * MIB, ""),
    "recipients": (ManyRecipients, 100_000, 10_000, ""),
    "clients that never read": (NeverReads, 20, 5, "smtp.limits.max_junk_commands = 1000000000"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_under_abuse_memory_is_bounded_and_others_are_served(
    name: str, sink: Sink, tmp_path: Path, enough_descriptors: None
) -> None:
    attack, full, small, settings = ATTACKS[name]
    size = full if FULL_SIZE else small
    config = live(tmp_path, next_hop=sink.address, settings=settings.replace("{size}", str(size)))
    with Daemon(tmp_path, config) as daemon:
        for number in range(5):
            ordinary_client(daemon.port, -number)
        before = look(daemon)
        reset_peak(daemon)
        served: list[float] = []
        with attack(daemon.port, size) as abuse:
            until = time.monotonic() + LASTS_S
            while time.monotonic() < until or not abuse.under_way.is_set():
                served.append(ordinary_client(daemon.port, len(served)))
                time.sleep(0.1)
            during = look(daemon)
        released_s = wait_for_release(daemon)
        sink.wait(5 + len(served))
        assert daemon.stop() == 0
    growth = during.peak_bytes - before.resident_bytes
    print(
        f"\n{size} {name}: {growth / MIB:.1f} MiB more, {during.sessions} sessions, "
        f"{len(served)} served, slowest {max(served):.2f} s, released after {released_s:.1f} s, {dict(abuse.heard)}"
    )
    assert growth < GROWTH_BYTES
    assert max(served) < SERVED_S


def wait_for_release(daemon: Daemon) -> float:
    """Wait until no session is left, and return how long that took."""
    began = time.monotonic()
    while look(daemon).sessions:
        assert time.monotonic() - began < RELEASED_S, f"{look(daemon)} after all clients have gone"
        time.sleep(0.05)
    return time.monotonic() - began


@pytest.fixture
def enough_descriptors() -> None:
    """A socket for each client that we play."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(max(soft, 4096), hard), hard))
