import logging

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from empath.ingress import Admission
from tests.ingress.stage import ENVELOPE, stage


async def test_a_client_over_the_limit_is_told_and_may_come_back(autojump_clock: MockClock) -> None:
    async with stage(admission=Admission(1, 1)) as place:
        first = await place.greeted()
        second = await place.connect()
        assert await second.code() == b"421"
        assert await second.code() is None
        await first.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert await (await place.connect()).code() == b"220"


async def test_a_client_that_comes_while_the_daemon_stops_is_sent_away(autojump_clock: MockClock) -> None:
    async with stage() as place:
        place.intake.drain()
        assert await (await place.connect()).code() == b"421"


async def test_sessions_outlive_the_listener(autojump_clock: MockClock) -> None:
    async with stage() as place:
        talk = await place.greeted()
        place.accepting.cancel()
        await trio.testing.wait_all_tasks_blocked()
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        assert await talk.code(b"x\r\n.\r\n") == b"250"


async def test_a_fault_of_ours_ends_one_session_and_no_other(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage() as place:
        unlucky, lucky = await place.greeted(), await place.greeted()
        await unlucky.codes(ENVELOPE + b"DATA\r\n", 3)
        place.spool.unforeseen = True
        with caplog.at_level(logging.CRITICAL):
            assert await unlucky.code(b"x\r\n.\r\n") is None
        place.spool.unforeseen = False
        assert await lucky.code(b"NOOP\r\n") == b"250"
