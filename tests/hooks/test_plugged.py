import pytest
import trio

from empath.config.schema import HookSettings, ListenerSettings, Profile
from empath.hooks import Chain, Event, HookUnusable, Plugged, Refuse, chain_for, plug
from empath.hooks.answers import AddFields, Answer
from empath.hooks.chain import Said
from empath.sim import SimulatedWorld
from empath.smtp import Mail, Reply
from empath.world import TcpEndpoint
from tests.hooks.stage import FACTS, chain, entry

LISTENER = ListenerSettings(listen_addr=TcpEndpoint("192.0.2.1", 25), profile=Profile.MX)


def plugged(target: str, **settings: object) -> Chain:
    configured = HookSettings(name="example", settings=settings)
    hooks = plug([configured], SimulatedWorld(1).world, find=lambda: entry("example", f"tests.hooks.examples:{target}"))
    return chain_for(LISTENER, hooks)


async def test_a_hook_is_asked_at_the_events_it_has_and_told_what_it_wants() -> None:
    hooks = plugged("Words", words=["pills"])
    assert [event for event in Event if hooks.wants(event)] == [Event.MAIL, Event.MESSAGE]
    said = await hooks.ask(Event.MAIL, session=FACTS, mail=Mail(None))
    assert said == Said(Reply(550, "no reports", "5.7.1"))


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("UnknownEvent", "unknown hook 'on_tea'"),
        ("UnknownArgument", "cup"),
        ("NotAsync", "on_mail is no coroutine function"),
        ("CannotBeMade", "RuntimeError: no tea"),
    ],
)
def test_a_hook_that_does_not_keep_to_the_interface_is_refused(target: str, why: str) -> None:
    with pytest.raises(HookUnusable, match=why):
        plugged(target)


def test_a_hook_without_events_is_none() -> None:
    assert not plugged("Plain")


@pytest.mark.parametrize(
    ("settings", "serves"),
    [
        (HookSettings(), True),
        (HookSettings(profiles=(Profile.MX,)), True),
        (HookSettings(profiles=(Profile.SUBMISSION,)), False),
        (HookSettings(listeners=(TcpEndpoint("192.0.2.1", 25),)), True),
        (HookSettings(listeners=(TcpEndpoint("192.0.2.1", 587),)), False),
        (HookSettings(profiles=(Profile.SUBMISSION,), listeners=(TcpEndpoint("192.0.2.1", 25),)), False),
    ],
)
def test_a_hook_serves_the_listeners_and_profiles_it_is_meant_for(settings: HookSettings, serves: bool) -> None:
    assert Plugged(settings, ()).serves(LISTENER) is serves


async def test_the_first_refusal_decides_and_nobody_behind_is_asked() -> None:
    asked: list[str] = []

    async def easy() -> Answer:
        await trio.lowlevel.checkpoint()
        asked.append("easy")
        return None

    async def strict() -> Answer:
        await trio.lowlevel.checkpoint()
        asked.append("strict")
        return Refuse(Reply(550, "no"))

    async def late() -> Answer:
        await trio.lowlevel.checkpoint()
        asked.append("late")
        return Refuse(Reply(450, "perhaps"))

    assert await chain(easy, strict, late).ask(Event.MESSAGE) == Said(Reply(550, "no"))
    assert asked == ["easy", "strict"]


async def test_fields_of_a_later_hook_stand_above_those_of_an_earlier() -> None:
    async def one() -> Answer:
        await trio.lowlevel.checkpoint()
        return AddFields([("X-One", "1"), ("X-Eins", "1")])

    async def two() -> Answer:
        await trio.lowlevel.checkpoint()
        return AddFields([("X-Two", "2")])

    assert (await chain(one, two).ask(Event.MESSAGE)).fields == b"X-Two: 2\r\nX-One: 1\r\nX-Eins: 1\r\n"
