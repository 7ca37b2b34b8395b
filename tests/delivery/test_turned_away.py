"""One connection too many costs the message nothing that it carried; a message of many parts holds no place up."""

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import DeliverySettings, Period, Rate, RateLimitSettings
from empath.mail import DeliveryAttempted, Phase
from empath.mail.outcome import Deferred
from empath.policy.steering import Scope
from empath.sim import SimulatedWorld
from empath.sim.remote import Rule
from empath.smtp import Reply
from tests.delivery.stage import stage
from tests.delivery.steered import bridge
from tests.sim.test_steering import hidden


@pytest.mark.parametrize("bears", [2, 3, 5])
async def test_a_host_that_bears_fewer_connections_defers_nothing(bears: int, autojump_clock: MockClock) -> None:
    async with bridge(DeliverySettings(), world=SimulatedWorld(bears)) as place:
        server = await hidden(place, "a.example", connections=bears)
        server.pause_s = 1
        await place.put("x@a.example", messages=200)
        await trio.sleep(600)
        assert server.turned_away
        assert len(server.taken) == 200
        assert [fact for fact in place.said(DeliveryAttempted) if isinstance(fact.outcome, Deferred)] == []
        assert {fact.attempt for fact in place.said(DeliveryAttempted)} == {1}


async def test_a_host_that_serves_nobody_defers_as_ever(autojump_clock: MockClock) -> None:
    async with bridge() as place:
        server = await place.server("a.example", Rule(phase=Phase.GREETING, reaction=Reply(421, "busy")))
        await place.put("x@a.example", messages=5)
        await trio.sleep(60)
        assert place.attempts >= 4
        assert server.taken == []


async def test_further_transactions_of_a_message_give_way_and_are_counted(autojump_clock: MockClock) -> None:
    limits = RateLimitSettings(default=Rate(1, Period.MINUTE))
    async with stage(DeliverySettings(rate_limits=limits, max_recipients_per_transaction=1)) as place:
        server = await place.server("a.example")
        await place.put(*[f"u{number}@a.example" for number in range(4)])
        await trio.sleep(1)
        assert [lane.senders for lane in place.dispatcher.lanes.values()] in ([], [1])
        await trio.sleep(60)
        await trio.sleep(180)
        assert len(server.taken) == 4
        gaps = [later.at - one.at for one, later in zip(server.taken, server.taken[1:], strict=False)]
        assert min(gaps) >= 59.9
        assert {fact.attempt for fact in place.said(DeliveryAttempted)} == {1}


async def test_further_transactions_count_for_the_rate_of_an_operator_too(autojump_clock: MockClock) -> None:
    async with bridge(DeliverySettings(max_recipients_per_transaction=1)) as place:
        server = await place.server("a.example")
        await place.sending.control.set_limit(Scope(lane="a.example"), rate_per_s=0.1, by="ann", why="")
        await place.put("x@a.example", also=("y@a.example", "z@a.example"))
        await trio.sleep(60)
        gaps = [later.at - one.at for one, later in zip(server.taken, server.taken[1:], strict=False)]
        assert len(gaps) == 2
        assert min(gaps) >= 9.99
