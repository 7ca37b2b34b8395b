import json
from collections.abc import AsyncIterator, Mapping
from math import inf
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
import trio
import trustme
from attrs import define, evolve, field
from trio.testing import MockClock, wait_all_tasks_blocked

import empath
from empath.config.schema import HealthSettings
from empath.config.schema.operators import Requirement
from empath.mail.ids import MessageId
from empath.mail.outcome import Outcome
from empath.ops.check import Surroundings
from empath.ops.condition import FRESH_S, Examination
from empath.ops.health import Health
from empath.ops.http import Request, Response
from empath.ops.pulse import STILL_S, Pulse
from empath.ops.recent import RecentAttempts
from empath.sim import SimulatedWorld
from empath.sim.clock import EPOCH
from empath.sim.disk import Trouble
from empath.spool.contract import Acceptance, Quarantined, Spool
from empath.spool.memory import MemoryStore
from empath.spool.open import open_spool
from empath.world import TcpEndpoint
from empath.world.certificates import Certificate, load
from empath.world.free_space import FreeSpace
from tests.ops.facts import BUSY, NO_DNS, TAKEN, attempted

HERE, ELSEWHERE = TcpEndpoint("127.0.0.1", 40000), TcpEndpoint("192.0.2.9", 40000)
SPOOL = PurePosixPath("/var/spool/empath")
MIN_FREE_BYTES = 1_000_000
DAY_S = 86_400.0


