"""The websocket of a whole worker: what a viewer is shown is what happens."""

import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

import msgspec
import pytest
import trio
from attrs import define, evolve, field
from trio_websocket import ConnectionClosed, ConnectionRejected, WebSocketConnection, wrap_client_stream

from empath.config.schema import LiveSettings
from empath.ops.live import SUBPROTOCOL, Hub
from empath.ops.live.tables import Rows, applied
from empath.ops.live.viewer import Viewer as Watcher
from tests.sim.stage import Stage, simulated
from tests.sim.test_api import LATER, SOCKET, STEERED, ask

Frame = dict[str, Any]


@define
class Viewer:
    """A viewer, and what he has seen."""

    socket: WebSocketConnection
    tables: dict[int, Rows] = field(factory=dict)
    events: list[Frame] = field(factory=list)
    seqs: dict[int, int] = field(factory=dict)
    dropped: int = 0

    async def say(self, **message: object) -> None:
        await self.socket.send_message(msgspec.json.encode(message).decode())

    async def frame(self) -> Frame:
        """The next frame, which is taken note of."""
        found: Frame = msgspec.json.decode(await self.socket.get_message())
        if "seq" in found:
            assert found["seq"] == self.seqs.get(found["id"], 0) + 1
            self.seqs[found["id"]] = found["seq"]
        match found["t"]:
            case "snap":
                self.tables[found["id"]] = found["data"]["rows"]
            case "delta":
                before = self.tables[found["id"]]
                self.tables[found["id"]] = applied(before, found.get("set", {}), found.get("del", ()))
            case "event":
                self.events += found["data"]
            case "gap":
                self.dropped += found["dropped"]
        return found

    async def watch_for(self, seconds: float) -> None:
        """Take note of all that comes."""
        with trio.move_on_after(seconds):
            while True:
                await self.frame()


@asynccontextmanager
async def viewer(stage: Stage) -> AsyncIterator[Viewer]:
    """Watch over the control socket, and hear the greeting."""
    async with (
        await stage.simulation.world.network.connect(SOCKET) as stream,
        trio.open_nursery() as nursery,
    ):
        # Any stream will do; the library's types name those that it opens itself.
        socket = await wrap_client_stream(
            nursery, cast("trio.SocketStream", stream), "localhost", "/api/v1/live", subprotocols=[SUBPROTOCOL]
        )
        found = Viewer(socket)
        hello = await found.frame()
        assert (hello["t"], hello["proto"], hello["scopes"][0]) == ("hello", 1, "admin")
        yield found
        await socket.aclose()
        nursery.cancel_scope.cancel()


async def closing_code(one: Viewer, *, nonsense: bool = False) -> int:
    """Watch until the end, and return the code that it comes with."""

    async def watch() -> None:
        while True:
            if nonsense:
                await one.say(op="dance")
            await one.frame()

    with pytest.raises(ConnectionClosed) as closed:
        await watch()
    assert closed.value.reason is not None
    return int(closed.value.reason.code)


@simulated
async def test_a_viewer_sees_lanes_and_figures_as_they_are() -> None:
    stage = Stage(1, STEERED)
    stage.site("well.example")
    stage.site("ill.example", LATER)
    async with stage.play(), viewer(stage) as one:
        await one.say(op="sub", id=1, topic="lanes")
        await one.say(op="sub", id=2, topic="stats")
        await one.say(op="sub", id=3, topic="lanes", filter={"lane": "ill*"})
        await one.watch_for(2)
        assert one.tables[1] == {}
        await stage.send("m1", "ann@ill.example", "bob@well.example")
        await one.watch_for(10)
        assert set(one.tables[1]) == {"ill.example", "well.example"}
        assert set(one.tables[3]) == {"ill.example"}
        shown = (await ask(stage, "GET", "/lanes")).content["lanes"]
        for lane in shown:
            seen = one.tables[1][lane["lane"]]
            for name in ("state", "queued", "breaker", "limited_by", "last_reply", "ok_share"):
                assert seen.get(name) == lane[name]
        assert one.tables[2]["all"]["received"] == 1
        await one.say(op="unsub", id=1)
        await one.say(op="resync", id=3)
        await one.watch_for(0.5)
        seq = one.seqs[1]
        await one.watch_for(3)
        assert one.seqs[1] == seq


