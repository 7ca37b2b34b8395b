import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path, PurePosixPath

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from empath.app import AuditUnusable, Shutdown
from empath.app.watch import Watch, Watchmaker
from empath.config.schema import ApiSettings, AuditSettings, Config, HealthSettings, MetricsSettings, Redaction
from empath.mail import Fact
from empath.sim import SimulatedWorld
from empath.sim.disk import Trouble
from empath.spool.memory import MemoryStore
from empath.spool.open import open_spool
from empath.world import Listener, ListenFailed, TcpEndpoint
from empath.world.free_space import FreeSpace
from tests.ops.facts import accepted, attempted

SHARED = TcpEndpoint("127.0.0.1", 8080)
METRICS = TcpEndpoint("127.0.0.1", 9090)
LOG = PurePosixPath("/var/log/empath")


@define
class Post:
    """Where a watch stands."""

    config: Config = field(factory=Config)
    world: SimulatedWorld = field(init=False, factory=lambda: SimulatedWorld(1, addresses=("127.0.0.1",)))
    facts: list[Fact] = field(init=False, factory=list)

    async def listen(self, endpoint: TcpEndpoint) -> Listener:
        return await self.world.world.network.listen(endpoint)

    @asynccontextmanager
    async def stand(self) -> AsyncIterator[Watch]:
        """Open a watch, not running yet."""
        path = PurePosixPath("/var/spool/empath/sandbox")
        async with open_spool(self.world.world, path, MemoryStore, holder="the test") as spool:
            yield await Watchmaker(
                config=self.config,
                world=self.world.world,
                spool=spool,
                shutdown=Shutdown(30),
                observe=self.facts.append,
                open_listener=self.listen,
                free_space=FreeSpace(disk=self.world.world.disk, directories=(path,), min_free_bytes=0),
                certificates=tuple,
            ).make()

    async def status(self, endpoint: TcpEndpoint, path: str) -> int:
        stream = await self.world.world.network.connect(endpoint)
        async with stream:
            await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            return int(bytes(await stream.receive_some(65_536)).split(b" ", 2)[1])

    async def audited(self) -> list[bytes]:
        lines: list[bytes] = []
        for name in await self.world.world.disk.list(LOG):
            async with await self.world.world.disk.open(LOG / name) as file:
                lines += (await file.read(1_000_000)).splitlines()
        return lines


@asynccontextmanager
async def running(watch: Watch) -> AsyncIterator[None]:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(watch.run)
        await trio.sleep(0.01)
        yield
        nursery.cancel_scope.cancel()


PATHS = ("/metrics", "/health", "/")


async def served(config: Config) -> set[tuple[int, str]]:
    """Which of the paths are answered, with the port."""
    post = Post(config)
    async with post.stand() as watch, running(watch):
        ports = {endpoint for endpoint in watch.sections.values() if isinstance(endpoint, TcpEndpoint)}
        return {(port.port, path) for port in ports for path in PATHS if await post.status(port, path) == 200}


async def test_sections_with_equal_addresses_share_one_server(autojump_clock: MockClock) -> None:
    assert await served(Config()) == {(9090, "/metrics"), (8080, "/health"), (8080, "/")}
    together = Config(metrics=MetricsSettings(listen_addr=SHARED))
    assert await served(together) == {(8080, path) for path in PATHS}


@pytest.mark.parametrize(
    ("config", "left"),
    [
        (Config(metrics=MetricsSettings(enabled=False)), {(8080, "/health"), (8080, "/")}),
        (Config(health=HealthSettings(enabled=False)), {(9090, "/metrics"), (8080, "/")}),
        (Config(api=ApiSettings(enabled=False)), {(9090, "/metrics"), (8080, "/health")}),
    ],
)
async def test_a_section_that_is_switched_off_is_not_served(
    config: Config, left: set[tuple[int, str]], autojump_clock: MockClock
) -> None:
    assert await served(config) == left