@define
class Patient:
    """A daemon's health, and what it depends on."""

    spool: Spool
    world: SimulatedWorld
    audit: bool | None = None
    settings: HealthSettings = field(factory=lambda: HealthSettings(max_queue_size=2))
    draining: bool = False
    recent: RecentAttempts = field(init=False, factory=RecentAttempts)
    pulse: Pulse = field(init=False)
    health: Health = field(init=False)

    def __attrs_post_init__(self) -> None:
        disk = self.world.world.disk
        self.pulse = Pulse(self.world.clock)
        examination = Examination(
            spool=self.spool,
            disk=disk,
            directory=SPOOL,
            free_space=FreeSpace(disk=disk, directories=(SPOOL,), min_free_bytes=MIN_FREE_BYTES),
            is_draining=lambda: self.draining,
        )
        self.health = Health(
            settings=self.settings,
            examination=examination,
            recent=self.recent,
            pulse=self.pulse,
            clock=self.world.clock,
            audit_writable=lambda: self.audit,
        )

    def surroundings(self, **those: Any) -> None:
        self.health.surroundings = evolve(self.health.surroundings, **those)

    async def fall_ill(self, one: Requirement) -> None:
        """Let one check fail."""
        now = self.world.clock.now()
        match one:
            case Requirement.DELIVERY | Requirement.DNS:
                trouble: Outcome = BUSY if one is Requirement.DELIVERY else NO_DNS
                for outcome in (TAKEN, trouble, trouble, trouble):
                    self.recent.observe(attempted(outcome, at=now))
                if one is Requirement.DNS:
                    self.health.settings = evolve(self.settings, min_success_rate=0.0)
            case Requirement.AUDIT:
                self.audit = False
            case Requirement.BREAKERS:
                self.surroundings(open_breakers=lambda: 1000)
            case Requirement.VERSION:
                self.surroundings(installed_version=lambda: "99.1.0")
            case Requirement.LOOP:
                self.surroundings(settings=evolve(self.settings, max_loop_lag_s=-1.0))
            case Requirement.CLOCK:
                self.surroundings(settings=evolve(self.settings, max_clock_step_s=-1.0))

    async def get(self, path: str, peer: TcpEndpoint = HERE, **fields: str) -> tuple[int, Mapping[str, Any]]:
        answer: Response = await self.health.routes()[path](
            Request(method="GET", path=path, host="localhost", peer=peer, fields=fields)
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


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    """One of ours, for a year from the beginning of the simulation."""
    authority = trustme.CA()
    made = authority.issue_cert("mx.example.org", "mail.example.org")
    for name, part in (("cert.pem", made.cert_chain_pems[0]), ("key.pem", made.private_key_pem)):
        part.write_to_path(str(tmp_path / name))
    return evolve(load(tmp_path / "cert.pem", tmp_path / "key.pem"), not_after=EPOCH + 365 * DAY_S)


async def test_every_check_has_all_fields_and_a_hint_if_it_is_not_well(
    patient: Patient, autojump_clock: MockClock, certificate: Certificate
) -> None:
    patient.audit = True
    patient.surroundings(certificates=lambda: [certificate], installed_version=lambda: empath.__version__)
    names = ["spool", "disk", "queue", "quarantine", "deletion", "accepting", "delivery", "dns", "audit"]
    _, body = await patient.get("/health/detailed")
    assert [check["name"] for check in body["checks"]] == [
        *names,
        "breakers",
        "certificates",
        "loop",
        "clock",
        "version",
    ]
    fields = {"name", "ok", "value", "limit", "since", "hint"}
    assert {frozenset(check) for check in body["checks"]} == {frozenset(fields)}
    assert {(check["ok"], check["hint"]) for check in body["checks"]} == {(True, None)}


async def test_many_open_breakers_make_it_degraded(patient: Patient, autojump_clock: MockClock) -> None:
    for count, status in ((20, "ok"), (21, "degraded")):
        patient.surroundings(open_breakers=lambda count=count: count)
        assert (await patient.get("/health/detailed"))[1]["status"] == status
    check = await patient.check("breakers")
    assert (check["value"], check["limit"], "breakers list" in check["hint"]) == (21, 20, True)


async def test_a_certificate_that_ends_soon_makes_it_degraded(
    patient: Patient, autojump_clock: MockClock, certificate: Certificate
) -> None:
    patient.surroundings(certificates=lambda: [certificate])
    check = await patient.check("certificates")
    assert (check["ok"], check["value"], check["limit"]) == (True, 365, 14)
    patient.world.clock.step(352 * DAY_S)
    check = await patient.check("certificates")
    assert (check["ok"], check["value"]) == (False, 13)
    assert (await patient.get("/health/ready"))[0] == 200


async def test_a_loop_that_was_late_makes_it_degraded_for_a_minute(patient: Patient, mock_clock: MockClock) -> None:
    """The clock jumps by hand: a loop that stands still sees time pass all at once."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(patient.pulse.run)
        for jump_s, late in ((1.0, False), (3.5, True), (1.0, True)):
            await wait_all_tasks_blocked()
            mock_clock.jump(jump_s)
            await wait_all_tasks_blocked()
            assert (patient.pulse.worst_s >= 2.5) is late
        check = Surroundings(settings=patient.settings, clock=patient.world.clock, pulse=patient.pulse).checks()[1]
        assert (check.name, check.ok, check.value, check.limit) == ("loop", False, 2.5, 1.0)
        for _ in range(60):
            mock_clock.jump(1.0)
            await wait_all_tasks_blocked()
        assert patient.pulse.worst_s == 0
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("by_s", [-30.0, 30.0])
async def test_a_wall_clock_that_was_set_makes_it_degraded_for_a_quarter_of_an_hour(
    patient: Patient, autojump_clock: MockClock, by_s: float
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(patient.pulse.run)
        await trio.sleep(100)
        assert (await patient.check("clock"))["value"] == pytest.approx(0)
        patient.world.clock.step(by_s)
        check = await patient.check("clock")
        assert (check["ok"], check["value"], check["limit"]) == (False, pytest.approx(by_s), 5)
        await trio.sleep(960)
        assert (await patient.check("clock"))["ok"]
        nursery.cancel_scope.cancel()


async def test_another_version_on_the_disk_than_runs_makes_it_degraded(
    patient: Patient, autojump_clock: MockClock
) -> None:
    patient.surroundings(installed_version=lambda: "99.1.0")
    check = await patient.check("version")
    assert (check["ok"], check["value"], check["limit"]) == (False, empath.__version__, "99.1.0")
    assert "restart" in check["hint"]


@pytest.mark.parametrize("one", [one for one in Requirement if one is not Requirement.CERTIFICATES])
async def test_ready_requires_makes_a_check_essential(one: Requirement, autojump_clock: MockClock) -> None:
    world = SimulatedWorld(1)
    async with open_spool(world.world, SPOOL, MemoryStore, holder="the test") as spool:
        for required in ((), (one,)):
            patient = Patient(spool, world, audit=True, settings=HealthSettings(ready_requires=required))
            if one.value in {"quarantine", "deletion"}:  # they need a spool with a fault, so only the decision is shown
                checks = {check.name: check.essential for check in await patient.health.checks()}
                assert checks[one.value] is bool(required)
                continue
            await patient.fall_ill(one)
            expected = (503, {"status": "unready", "failing": [one.value]}) if required else (200, {"status": "ok"})
            assert await patient.get("/health/ready") == expected


async def test_details_are_for_other_machines_if_whoever_asks_may_read(
    patient: Patient, autojump_clock: MockClock
) -> None:
    async def refusal(request: Request) -> Response | None:
        await trio.lowlevel.checkpoint()
        return None if request.fields.get("authorization") == "Bearer x" else Response(status=401, body=b"{}")

    patient.health.refusal = refusal
    assert (await patient.get("/health/detailed", ELSEWHERE))[0] == 401
    assert (await patient.get("/health/detailed", ELSEWHERE, authorization="Bearer x"))[0] == 200
    assert (await patient.get("/health/detailed"))[0] == 200


@pytest.mark.parametrize(
    ("settings", "name", "ok"),
    [
        (HealthSettings(min_success_rate=0.3), "delivery", True),
        (HealthSettings(min_success_rate=0.4), "delivery", False),
        (HealthSettings(max_open_breakers=5), "breakers", True),
        (HealthSettings(max_open_breakers=4), "breakers", False),
        (HealthSettings(max_clock_step_s=4.0), "clock", True),
        (HealthSettings(max_clock_step_s=2.0), "clock", False),
        (HealthSettings(max_loop_lag_s=3.0), "loop", True),
        (HealthSettings(max_loop_lag_s=2.0), "loop", False),
    ],
)
async def test_each_limit_is_the_one_of_its_key(
    settings: HealthSettings, name: str, ok: bool, mock_clock: MockClock
) -> None:
    world = SimulatedWorld(1)
    mock_clock.autojump_threshold = 0
    async with open_spool(world.world, SPOOL, MemoryStore, holder="the test") as spool, trio.open_nursery() as nursery:
        patient = Patient(spool, world, settings=settings)
        for outcome in (TAKEN, BUSY, BUSY):
            patient.recent.observe(attempted(outcome, at=world.clock.now()))
        patient.surroundings(open_breakers=lambda: 5)
        mock_clock.autojump_threshold = inf
        nursery.start_soon(patient.pulse.run)
        await wait_all_tasks_blocked()
        mock_clock.jump(3.5)  # so the loop is 2.5 s late
        world.clock.step(3.0)
        await wait_all_tasks_blocked()
        mock_clock.autojump_threshold = 0
        assert (await patient.check(name))["ok"] is ok
        nursery.cancel_scope.cancel()
