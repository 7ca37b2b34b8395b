"""What lanes do when a host asks for something that a rule knows: they do it, say why, and stop doing it."""

import trio
from trio.testing import MockClock

from empath.config.schema import DeliverySettings
from empath.mail import LaneSteered, Phase
from empath.mail.waiting import WaitReason
from empath.policy.replies import parse
from empath.sim.remote import Rule
from empath.smtp import Reply
from tests.delivery.steered import bridge

RULE = """
[[rules]]
hosts = [".a.example"]
text = "come back"
{action}
examples = ["450 4.7.0 Come back later"]
counterexamples = ["450 4.2.1 Mailbox busy"]
"""
ONCE = Reply(450, "come back later", "4.7.0")


def settings(action: str) -> DeliverySettings:
    return DeliverySettings(reply_rules=parse(RULE.format(action=action)))


async def test_a_lane_makes_the_pause_that_its_host_asks_for(autojump_clock: MockClock) -> None:
    async with bridge(settings('suspend = "10m"')) as place:
        server = await place.server("a.example", Rule(phase=Phase.RCPT, reaction=ONCE, times=1))
        mid = await place.put("x@a.example")
        await trio.sleep(1)
        later = await place.put("y@a.example", messages=30)
        await trio.sleep(590)
        assert server.taken == []
        (story,) = await place.sending.explainer.message(later)
        assert story.wait is not None
        assert story.wait.reason is WaitReason.SUSPENDED
        assert "come back later" in story.wait.detail
        await trio.sleep(120)
        assert len(server.taken) == 31
        assert await place.sending.explainer.message(mid) == []
        (fact,) = place.said(LaneSteered)
        assert (fact.action, fact.cause) == ("suspend 600s", "mx.a.example (rcpt): 450 4.7.0 come back later")


async def test_a_lane_has_no_more_connections_than_its_host_asks_for_until_that_is_over(
    autojump_clock: MockClock,
) -> None:
    async with bridge(settings('connections = 2\nlasts = "5m"')) as place:
        server = await place.server("a.example", Rule(phase=Phase.RCPT, reaction=ONCE, times=1))
        server.pause_s = 1
        await place.put("x@a.example", messages=400)
        await trio.sleep(100)
        assert place.sending.dispatcher.lanes["a.example"].senders <= 2
        await trio.sleep(300)
        assert place.sending.dispatcher.lanes["a.example"].window.limit == 20
        await trio.sleep(3600)
        assert len(server.taken) == 400


async def test_a_lane_goes_slower_and_then_as_before(autojump_clock: MockClock) -> None:
    async with bridge(settings("slow = 0.5")) as place:
        server = await place.server("a.example", Rule(phase=Phase.RCPT, reaction=ONCE, times=1))
        server.pause_s = 0.5
        await place.put("x@a.example", messages=200)
        await trio.sleep(20)
        lane = place.sending.dispatcher.lanes["a.example"]
        assert lane.helm.steering is not None
        await trio.sleep(3600)
        assert len(server.taken) == 200