async def test_with_all_switched_off_nothing_is_opened_and_nothing_written(autojump_clock: MockClock) -> None:
    config = Config(
        metrics=MetricsSettings(enabled=False),
        health=HealthSettings(enabled=False),
        api=ApiSettings(enabled=False),
        audit=AuditSettings(enabled=False),
    )
    post = Post(config)
    async with post.stand() as watch, running(watch):
        watch.observe(attempted())
        assert watch.sections == {}
    assert len(post.facts) == 1
    assert not any(path.startswith(str(LOG)) for _, path in post.world.files.history)


async def test_a_taken_port_is_an_error_at_the_start() -> None:
    post = Post()
    await post.listen(METRICS)
    taken = pytest.RaisesExc(ListenFailed, check=lambda problem: problem.endpoint == METRICS)
    with pytest.RaisesGroup(taken, flatten_subgroups=True):
        async with post.stand():
            pass


async def test_an_audit_log_that_cannot_be_written_is_an_error_at_the_start() -> None:
    post = Post()
    post.world.files.plan(Trouble.IO_ERROR, call="extend")
    unusable = pytest.RaisesExc(AuditUnusable, match=r"cannot append to /var/log/empath/audit-.*\.jsonl")
    with pytest.RaisesGroup(unusable, flatten_subgroups=True):
        async with post.stand():
            pass


async def test_what_is_observed_is_audited_until_the_end(autojump_clock: MockClock) -> None:
    post = Post()
    async with post.stand() as watch, running(watch):
        watch.observe(accepted(at=post.world.clock.now()))
        await trio.sleep(10)
        watch.observe(attempted(at=post.world.clock.now()))
    assert [line.split(b'"event":"')[1].split(b'"')[0] for line in await post.audited()] == [
        *(b"start", b"received", b"attempt", b"stop")
    ]


@pytest.mark.parametrize(
    ("settings", "hidden", "shown"),
    [
        (AuditSettings(redact_sender=Redaction.LOCAL), b"billing@", b"ann@"),
        (AuditSettings(redact_recipients=Redaction.HASH), b"ann@", b"billing@"),
    ],
)
async def test_redaction_is_as_configured(
    settings: AuditSettings, hidden: bytes, shown: bytes, autojump_clock: MockClock
) -> None:
    post = Post(Config(audit=settings))
    async with post.stand() as watch, running(watch):
        watch.observe(attempted(at=post.world.clock.now()))
    lines = b"".join(await post.audited())
    assert hidden not in lines
    assert shown in lines


async def test_a_log_without_a_file_for_each_day(autojump_clock: MockClock) -> None:
    post = Post(Config(audit=AuditSettings(rotate_daily=False, log_path=Path("/var/log/empath/all.jsonl"))))
    async with post.stand() as watch, running(watch):
        pass
    assert await post.world.world.disk.list(LOG) == ("all.jsonl",)


async def test_an_observer_that_fails_is_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: Fact) -> None:
        raise RuntimeError("a fault of ours")

    seen: list[Fact] = []
    post = Post()
    async with post.stand() as watch:
        watch.observers = (fail, seen.append)
        watch.observe(attempted())
    assert len(seen) == 1
    assert "an observer failed at DeliveryAttempted" in caplog.text


async def test_a_service_that_fails_is_begun_again_and_the_log_tells(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    starts: list[float] = []

    async def fail() -> None:
        starts.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        raise RuntimeError("a fault of ours")

    post = Post()
    async with post.stand() as standing:
        insight = standing.insight
    watch = Watch(observers=(), sections={}, insight=insight, servers=[], services={"the weathercock": fail})
    with caplog.at_level(logging.ERROR):
        async with running(watch):
            await trio.sleep(200)
    pauses = [round(later - earlier) for earlier, later in pairwise(starts)]
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    assert "the weathercock failed and is started again in 1 s; mail goes on" in caplog.messages
