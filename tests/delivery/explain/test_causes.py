"""What holds mail up is recorded where it is decided: on the lane, with what waits apart, by sender and spool."""

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from empath.config.schema import BreakerSettings, DeliverySettings, Period, Rate, RateLimitSettings
from empath.delivery.explain import Seal, Tallies
from empath.mail import Fact, LaneChanged, Phase
from empath.mail.ids import MessageId
from empath.mail.waiting import Wait, WaitReason
from empath.mail.way_facts import HostDialled
from empath.policy.steering import Scope
from empath.sim.remote import Fault, Rule
from empath.spool.contract import Selector, SpoolError, SpoolFull
from tests.delivery.steered import Bridge, Who, bridge

ANN: Who = {"by": "ann", "why": "as they ask"}
DIALLED = HostDialled(at=5.0, site="a.example", result="ok", stages=(), tls_version="TLSv1.3", tls_verified=True)


async def wait_of(place: Bridge, mid: MessageId) -> Wait:
    (story,) = await place.sending.explainer.message(mid)
    assert story.wait is not None
    return story.wait


def reasons(place: Bridge, site: str = "a.example") -> list[WaitReason | None]:
    return [None if fact.wait is None else fact.wait.reason for fact in place.said(LaneChanged) if fact.site == site]


async def test_what_waits_for_a_limit_of_its_domain_says_so_while_others_of_the_site_go(
    autojump_clock: MockClock,
) -> None:
    limits = RateLimitSettings(per_sender=Rate(1, Period.HOUR))
    async with bridge(DeliverySettings(rate_limits=limits)) as place:
        server = await place.server("a.example")
        await place.put("x@a.example", user="ann")
        late = await place.put("y@a.example", user="ann")
        await place.put("z@a.example", user="bob")
        await trio.sleep(10)
        assert len(server.taken) == 2
        wait = await wait_of(place, late)
        assert wait.reason is WaitReason.RATE_SENDER
        assert wait.until is not None
        assert wait.until - place.world.clock.now() == pytest.approx(3590, abs=5)


