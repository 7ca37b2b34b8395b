"""Keys of the websocket and of logins, each by its effect on a whole worker."""

from typing import Any

import pytest
import trio
from attrs import evolve
from trio_websocket import ConnectionClosed

from empath.config.schema import ApiSettings, LiveSettings, Period, Rate
from empath.world import TcpEndpoint
from tests.sim.stage import ENTRANCE, Stage, simulated
from tests.sim.test_api import SOCKET, STEERED, ask
from tests.sim.test_live import closing_code, viewer

HTTP = TcpEndpoint(ENTRANCE.host, 8080)
UPGRADE = (
    b"GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: empath.live.v1\r\n\r\n"
)


def stage_with(**keys: Any) -> Stage:
    """A worker whose websocket has these settings."""
    stage = Stage(1, evolve(STEERED, api=evolve(STEERED.api, live=LiveSettings(**keys))))
    stage.site("well.example")
    return stage


@pytest.mark.parametrize(("limit_bytes", "is_taken"), [(1024, False), (4096, True)])
@simulated
async def test_max_message_is_what_a_viewer_may_send_at_a_time(limit_bytes: int, is_taken: bool) -> None:
    stage = stage_with(max_message_bytes=limit_bytes)
    async with stage.play(), viewer(stage) as one:
        await one.say(op="sub", id=1, topic="x" * 2000)
        if is_taken:
            assert (await one.frame())["t"] == "error"
        else:
            assert await closing_code(one) == 1009


@pytest.mark.parametrize(
    ("keys", "is_complete"),
    [
        ({}, True),
        ({"event_room_bytes": 16 * 1024}, False),
        ({"event_rate": Rate(2, Period.SECOND)}, False),
        ({"max_events": 10}, False),
    ],
)
@simulated
async def test_event_room_event_rate_and_max_events_bound_what_is_kept_for_one_that_reads_slowly(
    keys: dict[str, Any], is_complete: bool
) -> None:
    stage = stage_with(**keys)
    async with stage.play(), viewer(stage) as one:
        await one.say(op="sub", id=1, topic="events", every=60)
        await trio.sleep(1)
        for number in range(30):
            await stage.send(f"m{number}", *[f"bob{each}@well.example" for each in range(5)])
            await trio.sleep(1)
        await one.watch_for(90)
        assert one.events
        assert (one.dropped == 0) is is_complete
        if is_complete:
            assert len([event for event in one.events if event["event"] == "received"]) == 30


@simulated
async def test_ping_interval_is_how_soon_one_that_is_silent_is_let_go() -> None:
    """A viewer that opens the websocket and never answers anything again."""
    lasted = []
    for interval_s in (5.0, 50.0):
        stage = stage_with(ping_interval_s=interval_s, send_timeout_s=1.0)
        async with stage.play(), viewer(stage) as polite:
            began = trio.current_time()
            async with await stage.simulation.world.network.connect(SOCKET) as stream:
                await stream.send_all(UPGRADE)
                heard = b""
                while part := await stream.receive_some(65_536):
                    heard += bytes(part)
            lasted.append(trio.current_time() - began)
            assert f'"ping":{interval_s}'.encode() in heard
            await polite.say(op="sub", id=1, topic="rules")  # who answers stays
            try:
                assert (await polite.frame())["t"] == "snap"
            except ConnectionClosed as closed:
                raise AssertionError("it was let go as well") from closed
    assert lasted[0] < 20 < lasted[1]


@simulated
async def test_login_code_time_is_how_long_a_code_can_be_used() -> None:
    stage = Stage(1, evolve(STEERED, api=evolve(STEERED.api, login_code_time_s=60.0)))
    async with stage.play():
        for pause_s, status in ((50, 200), (70, 401)):
            made = (await ask(stage, "POST", "/login/codes", {})).content
            assert made["expires"] == pytest.approx(stage.simulation.clock.now() + 60, abs=1)
            await trio.sleep(pause_s)
            assert (await ask(stage, "POST", "/login", {"code": made["code"]})).status == status


@pytest.mark.parametrize(("at_a_time", "statuses"), [(1, [401, 200]), (2, [200, 200])])
@simulated
async def test_max_sessions_is_how_many_codes_and_logins_there_are_and_else_the_oldest_ends(
    at_a_time: int, statuses: list[int]
) -> None:
    stage = Stage(1, evolve(STEERED, api=evolve(STEERED.api, max_sessions=at_a_time)))
    async with stage.play():
        codes = [(await ask(stage, "POST", "/login/codes", {})).content["code"] for _ in range(2)]
        assert [(await ask(stage, "POST", "/login", {"code": code})).status for code in codes] == statuses


@pytest.mark.parametrize("is_served", [True, False])
@simulated
async def test_dashboard_decides_whether_the_page_is_served(is_served: bool) -> None:
    api = ApiSettings(listen_addr=HTTP, control_socket=STEERED.api.control_socket, dashboard=is_served)
    stage = Stage(1, evolve(STEERED, api=api))
    async with stage.play(), await stage.client.host.connect(HTTP) as stream:
        await stream.send_all(b"GET /dashboard/app.js HTTP/1.1\r\nHost: mx.empath.example\r\nConnection: close\r\n\r\n")
        answer = bytes(await stream.receive_some(65_536))
        assert answer.startswith(b"HTTP/1.1 200 ") is is_served
