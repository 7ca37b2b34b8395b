"""Why mail waits: for every state exactly one reason, the right one, and what one can do."""

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import BreakerSettings, DeliverySettings, Period, Rate, RateLimitSettings
from empath.delivery.explain import DeliveryExplanation
from empath.mail import Phase
from empath.mail.ids import MessageId
from empath.mail.waiting import WaitReason
from empath.policy.steering import Scope
from empath.sim.remote import Fault, Rule
from empath.smtp import Address, Reply
from tests.delivery.steered import Bridge, Who, bridge

ANN: Who = {"by": "ann", "why": "as they ask"}
LATER = Rule(phase=Phase.RCPT, reaction=Reply(451, "not now", "4.2.0"))
DOWN = Rule(phase=Phase.GREETING, reaction=Fault.CLOSE)
SLOW = Rule(phase=Phase.RCPT, reaction=Reply(450, "too many messages from you, slow down", "4.7.0"), times=1)


async def story_of(place: Bridge, mid: MessageId) -> DeliveryExplanation:
    (story,) = await place.sending.explainer.message(mid)
    assert story.wait is not None
    return story


async def test_what_was_deferred_waits_for_its_next_attempt(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        await place.server("a.example", LATER)
        mid = await place.put("x@a.example")
        await trio.sleep(10)
        story = await story_of(place, mid)
        assert story.wait is not None
        assert (story.wait.reason, story.wait.until) == (WaitReason.RETRY_BACKOFF, story.row.next_attempt)
        assert story.wait.detail == "451 4.2.0 not now"
        assert [past.said for past in story.attempts] == ["451 4.2.0 not now"]
        assert (story.row.attempts, story.max_attempts) == (1, 25)
        assert story.actions[0] == f"empathctl queue retry {mid}"


async def test_what_waits_for_a_breaker_says_so_in_memory_and_in_the_spool(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(circuit_breaker=BreakerSettings(failure_threshold=2, timeout_s=3600))
    async with bridge(settings) as place:
        await place.server("a.example", DOWN)
        mids = [await place.put("x@a.example") for _ in range(20)]
        await trio.sleep(30)
        stories = [await story_of(place, mid) for mid in mids]
        untouched = [story for story in stories if not story.row.attempts]
        assert len(untouched) >= 16
        assert {story.row.aside is None for story in untouched} == {True, False}
        for story in untouched:
            assert story.wait is not None
            assert story.wait.reason is WaitReason.BREAKER_OPEN
            assert story.wait.until is not None
            assert 0 < story.wait.until - place.world.clock.now() < 3600
        (row,) = place.sending.explainer.lanes()
        assert (row.state, row.breaker, row.is_set_aside, row.ok_share) == ("breaker", "open", True, 0.0)
        lane = await place.sending.explainer.lane("a.example")
        assert lane.set_aside >= 10
        assert "empathctl breakers close a.example" in lane.actions
        assert WaitReason.BREAKER_OPEN in [gate.name for gate in lane.gates if not gate.ok]


async def test_what_is_suspended_says_who_did_it_and_how_to_undo_it(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        await place.sending.control.suspend(Scope(lane="a.example"), **ANN, for_s=7200)
        mid = await place.put("x@a.example")
        await trio.sleep(30)
        story = await story_of(place, mid)
        assert story.wait is not None
        assert (story.wait.reason, story.wait.detail) == (WaitReason.SUSPENDED, "sd-1 by ann: as they ask")
        assert story.actions[0] == "empathctl resume sd-1"


async def test_of_two_reasons_the_one_that_ends_last_is_told(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        await place.server("a.example", LATER)
        mid = await place.put("x@a.example")
        await trio.sleep(10)
        await place.sending.control.suspend(Scope(lane="a.example"), **ANN, for_s=5)
        story = await story_of(place, mid)
        assert story.wait is not None
        assert story.wait.reason is WaitReason.RETRY_BACKOFF
        await place.sending.control.freeze(**ANN)
        story = await story_of(place, mid)
        assert story.wait is not None
        assert story.wait.reason is WaitReason.FROZEN


async def test_what_is_being_attempted_is_in_flight_and_what_waits_behind_it_waits_for_a_place(
    autojump_clock: MockClock,
) -> None:
    async with bridge(DeliverySettings(max_connections_per_host=1)) as place:
        server = await place.server("a.example")
        server.pause_s = 5
        first = await place.put("x@a.example")
        await trio.sleep(1)
        second = await place.put("y@a.example")
        await trio.sleep(1)
        reasons = [story.wait.reason for mid in (first, second) if (story := await story_of(place, mid)).wait]
        assert reasons == [WaitReason.IN_FLIGHT, WaitReason.CONN_HOST]


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (RateLimitSettings(global_per_second=Rate(1, Period.HOUR)), WaitReason.RATE_GLOBAL),
        (RateLimitSettings(default=Rate(1, Period.HOUR)), WaitReason.RATE_DOMAIN),
        (RateLimitSettings(per_source=Rate(1, Period.HOUR)), WaitReason.RATE_SOURCE),
    ],
)
async def test_what_waits_for_a_rate_names_it_and_its_moment(
    limits: RateLimitSettings, reason: WaitReason, autojump_clock: MockClock
) -> None:
    async with bridge(DeliverySettings(rate_limits=limits)) as place:
        await place.server("a.example")
        await place.put("x@a.example")
        mid = await place.put("y@a.example")
        await trio.sleep(10)
        story = await story_of(place, mid)
        assert story.wait is not None
        assert story.wait.reason is reason
        assert story.wait.until is not None
        assert story.wait.until - place.world.clock.now() == pytest.approx(3590, abs=5)


async def test_a_lane_whose_host_asked_for_less_says_what_it_said(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        await place.server("a.example", SLOW)
        await place.put("x@a.example", messages=5)
        await trio.sleep(1)
        (row,) = place.sending.explainer.lanes()
        assert row.state == "slowed"
        lane = await place.sending.explainer.lane("a.example")
        (asked,) = lane.asked
        assert "slow down" in asked.cause
        assert "empathctl lanes reset a.example" in lane.actions
        await place.sending.control.reset_lane("a.example", by="ann")
        assert (await place.sending.explainer.lane("a.example")).asked == ()


async def test_an_address_needs_no_message(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        await place.server("a.example")
        told = await place.sending.explainer.address(Address.parse("x@a.example"))
        assert (told.way.site, told.way.tls, told.way.next_hop) == ("a.example", "opportunistic", None)
        assert [(stop.host, stop.port) for stop in told.way.stops] == [("mx.a.example", 25)]
        assert told.lane.row.state == "idle"
        nowhere = await place.sending.explainer.address(Address.parse("x@nowhere.example"))
        assert nowhere.way.stops == ()
        assert nowhere.way.trouble


async def test_a_row_stays_when_its_lane_is_forgotten(autojump_clock: MockClock) -> None:
    async with bridge(DeliverySettings()) as place:
        await place.server("a.example")
        await place.put("x@a.example", messages=3)
        await trio.sleep(600)
        assert place.sending.dispatcher.lanes == {}
        (row,) = place.sending.explainer.lanes()
        assert (row.site, row.state, row.ok_share, row.last_reply) == ("a.example", "idle", 1.0, "250 2.0.0 done")
        assert row.since is not None


async def test_what_has_ended_has_no_reason(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        await place.server("a.example", Rule(phase=Phase.RCPT, reaction=Reply(550, "never", "5.1.1")))
        mid = await place.put("x@a.example")
        await trio.sleep(10)
        (story,) = await place.sending.explainer.message(mid)
        assert story.wait is None
        assert await place.sending.explainer.message(MessageId(1, 1)) == []
