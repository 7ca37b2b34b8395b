"""Signals as requests."""

import os
import signal

import pytest
import trio

from empath.world.signals import Request, open_requests


@pytest.mark.parametrize(
    ("number", "request_"),
    [(signal.SIGTERM, Request.STOP), (signal.SIGINT, Request.STOP), (signal.SIGHUP, Request.RELOAD)],
)
async def test_a_signal_is_a_request(number: signal.Signals, request_: Request) -> None:
    with open_requests() as requests:
        os.kill(os.getpid(), number)
        with trio.fail_after(5):
            async for request in requests:
                assert request is request_
                break


async def test_afterwards_signals_mean_what_they_meant_before() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with open_requests():
        await trio.lowlevel.checkpoint()
        assert signal.getsignal(signal.SIGHUP) != before
    assert signal.getsignal(signal.SIGHUP) == before
