"""What a scrape of a whole worker says moves when that happens of which it speaks."""

from collections.abc import Mapping

import trio
from attrs import evolve
from prometheus_client.parser import text_string_to_metric_families

from empath.config.schema import BreakerSettings, DeliverySettings, MetricsSettings, Period, Rate, RateLimitSettings
from empath.mail import Phase
from empath.sim.remote import Rule
from empath.smtp import Domain, Reply
from empath.world import TcpEndpoint
from tests.ops.test_series import SERIES
from tests.sim.stage import ENTRANCE, Stage, simulated
from tests.sim.test_api import STEERED, ask

HTTP = TcpEndpoint(ENTRANCE.host, 9090)
MEASURED = evolve(STEERED, metrics=MetricsSettings(listen_addr=HTTP))
LATER = Rule(phase=Phase.RCPT, reaction=Reply(451, "later", "4.7.1"), times=1000)
DOWN = Rule(phase=Phase.GREETING, reaction=Reply(421, "down", "4.3.2"), times=1000)
NEXT_PASS_S = 12.0
"""After so long a census has been taken that saw what was the case when this began."""

Series = Mapping[tuple[str, ...], float]


async def fetched(stage: Stage) -> str:
    """The text of one scrape, from the machine of the client."""
    async with await stage.client.host.connect(HTTP) as stream:
        await stream.send_all(b"GET /metrics HTTP/1.1\r\nHost: mx\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := await stream.receive_some(65_536):
            answer += bytes(part)
    return answer.partition(b"\r\n\r\n")[2].decode()


async def scrape(stage: Stage, *, after_s: float = NEXT_PASS_S) -> Series:
    """Value by name and label values, once everything has been looked at."""
    await fetched(stage)
    await trio.sleep(after_s)
    samples = [one for family in text_string_to_metric_families(await fetched(stage)) for one in family.samples]
    return {(one.name, *one.labels.values()): one.value for one in samples}


def waits(found: Series) -> dict[str, float]:
    """What deliveries wait for, without what none waits for."""
    return {name[1]: value for name, value in found.items() if name[0] == "empath_queue_waiting" and value}


@simulated
async def test_a_worker_that_has_just_started_has_every_series() -> None:
    stage = Stage(1, MEASURED)
    async with stage.play():
        await fetched(stage)
        families = [one for one in text_string_to_metric_families(await fetched(stage)) if "process_" not in one.name]
        kinds = {f"{one.name}_total" if one.type == "counter" else one.name: one.type for one in families}
        assert kinds == {name: row.kind for name, row in SERIES.items()}
        found = await scrape(stage)
        assert (waits(found), found[("empath_queue_oldest_seconds",)], found[("empath_spool_bytes",)]) == ({}, 0, 0)


@simulated
async def test_mail_that_waits_is_counted_by_the_one_reason_why() -> None:
    breaker = BreakerSettings(failure_threshold=1, timeout_s=3600)
    limits = RateLimitSettings(default=Rate(1, Period.HOUR))
    stage = Stage(1, evolve(MEASURED, delivery=DeliverySettings(circuit_breaker=breaker, rate_limits=limits)))
    stage.site("grey.example", LATER)
    stage.site("down.example", DOWN)
    stage.site("slow.example")
    stage.site("shut.example")
    async with stage.play():
        await ask(stage, "POST", "/suspensions", {"lane": "shut.example", "reason": "enough"})
        for domain in ("grey", "down", "down", "slow", "slow", "slow", "shut"):
            await stage.send(f"m-{domain}", f"bob@{domain}.example", body=b"x" * 900 + b"\r\n")
        await trio.sleep(30)
        found = await scrape(stage)
        expected = {"retry_backoff": 1, "breaker_open": 2, "rate_domain": 2, "suspended": 1}
        # What the down site has refused waits for its own next attempt, and then for the breaker.
        assert sum(waits(found).values()) == sum(expected.values())
        assert waits(found) in (expected, expected | {"retry_backoff": 2, "breaker_open": 1})
        assert found["empath_rate_limited_total", "domain"] > 0
        assert 30 < found[("empath_queue_oldest_seconds",)] < 60
        assert found[("empath_spool_bytes",)] > 5000
        assert found[("empath_suspensions",)] == 1
        assert found["empath_breakers", "open"] == 1
        assert found["empath_spool_operation_duration_seconds_count", "durable"] >= 6
        await ask(stage, "PUT", "/queue/freeze", {"reason": "stop"})
        assert waits(await scrape(stage)) == {"frozen": 5, "suspended": 1}  # of two without end, the older


@simulated
async def test_what_is_held_and_what_is_damaged_counts_as_held_and_what_is_thrown_away_keeps_its_room() -> None:
    stage = Stage(1, MEASURED)
    stage.site("grey.example", LATER)
    async with stage.play():
        for number in range(3):
            await stage.send(f"m{number}", "bob@grey.example", body=b"x" * 900 + b"\r\n")
        await trio.sleep(5)
        rows = (await ask(stage, "GET", "/messages")).content["deliveries"]
        await ask(stage, "POST", f"/messages/{rows[0]['mid']}/hold", {"reason": "look at it"})
        await ask(stage, "DELETE", f"/messages/{rows[1]['mid']}")
        found = await scrape(stage)
        assert waits(found) == {"held": 1, "retry_backoff": 1}
        assert found[("empath_spool_bytes",)] > 2700


@simulated
async def test_connections_that_are_open_are_counted_by_server() -> None:
    stage = Stage(1, MEASURED)
    stage.site("well.example")
    async with stage.play():
        await stage.send("m1", "bob@well.example")
        found = await scrape(stage)
        assert found["empath_delivery_active_connections", "well.example"] == 1  # it waits for more, five minutes long
        assert found["empath_delivery_active_connections", "_other"] == 0
        found = await scrape(stage, after_s=600)
        assert found["empath_delivery_active_connections", "well.example"] == 0


@simulated
async def test_suspensions_and_overlays_are_counted_while_they_hold() -> None:
    stage = Stage(1, MEASURED)
    async with stage.play():
        overlay = {"lane": "a.example", "rate": "1/min", "reason": "warm up", "for": "1h"}
        assert (await ask(stage, "POST", "/overlays", overlay)).status < 300
        found = await scrape(stage)
        assert (found[("empath_overlays",)], found[("empath_suspensions",)]) == (1, 0)
        found = await scrape(stage, after_s=3700)
        assert (found[("empath_overlays",)], found[("empath_suspensions",)]) == (0, 0)


@simulated
async def test_messages_that_an_earlier_process_has_left_are_recovered() -> None:
    stage = Stage(1, MEASURED)
    stage.site("grey.example", LATER)
    async with stage.play():
        for number in range(3):
            await stage.send(f"m{number}", "bob@grey.example")
        await trio.sleep(5)
        assert (await scrape(stage))[("empath_recovered_messages",)] == 0
    async with stage.play():
        assert (await scrape(stage))[("empath_recovered_messages",)] == 3


@simulated
async def test_pinned_domains_have_series_of_their_own_beside_max_domains() -> None:
    metrics = evolve(MEASURED.metrics, max_domains=1, pinned_domains=(Domain.parse("pinned.example"),))
    stage = Stage(1, evolve(MEASURED, metrics=metrics))
    domains = ("first.example", "second.example", "pinned.example")
    for domain in domains:
        stage.site(domain)
    async with stage.play():
        for domain in domains:
            await stage.send(domain, f"bob@{domain}")
            await trio.sleep(1)
        found = await scrape(stage)
        named = {name[1] for name in found if name[0] == "empath_delivery_duration_seconds_count"}
        assert named == {"first.example", "pinned.example", "_other"}
        servers = {name[1]: value for name, value in found.items() if name[0] == "empath_delivery_active_connections"}
        assert servers == {"first.example": 1, "pinned.example": 1, "_other": 1}


@simulated
async def test_an_attempt_that_our_own_disk_ends_is_an_error() -> None:
    stage = Stage(1, MEASURED)
    stage.site("well.example")
    async with stage.play():
        await ask(stage, "PUT", "/queue/freeze", {"reason": "wait"})
        await stage.send("m1", "bob@well.example", body=b"line of text\r\n" * 30_000)
        disk, bodies = stage.simulation.world.disk, stage.config.spool_path / "bodies"
        (name,) = [name for name in await disk.list(bodies) if name.count(".") == 1]
        await disk.write(bodies / name, [b"y" * await disk.size_bytes(bodies / name)])
        await ask(stage, "DELETE", "/queue/freeze")
        found = await scrape(stage)
        assert found["empath_delivery_attempts_total", "error"] == 1
        assert found[("empath_spool_quarantined",)] == 1