@simulated
async def test_events_come_as_they_happen_and_only_those_that_are_wanted() -> None:
    stage = Stage(1, STEERED)
    stage.site("well.example")
    stage.site("ill.example", LATER)
    async with stage.play(), viewer(stage) as all_of_it, viewer(stage) as ill:
        await all_of_it.say(op="sub", id=1, topic="events")
        await ill.say(op="sub", id=1, topic="events", filter={"domain": "ill.example", "type": ["attempt"]})
        await trio.sleep(1)
        await stage.send("m1", "ann@ill.example", "bob@well.example")
        await ask(stage, "POST", "/suspensions", {"lane": "ill.example", "reason": "quiet"})
        await all_of_it.watch_for(5)
        await ill.watch_for(1)
        kinds = [(event["event"], event.get("outcome")) for event in all_of_it.events]
        assert {("received", None), ("attempt", "delivered"), ("attempt", "deferred"), ("rule_set", None)} <= set(kinds)
        assert [event["recipients"] for event in ill.events] == [["ann@ill.example"]]
        listed = (await ask(stage, "GET", "/events?type=attempt&outcome=del*")).content["events"]
        assert [event["recipients"] for event in listed] == [["bob@well.example"]]


@simulated
async def test_who_reads_slowly_misses_events_and_is_told_how_many() -> None:
    api = evolve(STEERED.api, live=LiveSettings(max_events=2))
    stage = Stage(1, evolve(STEERED, api=api))
    stage.site("well.example")
    async with stage.play(), viewer(stage) as one:
        await one.say(op="sub", id=1, topic="events", every=60)
        await trio.sleep(1)
        for number in range(5):
            await stage.send(f"m{number}", "bob@well.example")
        await one.watch_for(90)
        assert one.dropped > 0
        assert one.dropped + len(one.events) == 10


@simulated
async def test_what_makes_no_sense_is_answered_and_ends_in_the_end() -> None:
    stage = Stage(1, STEERED)
    async with stage.play(), viewer(stage) as one:
        for said, code in (
            ({"op": "sub", "id": 1, "topic": "weather"}, "LIVE003"),
            ({"op": "dance"}, "LIVE004"),
            ({"op": "sub", "id": 1, "topic": "lanes", "colour": 1}, "LIVE004"),
            ({"op": "sub", "id": 1, "topic": "events", "limit": 1}, "LIVE004"),
            ({"op": "sub", "id": 1, "topic": "log", "filter": {"level": "shout"}}, "LIVE004"),
            ({"op": "unsub", "id": 7}, "LIVE005"),
        ):
            await one.say(**said)
            answer = await one.frame()
            assert (answer["t"], answer["code"]) == ("error", code)
            assert answer["why"]
            assert answer["try"]
        await one.say(op="sub", id=1, topic="queue")
        await one.say(op="sub", id=1, topic="queue")
        assert {(await one.frame()).get("code"), (await one.frame()).get("code")} == {None, "LIVE005"}
        assert await closing_code(one, nonsense=True) == 1008


@simulated
async def test_there_are_only_so_many_viewers_and_subscriptions() -> None:
    api = evolve(STEERED.api, live=LiveSettings(max_viewers=1, max_subscriptions=1))
    stage = Stage(1, evolve(STEERED, api=api))
    async with stage.play():
        async with viewer(stage) as one:
            await one.say(op="sub", id=1, topic="rules")
            await one.say(op="sub", id=2, topic="rules")
            codes = {(await one.frame()).get("code") for _ in range(2)}
            assert codes == {None, "LIVE006"}
            try:
                async with viewer(stage):
                    raise AssertionError("there is one too many")
            except* ConnectionRejected as group:
                (refused,) = group.exceptions
                assert isinstance(refused, ConnectionRejected)
                assert refused.status_code == 503
                assert b"LIVE002" in (refused.body or b"")
        async with viewer(stage):
            pass


