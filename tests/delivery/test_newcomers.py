"""Messages that are attempted as soon as they are accepted, and those that take the way of all others."""

import trio
from attrs import evolve
from trio.testing import MockClock

from empath.config.schema import BreakerSettings, DeliverySettings
from empath.delivery.lanes.newcomers import Newcomers
from empath.mail import DeliveryAttempted, Phase
from empath.mail.envelope import Envelope, Recipient
from empath.mail.ids import MessageId
from empath.mail.record import encode_envelope
from empath.sim.remote import Fault, Rule
from empath.smtp import Address, Reply
from empath.spool.contract import Acceptance
from tests.delivery.stage import Stage, stage


def acceptance(place: Stage, number: int = 1, to: str = "b@example.org") -> Acceptance:
    now = place.world.world.clock.now()
    envelope = Envelope(
        reverse_path=Address.parse("a@client.example"), recipients=(Recipient(Address.parse(to)),), received=now
    )
    return Acceptance(
        mid=MessageId.make(now, number),
        received=now,
        envelope=encode_envelope(envelope),
        body=b"Subject: x\r\n\r\nx\r\n",
        domains=(to.partition("@")[2],),
        next_attempt=now,
        read=envelope,
    )


async def test_a_message_that_comes_while_nothing_waits_is_not_claimed_and_goes_out(
    autojump_clock: MockClock,
) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        await trio.sleep(1)
        await place.spool.accept(acceptance(place))
        assert (await place.spool.statistics()).claimed == 1
        await trio.sleep(1)
        assert len(server.taken) == 1
        assert place.spool.claimed == 0
        assert (await place.spool.statistics()).messages == 0


async def test_it_overtakes_nothing_that_is_due(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_deliveries_in_memory=1)) as place:
        await place.server("slow.example", Rule(phase=Phase.GREETING, reaction=Fault.STALL))
        server = await place.server("example.org")
        await place.put("b@slow.example")
        await trio.sleep(1)
        await place.put("c@example.org")
        await place.spool.accept(acceptance(place))
        await trio.sleep(1000)
        assert [str(taken.recipients[0]) for taken in server.taken] == ["c@example.org", "b@example.org"]


async def test_for_a_site_that_is_down_it_waits_with_the_others(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(circuit_breaker=BreakerSettings(failure_threshold=1, timeout_s=3600))
    async with stage(settings) as place:
        await place.server("example.org", Rule(phase=Phase.GREETING, reaction=Reply(421, "busy")))
        for number in range(5):
            await place.spool.accept(acceptance(place, number))
            await trio.sleep(10)
        assert len(place.said(DeliveryAttempted)) == 1


async def test_what_may_not_go_yet_waits(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        await trio.sleep(1)
        made = acceptance(place)
        await place.spool.accept(evolve(made, next_attempt=made.next_attempt + 500))
        await trio.sleep(400)
        assert server.taken == []
        await trio.sleep(200)
        assert len(server.taken) == 1


class Stopping(Newcomers):
    """The daemon stops while a message that was wanted is being accepted."""

    def offer(self, acceptance: Acceptance) -> float | None:
        until = super().offer(acceptance)
        self.end()
        return until


async def test_what_is_accepted_while_the_daemon_stops_is_put_back(autojump_clock: MockClock) -> None:
    async with stage() as place, trio.open_nursery() as work:
        await trio.sleep(1)
        place.spool.hand_over_to(Stopping(place.dispatcher, work))
        await place.spool.accept(acceptance(place))
        await trio.sleep(0.01)
        assert [fate.attempts for fate in place.waiting] == [0]


async def test_while_everything_is_frozen_nothing_goes_out(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        await trio.sleep(1)
        place.dispatcher.frozen = True
        await place.spool.accept(acceptance(place))
        await trio.sleep(100)
        assert server.taken == []
        assert (await place.spool.statistics()).waiting == 1
