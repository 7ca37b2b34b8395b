import json
from collections.abc import AsyncIterator, Mapping
from pathlib import PurePosixPath
from typing import Any

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from empath.config.schema import HealthSettings
from empath.mail.ids import MessageId
from empath.ops.condition import FRESH_S, Examination
from empath.ops.health import Health
from empath.ops.http import Request, Response
from empath.ops.pulse import STILL_S, Pulse
from empath.ops.recent import RecentAttempts
from empath.sim import SimulatedWorld
from empath.sim.disk import Trouble
from empath.spool.contract import Acceptance, Quarantined, Spool
from empath.spool.memory import MemoryStore
from empath.spool.open import open_spool
from empath.world import TcpEndpoint
from empath.world.free_space import FreeSpace
from tests.ops.facts import BUSY, NO_DNS, TAKEN, attempted

HERE, ELSEWHERE = TcpEndpoint("127.0.0.1", 40000), TcpEndpoint("192.0.2.9", 40000)
SPOOL = PurePosixPath("/var/spool/empath")
MIN_FREE_BYTES = 1_000_000


@define
class Patient:
    """A daemon's health, and what it depends on."""

    spool: Spool
    world: SimulatedWorld
    audit: bool | None = None
    draining: bool = False
    recent: RecentAttempts = field(init=False, factory=RecentAttempts)
    pulse: Pulse = field(init=False, factory=Pulse)
    health: Health = field(init=False)

    def __attrs_post_init__(self) -> None:
        disk = self.world.world.disk
        examination = Examination(
            spool=self.spool,
            disk=disk,
            directory=SPOOL,
            free_space=FreeSpace(disk=disk, directories=(SPOOL,), min_free_bytes=MIN_FREE_BYTES),
            is_draining=lambda: self.draining,
        )
        self.health = Health(
            settings=HealthSettings(max_queue_size=2),
            examination=examination,
            recent=self.recent,
            pulse=self.pulse,
            clock=self.world.clock,
            audit_writable=lambda: self.audit,
        )

    async def get(self, path: str, peer: TcpEndpoint = HERE) -> tuple[int, Mapping[str, Any]]:
        answer: Response = await self.health.routes()[path](
            Request(method="GET", path=path, host="localhost", peer=peer)
        )
        return answer.status, json.loads(answer.body)

    async def check(self, name: str) -> Mapping[str, Any]:
        checks = (await self.get("/health/detailed"))[1]["checks"]
        found: Mapping[str, Any] = next(check for check in checks if check["name"] == name)
        return found

    async def queue(self, deliveries: int) -> None:
        await self.spool.accept(
            Acceptance(
                mid=MessageId(1, 1),
                received=0.0,
                envelope=b"",
                body=b"",
                domains=("example.org",) * deliveries,
                next_attempt=0.0,
            )
        )


@pytest.fixture
async def patient() -> AsyncIterator[Patient]:
    world = SimulatedWorld(1)
    async with open_spool(world.world, SPOOL, MemoryStore, holder="the test") as spool:
        yield Patient(spool, world)


@pytest.mark.parametrize("path", ["/health", "/health/live", "/livez", "/health/ready", "/readyz"])
async def test_a_healthy_daemon_says_so_and_nothing_else(
    patient: Patient, autojump_clock: MockClock, path: str
) -> None:
    assert await patient.get(path) == (200, {"status": "ok"})


async def test_a_daemon_whose_event_loop_stood_still_does_not_live(patient: Patient, autojump_clock: MockClock) -> None:
    await trio.sleep(STILL_S + 1)
    assert (await patient.get("/health/live"))[0] == 503


async def test_a_daemon_with_a_pulse_lives_on(patient: Patient, autojump_clock: MockClock) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(patient.pulse.run)
        await trio.sleep(3 * STILL_S)
        assert (await patient.get("/health/live"))[0] == 200
        nursery.cancel_scope.cancel()


async def test_a_disk_that_cannot_be_written_makes_it_unready_and_not_dead(
    patient: Patient, autojump_clock: MockClock
) -> None:
    patient.world.files.plan(Trouble.NO_SPACE, call="create")
    assert await patient.get("/health/ready") == (503, {"status": "unready", "failing": ["spool"]})
    assert (await patient.get("/health/live"))[0] == 200
    assert "No space left" in (await patient.check("spool"))["hint"]
    await trio.sleep(FRESH_S)
    assert (await patient.get("/health/ready"))[0] == 200


