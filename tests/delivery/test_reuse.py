"""How long a connection serves: limits of ours and of the host, and what ends it early."""

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import DeliverySettings, HostPort, PoolSettings
from empath.mail import Phase
from empath.sim.remote import Fault, Octets, RemoteServer, Rule
from empath.smtp import Domain, Extensions, Reply
from tests.delivery.stage import Stage, stage


async def send(place: Stage, count: int, *recipients: str, pause_s: float = 1) -> None:
    for _ in range(count):
        await place.put(*recipients or ("b@example.org",), sender=None)
        await trio.sleep(pause_s)


def recipients(server: RemoteServer) -> list[list[str]]:
    return [[str(one) for one in taken.recipients] for taken in server.taken]


async def test_an_idle_connection_is_kept_for_its_time_and_no_longer(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(connection_pool=PoolSettings(idle_timeout_s=60))) as place:
        server = await place.server("example.org")
        await send(place, 2, pause_s=59)
        assert server.connections == 1
        await trio.sleep(2)
        assert place.world.network.links == ()
        await send(place, 1)
        assert server.connections == 2


async def test_no_more_connections_are_open_than_one_site_may_have(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_connections_per_host=3)) as place:
        server = await place.server("example.org")
        server.pause_s = 1
        for _ in range(40):
            await place.put("b@example.org")
        most = 0
        while len(server.taken) < 40:
            await trio.sleep(0.1)
            most = max(most, len(place.world.network.links))
        assert most == 3


@pytest.mark.parametrize(
    ("limit", "connections"), [("LIMITS MAILMAX=2", 3), ("LIMITS MAILMAX=1", 5), ("LIMITS", 1), ("LIMITS MAILMAX=x", 1)]
)
async def test_a_host_is_brought_no_more_messages_than_it_wants(
    autojump_clock: MockClock, limit: str, connections: int
) -> None:
    async with stage() as place:
        server = await place.server("example.org", offers=Extensions.of("PIPELINING", limit))
        await send(place, 5)
        assert (len(server.taken), server.connections) == (5, connections)


async def test_a_host_is_named_no_more_recipients_than_it_wants(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("example.org", offers=Extensions.of("PIPELINING", "LIMITS RCPTMAX=2"))
        await send(place, 1, *(f"{letter}@example.org" for letter in "abcde"))
        assert recipients(server) == [
            ["a@example.org", "b@example.org"],
            ["c@example.org", "d@example.org"],
            ["e@example.org"],
        ]
        assert server.connections == 1
        assert place.outcomes() == ["Delivered"] * 5


@pytest.mark.parametrize(("limit", "connections"), [("LIMITS RCPTDOMAINMAX=2", 2), ("LIMITS", 1)])
async def test_a_session_goes_to_no_more_domains_than_the_host_wants(
    autojump_clock: MockClock, limit: str, connections: int
) -> None:
    smart_host = HostPort(Domain.parse("mx.example.org"))
    async with stage(DeliverySettings(smart_host=smart_host)) as place:
        server = await place.server("example.org", offers=Extensions.of("PIPELINING", limit))
        for domain in ("a.example", "b.example", "a.example", "c.example"):
            await send(place, 1, f"b@{domain}")
        assert (len(server.taken), server.connections) == (4, connections)


async def test_a_transaction_has_no_more_recipients_than_configured(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_recipients_per_transaction=2)) as place:
        server = await place.server("example.org")
        await send(place, 1, *(f"{letter}@example.org" for letter in "abc"))
        assert recipients(server) == [["a@example.org", "b@example.org"], ["c@example.org"]]


@pytest.mark.parametrize("code", [452, 552])
async def test_those_that_are_too_many_go_in_further_transactions(autojump_clock: MockClock, code: int) -> None:
    rule = Rule(phase=Phase.RCPT, address="[c-e]@*", reaction=Reply(code, "too many recipients"), times=3)
    async with stage() as place:
        server = await place.server("example.org", rule)
        await send(place, 1, *(f"{letter}@example.org" for letter in "abcde"))
        assert recipients(server) == [[f"{one}@example.org" for one in "ab"], [f"{one}@example.org" for one in "cde"]]
        assert place.outcomes() == ["Delivered"] * 5


async def test_a_host_that_refuses_all_for_being_too_many_is_believed(autojump_clock: MockClock) -> None:
    async with stage() as place:
        rule = Rule(phase=Phase.RCPT, reaction=Reply(452, "too many recipients", "4.5.3"))
        server = await place.server("example.org", rule)
        await send(place, 1, "a@example.org", "b@example.org")
        assert (server.taken, place.outcomes()) == ([], ["Deferred", "Deferred"])


@pytest.mark.parametrize(
    "surprise",
    [
        Octets(b"250 taken\r\n421 4.3.2 enough\r\n", then=None),
        Octets(b"250 taken\r\n", then=Fault.CLOSE),
        Octets(b"250 taken\r\nwhat?\r\n", then=None),
    ],
)
async def test_what_comes_unasked_ends_a_connection_and_costs_no_attempt(
    autojump_clock: MockClock, surprise: Octets
) -> None:
    async with stage() as place:
        server = await place.server("example.org", Rule(phase=Phase.END, reaction=surprise))
        await send(place, 3)
        assert place.outcomes() == ["Delivered"] * 3
        assert server.connections == 3


@pytest.mark.parametrize("offers", [("PIPELINING",), ("PIPELINING", "CHUNKING"), ("CHUNKING",), ()])
async def test_a_refusal_leaves_a_connection_that_serves_the_next(
    autojump_clock: MockClock, offers: tuple[str, ...]
) -> None:
    rules = [Rule(phase=phase, reaction=Reply(550, "no"), times=1) for phase in (Phase.MAIL, Phase.RCPT, Phase.END)]
    async with stage() as place:
        server = await place.server("example.org", *rules, offers=Extensions.of(*offers))
        await send(place, 4)
        assert place.outcomes() == ["Bounced", "Bounced", "Bounced", "Delivered"]
        assert server.connections == 1