@simulated
async def test_fifty_may_watch_thirty_two_things_each() -> None:
    stage = Stage(1, STEERED)
    async with stage.play(), AsyncExitStack() as viewers:
        watching = []
        for _ in range(50):
            watching.append(await viewers.enter_async_context(viewer(stage)))
            await trio.sleep(0.1)  # there is a limit on how often somebody may ask
        with pytest.RaisesGroup(ConnectionRejected, flatten_subgroups=True):
            await viewers.enter_async_context(viewer(stage))
        last = watching[-1]
        for number in range(33):
            await last.say(op="sub", id=number, topic="stats")
        answers = [await last.frame() for _ in range(33)]
        assert [one["id"] for one in answers if one["t"] == "error" and one["code"] == "LIVE006"] == [32]
        assert set(last.tables) == set(range(32))


@simulated
async def test_a_message_that_is_too_large_ends_it() -> None:
    stage = Stage(1, STEERED)
    async with stage.play(), viewer(stage) as one:
        await one.say(op="sub", id=1, topic="x" * 20_000)
        assert await closing_code(one) == 1009


@simulated
async def test_the_end_of_the_daemon_is_told() -> None:
    stage = Stage(1, STEERED)
    async with stage.play() as run, viewer(stage) as one:
        run.stop()
        said = await one.frame()
        assert (said["t"], said["reason"]) == ("bye", "restart")
        assert await closing_code(one) == 1012


@simulated
async def test_who_does_not_read_is_let_go_and_the_others_see_on() -> None:
    api = evolve(STEERED.api, live=LiveSettings(send_timeout_s=10.0))
    stage = Stage(1, evolve(STEERED, api=api))
    stage.site("ill.example", LATER)
    async with stage.play(), viewer(stage) as quick:
        await quick.say(op="sub", id=1, topic="lanes")
        async with viewer(stage) as slow:
            for number in range(30):
                await slow.say(op="sub", id=number, topic="stats")
            # Nobody takes a message from the client's queue of one, so its reader stops, and the way fills up.
            await quick.watch_for(600)
            before = quick.seqs[1]
            await stage.send("m1", "ann@ill.example")
            await quick.watch_for(5)
            assert quick.seqs[1] > before
            assert await closing_code(slow) in (1006, 1013)


@simulated
async def test_the_log_can_be_watched_by_level() -> None:
    stage = Stage(1, STEERED)
    async with stage.play(), viewer(stage) as one:
        await one.say(op="sub", id=1, topic="log", filter={"level": "warning", "logger": "test*"})
        await trio.sleep(1)
        logging.getLogger("empath.testing").warning("look here")
        logging.getLogger("empath.testing").info("not here")
        logging.getLogger("empath.other").warning("nor here")
        await one.watch_for(2)
        assert [event["message"] for event in one.events] == ["look here"]
    assert not any(type(handler).__name__ == "_Gatherer" for handler in logging.getLogger().handlers)


@simulated
async def test_without_a_viewer_nothing_is_built_and_no_event_becomes_text() -> None:
    hub = Hub(settings=LiveSettings(), node="mx")
    built = 0

    async def source() -> Rows:
        nonlocal built
        await trio.lowlevel.checkpoint()
        built += 1
        return {}

    hub.show({"things": source})
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hub.run)
        await trio.sleep(60)
        assert (built, hub.viewers) == (0, 0)
        one, other = Watcher(hub), Watcher(hub)
        one.hear('{"op":"sub","id":1,"topic":"things"}')
        other.hear('{"op":"sub","id":1,"topic":"things","filter":{"a":"b"}}')
        hub.enter(one)
        hub.enter(other)
        await trio.sleep(60)
        assert 59 <= built <= 62
        for viewer_ in (one, other):
            hub.leave(viewer_)
            viewer_.leave()
        before = built
        await trio.sleep(60)
        assert built <= before + 1
        nursery.cancel_scope.cancel()