async def test_less_room_than_spool_min_free_makes_it_unready_until_there_is_more(
    patient: Patient, autojump_clock: MockClock
) -> None:
    patient.world.files.capacity_bytes = MIN_FREE_BYTES
    assert await patient.get("/health/ready") == (503, {"status": "unready", "failing": ["disk"]})
    check = await patient.check("disk")
    assert (check["limit"], check["value"] < MIN_FREE_BYTES) == (MIN_FREE_BYTES, True)
    patient.world.files.capacity_bytes = 2 * MIN_FREE_BYTES
    await trio.sleep(FRESH_S)
    assert (await patient.get("/health/ready"))[0] == 200


async def test_damaged_messages_make_it_degraded_and_not_unready(patient: Patient, autojump_clock: MockClock) -> None:
    await patient.queue(1)
    claimed = await patient.spool.claim(now=1.0, until=2.0, latest=3.0, room=1)
    await patient.spool.record([Quarantined(key=claimed.claims[0].deliveries[0].key, reason="torn")])
    assert (await patient.get("/health/detailed"))[1]["status"] == "degraded"
    check = await patient.check("quarantine")
    assert (check["value"], check["hint"]) == (1, "stop the daemon and run `empath spool verify`")


async def test_max_queue_size_makes_it_unready(patient: Patient, autojump_clock: MockClock) -> None:
    await patient.queue(2)
    assert await patient.get("/health/ready") == (503, {"status": "unready", "failing": ["queue"]})
    check = await patient.check("queue")
    assert (check["ok"], check["value"], check["limit"]) == (False, 2, 2)


async def test_a_daemon_that_is_stopping_is_not_ready(patient: Patient, autojump_clock: MockClock) -> None:
    patient.draining = True
    assert await patient.get("/health/ready") == (503, {"status": "unready", "failing": ["accepting"]})


async def test_hosts_that_take_nothing_make_it_degraded_and_not_unready(
    patient: Patient, autojump_clock: MockClock
) -> None:
    for outcome in (TAKEN, BUSY, BUSY):
        patient.recent.observe(attempted(outcome, at=patient.world.clock.now()))
    status, body = await patient.get("/health/detailed")
    assert (status, body["status"]) == (200, "degraded")
    assert (await patient.check("delivery"))["value"] == pytest.approx(1 / 3)
    assert (await patient.get("/health/ready"))[0] == 200


async def test_dns_that_does_not_answer_makes_it_degraded(patient: Patient, autojump_clock: MockClock) -> None:
    for outcome in (TAKEN, NO_DNS, NO_DNS):
        patient.recent.observe(attempted(outcome, at=patient.world.clock.now()))
    assert not (await patient.check("dns"))["ok"]
    assert (await patient.get("/health/ready"))[0] == 200


@pytest.mark.parametrize(("audit", "status"), [(None, "ok"), (True, "ok"), (False, "degraded")])
async def test_an_audit_log_that_cannot_be_written_makes_it_degraded(
    patient: Patient, autojump_clock: MockClock, audit: bool | None, status: str
) -> None:
    patient.audit = audit
    assert (await patient.get("/health/detailed"))[1]["status"] == status


async def test_a_check_says_since_when_it_is_as_it_is(patient: Patient, autojump_clock: MockClock) -> None:
    first = (await patient.check("accepting"))["since"]
    await trio.sleep(100)
    assert (await patient.check("accepting"))["since"] == first
    patient.draining = True
    assert (await patient.check("accepting"))["since"] == pytest.approx(first + 100)


async def test_details_are_not_for_other_machines(patient: Patient, autojump_clock: MockClock) -> None:
    status, body = await patient.get("/health/detailed", ELSEWHERE)
    assert (status, body["code"]) == (403, "HLT001")
    assert (await patient.get("/health/ready", ELSEWHERE))[0] == 200


async def test_however_often_it_is_asked_the_disk_is_asked_once_in_a_while(
    patient: Patient, autojump_clock: MockClock
) -> None:
    for _ in range(50):
        await patient.get("/health/ready")
    probes = [path for call, path in patient.world.files.history if call == "create" and "/probe" in path]
    assert len(probes) == 1


async def test_a_body_that_cannot_be_removed_makes_it_degraded_and_not_unready(
    patient: Patient, autojump_clock: MockClock
) -> None:
    draft = await patient.spool.draft_body(MessageId(1, 2))
    await draft.write(b"large")
    patient.world.files.plan(Trouble.IO_ERROR, call="unlink")
    await patient.spool.discard_body(await draft.commit())
    assert (await patient.get("/health/detailed"))[1]["status"] == "degraded"
    assert (await patient.check("deletion"))["value"] == 1
    assert (await patient.get("/health/ready"))[0] == 200
