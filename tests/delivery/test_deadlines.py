"""Each phase of a conversation has a time limit of its own, and a key that sets it."""

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from empath.config.schema import DeliverySettings, TimeoutSettings
from empath.mail import Deferred, DeliveryAttempted, Phase
from empath.mail.diagnosis import Kind
from empath.mail.ids import MessageId
from empath.sim import Conditions
from empath.sim.network import Reach
from empath.sim.remote import Fault, Rule
from empath.smtp import Extensions, Verb
from tests.delivery.stage import Stage, stage

DEFAULTS = TimeoutSettings()
CHUNKS = ("PIPELINING", "CHUNKING", "8BITMIME")


async def first_attempt(place: Stage) -> tuple[Kind, Phase, float]:
    """How it failed, where, and how long that took."""
    await trio.sleep(1200)
    fact = place.said(DeliveryAttempted)[0]
    assert isinstance(fact.outcome, Deferred)
    return fact.outcome.diagnosis.kind, fact.outcome.diagnosis.phase, round(fact.took_s)


def connections(place: Stage) -> int:
    return len(place.world.network.links)


@pytest.mark.parametrize(
    ("key", "phase", "offers"),
    [
        ("greeting_s", Phase.GREETING, ("PIPELINING",)),
        ("command_s", Phase.HELLO, ("PIPELINING",)),
        ("command_s", Phase.MAIL, ("PIPELINING",)),
        ("command_s", Phase.MAIL, ("8BITMIME",)),
        ("command_s", Phase.RCPT, ("8BITMIME",)),
        ("data_init_s", Phase.DATA, ("PIPELINING",)),
        ("data_init_s", Phase.DATA, ("8BITMIME",)),
        ("data_reply_s", Phase.END, ("PIPELINING",)),
        ("data_reply_s", Phase.END, ("8BITMIME",)),
        ("data_reply_s", Phase.END, CHUNKS),
    ],
)
@pytest.mark.parametrize("limit_s", [None, 7])
async def test_silence_is_waited_for_as_long_as_its_key_says(
    autojump_clock: MockClock, key: str, phase: Phase, offers: tuple[str, ...], limit_s: float | None
) -> None:
    timeouts = DEFAULTS if limit_s is None else evolve(DEFAULTS, **{key: limit_s})
    async with stage(DeliverySettings(smtp_timeouts=timeouts)) as place:
        rule = Rule(phase=phase, reaction=Fault.STALL)
        await place.server("example.org", rule, offers=Extensions.of(*offers))
        await place.put("b@example.org", sender=None)
        assert await first_attempt(place) == (Kind.TIMEOUT, phase, limit_s or getattr(DEFAULTS, key))


@pytest.mark.parametrize("limit_s", [30, 7])
async def test_a_host_that_never_answers_is_dialled_as_long_as_the_key_says(
    autojump_clock: MockClock, limit_s: float
) -> None:
    async with stage(DeliverySettings(smtp_timeouts=evolve(DEFAULTS, connect_s=limit_s))) as place:
        await place.server("example.org")
        place.world.network.usual = Conditions(reach=Reach.BLACKHOLE)
        await place.put("b@example.org", sender=None)
        assert await first_attempt(place) == (Kind.TIMEOUT, Phase.CONNECT, limit_s)


@pytest.mark.parametrize("offers", [("PIPELINING", "8BITMIME"), CHUNKS])
async def test_a_block_of_a_message_may_take_as_long_as_the_key_says(
    autojump_clock: MockClock, offers: tuple[str, ...]
) -> None:
    async with stage(DeliverySettings(smtp_timeouts=evolve(DEFAULTS, data_s=30))) as place:
        await place.server("example.org", offers=Extensions.of(*offers))
        place.world.network.usual = Conditions(bytes_per_s=1000, buffer_bytes=4096)
        draft = await place.spool.draft_body(MessageId(1, 1))
        await draft.write(b"0123456789abcdef\r\n" * 40_000)
        await place.put("b@example.org", sender=None, body=await draft.commit())
        assert (await first_attempt(place))[:2] == (Kind.TIMEOUT, Phase.DATA)


@pytest.mark.parametrize("limit_s", [5, 50])
async def test_a_farewell_without_an_answer_takes_as_long_as_the_key_says(
    autojump_clock: MockClock, limit_s: float
) -> None:
    settings = DeliverySettings(max_messages_per_connection=1, smtp_timeouts=evolve(DEFAULTS, quit_s=limit_s))
    async with stage(settings) as place:
        await place.server("example.org", Rule(phase=Verb.QUIT, reaction=Fault.STALL))
        await place.put("b@example.org")
        await trio.sleep(limit_s - 1)
        assert connections(place) == 1
        await trio.sleep(2)
        assert connections(place) == 0
        assert place.outcomes() == ["Delivered"]
