"""The service manager is told by one datagram, if there is one, and sees that we are alive."""

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from empath.world.service import ALIVE, READY, ServiceManager, moment, more_time, status

NONE = ServiceManager(None, None)


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    """What a service manager listens with."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(0)
        yield ear


def test_the_manager_hears_the_state(ear: socket.socket) -> None:
    assert ServiceManager.of({"NOTIFY_SOCKET": ear.getsockname()}, 12).tell(READY)
    assert ear.recv(100) == b"READY=1"


def test_several_notices_are_one_datagram(ear: socket.socket) -> None:
    ServiceManager(ear.getsockname(), None).tell(READY, status("accepting mail"), more_time(1.5))
    assert ear.recv(100) == b"READY=1\nSTATUS=accepting mail\nEXTEND_TIMEOUT_USEC=1500000"


def test_a_reload_says_when_it_began_on_the_clock_of_the_manager() -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    name, _, said = moment().partition("=")
    assert name == "MONOTONIC_USEC"
    assert before <= int(said) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_a_name_of_the_abstract_namespace_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0empath-test-notify")
        assert ServiceManager("@empath-test-notify", None).tell(READY)
        assert manager.recv(100) == b"READY=1"


def test_without_a_manager_nothing_is_said(tmp_path: Path) -> None:
    assert not NONE.tell(READY)
    assert not ServiceManager(str(tmp_path / "nobody"), None).tell(READY)
    assert ServiceManager.of({}, 12) == NONE
    assert ServiceManager.of({"NOTIFY_SOCKET": ""}, 12) == NONE


@pytest.mark.parametrize(
    ("environ", "watchdog_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "12"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "13"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_PID": "12"}, None),
    ],
)
def test_signs_of_life_are_given_to_who_asks_us_for_them(environ: dict[str, str], watchdog_s: float | None) -> None:
    assert ServiceManager.of(environ, 12).watchdog_s == watchdog_s


async def test_a_sign_of_life_comes_twice_in_the_time_that_is_allowed(
    ear: socket.socket, autojump_clock: MockClock
) -> None:
    with trio.move_on_after(29):
        await ServiceManager(ear.getsockname(), 10).keep_watch()
    heard: list[bytes] = []
    while len(heard) < 6:
        heard.append(ear.recv(100))
    assert heard == [ALIVE.encode()] * 6
    with pytest.raises(BlockingIOError):
        ear.recv(100)


async def test_whoever_does_not_ask_gets_no_sign_of_life() -> None:
    await NONE.keep_watch()


def test_a_manager_that_does_not_read_holds_nobody_up_for_long(ear: socket.socket) -> None:
    manager = ServiceManager(ear.getsockname(), None)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as full:
        full.setblocking(False)
        with suppress(BlockingIOError):
            while True:
                full.sendto(b"x", ear.getsockname())
    assert not manager.tell(READY)