async def test_a_route_that_takes_long_to_look_up_is_not_waited_for(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        await place.server("a.example")
        place.world.resolver.latency_s = 4
        mid = await place.put("x@a.example")
        await trio.sleep(1)
        (story,) = await place.sending.explainer.message(mid)
        assert story.wait is not None
        assert story.wait.reason is WaitReason.DNS_WAIT
        assert story.way is not None
        assert story.way.trouble == "looking it up takes longer than 5 s"


async def test_while_its_hosts_are_looked_up_a_message_waits_for_dns(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        await place.server("a.example")
        place.world.resolver.latency_s = 4
        mid = await place.put("x@a.example")
        await trio.sleep(1)
        page = await place.spool.find(Selector(ids=frozenset({mid})), now=place.world.clock.now())
        assert place.sending.explainer.wait_of(page.rows[0]) == Wait(WaitReason.DNS_WAIT, None, "a.example")
        await trio.sleep(60)
        assert place.attempts == 1


async def test_a_lane_tells_when_something_holds_it_up_and_when_nothing_does_any_more(
    autojump_clock: MockClock,
) -> None:
    settings = DeliverySettings(circuit_breaker=BreakerSettings(failure_threshold=2, timeout_s=60))
    async with bridge(settings) as place:
        down = Rule(phase=Phase.GREETING, reaction=Fault.CLOSE)
        server = await place.server("a.example", down)
        await place.put("x@a.example", messages=20)
        await trio.sleep(30)
        lane = place.sending.dispatcher.lanes["a.example"]
        assert lane.cause is not None
        assert lane.cause.reason is WaitReason.BREAKER_OPEN
        server.rules.clear()
        await trio.sleep(3600)
        assert len(server.taken) == 20
        assert reasons(place)[0] in (WaitReason.WINDOW, WaitReason.BREAKER_OPEN)
        assert WaitReason.BREAKER_OPEN in reasons(place)
        assert reasons(place)[-1] is None
        assert all(one is not other for one, other in zip(reasons(place), reasons(place)[1:], strict=False))


async def test_a_suspended_lane_has_its_cause_without_any_mail(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        await place.server("a.example")
        rule = await place.sending.control.suspend(Scope(lane="a.example"), **ANN)
        await place.put("x@a.example")
        await trio.sleep(5)
        assert reasons(place) == [WaitReason.SUSPENDED]
        await place.sending.control.end(rule.id, by="ann")
        await trio.sleep(5)
        assert reasons(place) == [WaitReason.SUSPENDED, None]


async def test_a_lane_with_a_rate_does_not_tell_of_each_message(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        server = await place.server("a.example")
        await place.sending.control.set_limit(Scope(lane="a.example"), rate_per_s=1, **ANN)
        await place.put("x@a.example", messages=30)
        await trio.sleep(60)
        assert len(server.taken) == 30
        assert reasons(place) == [WaitReason.RATE_DOMAIN, None]


async def test_a_full_disk_is_the_reason_why_nothing_is_attempted(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        await place.server("a.example")
        persistence = place.sending.dispatcher.closing.persistence
        place.sending.dispatcher.frozen = True  # by no rule: else that would be the reason
        mid = await place.put("x@a.example")
        persistence.note(SpoolFull("the disk is full"))
        assert await wait_of(place, mid) == Wait(WaitReason.DISK_LOW, None, "the disk is full")
        persistence.note(SpoolError("the database is locked"))
        assert (await wait_of(place, mid)).reason is not WaitReason.DISK_LOW


async def test_what_is_written_again_and_again_is_the_disk_s_fault_until_it_is_taken(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        persistence, room = place.sending.dispatcher.closing.persistence, [False]

        async def write() -> None:
            await trio.lowlevel.checkpoint()
            if not room[0]:
                raise SpoolFull("the disk is full")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(persistence.write, write)
            await trio.sleep(12)
            assert persistence.full == "the disk is full"
            room[0] = True
        assert persistence.full == ""


async def test_a_daemon_that_stops_is_the_reason_why_nothing_more_goes(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        # The second one is in its lane for sure, and not with a sender.
        await place.sending.control.set_limit(Scope(lane="a.example"), rate_per_s=0.001, **ANN)
        mid = await place.put("x@a.example", messages=2)
        place.sending.explainer.is_draining = lambda: True
        await place.sending.dispatcher.drain()
        assert (await wait_of(place, mid)).reason is WaitReason.DRAINING


async def test_a_message_is_told_with_its_route_and_the_latest_encryption_of_its_lane(
    autojump_clock: MockClock,
) -> None:
    async with bridge() as place:
        await place.server("a.example", Rule(phase=Phase.RCPT, reaction=Fault.CLOSE))
        mid = await place.put("x@a.example")
        await trio.sleep(10)
        (story,) = await place.sending.explainer.message(mid)
        assert story.way is not None
        assert [stop.host for stop in story.way.stops] == ["mx.a.example"]
        assert (story.way.tls, story.way.last and story.way.last.version) == ("opportunistic", None)
        place.sending.explainer.tallies.observe(DIALLED)
        (story,) = await place.sending.explainer.message(mid)
        assert story.way is not None
        assert story.way.last == Seal("TLSv1.3", verified=True, at=5.0)


def test_a_connection_that_did_not_come_about_says_nothing_of_encryption() -> None:
    tallies = Tallies(max_sites=2, max_deliveries=2)
    failed: Fact = evolve(DIALLED, result="connect", tls_version=None)
    for fact in (failed, DIALLED, failed):
        tallies.observe(fact)
    tally = tallies.of("a.example")
    assert tally is not None
    assert tally.seal == Seal("TLSv1.3", verified=True, at=5.0)
