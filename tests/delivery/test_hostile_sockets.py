"""A sample of the hostile hosts on real sockets, where time passes and octets come as the system cuts them."""

from contextlib import nullcontext
from typing import TYPE_CHECKING, cast

import pytest
import trio
from attrs import define, evolve, field

from empath.config.schema import TimeoutSettings
from empath.delivery import Attempt, Shipment
from empath.mail import Phase
from empath.mail.envelope import Envelope, Recipient
from empath.mail.failure import Failure
from empath.mail.outcome import Delivered, Outcome, outcome_of
from empath.policy.route import Target
from empath.sim import SimulatedWorld
from empath.sim.remote import RemoteServer, Rule
from empath.smtp import Address, Extensions
from empath.world.endpoint import Endpoint, TcpEndpoint
from empath.world.network import SystemNetwork
from empath.world.ports import Listener
from tests.delivery.dials import dialling_in
from tests.delivery.test_hostile_hosts import FAULTS, WORDS

if TYPE_CHECKING:
    from empath.sim.network import VirtualHost

HASTE = TimeoutSettings(
    **{f"{phase}_s": 0.3 for phase in ("connect", "greeting", "command", "data_init", "data", "data_reply", "quit")}
)


@define(eq=False)
class Loopback:
    """A host of this machine, whose servers listen at whatever port is free."""

    addresses: tuple[str, ...] = ("127.0.0.1",)
    port: int = field(init=False, default=0)

    async def listen(self, endpoint: Endpoint) -> Listener:
        listener = await SystemNetwork().listen(TcpEndpoint("127.0.0.1", 0))
        assert isinstance(listener.endpoint, TcpEndpoint)
        self.port = listener.endpoint.port
        return listener


async def delivered(host: Loopback, world: SimulatedWorld) -> Outcome:
    envelope = Envelope(reverse_path=None, recipients=(Recipient(Address.parse("b@example.org")),), received=0)
    content = b"Subject: x\r\n\r\nx\r\n"
    shipment = Shipment(envelope=envelope, ordinals=(0,), size_bytes=len(content), content=content)
    dialling = evolve(dialling_in(world), network=SystemNetwork(), timeouts=HASTE)
    try:
        hop = await dialling.open(Target("mx.example.org", "127.0.0.1", host.port))
    except Failure as problem:
        return outcome_of(problem)
    outcomes = await Attempt(hop, shipment, lambda _: nullcontext(), 1 << 16).run()
    await hop.quit()
    return outcomes[0]


@pytest.mark.parametrize(
    ("fault", "phase", "offers", "word"),
    [
        ("endless line", Phase.GREETING, ("PIPELINING",), "protocol"),
        ("garbage", Phase.HELLO, ("PIPELINING",), "protocol"),
        ("close", Phase.MAIL, ("PIPELINING",), "lost"),
        ("endless reply", Phase.MAIL, ("PIPELINING", "CHUNKING"), "protocol?"),
        ("half a reply", Phase.RCPT, ("8BITMIME",), "lost"),
        ("421", Phase.DATA, ("PIPELINING",), "busy"),
        ("only 250", Phase.DATA, ("8BITMIME",), "protocol"),
        ("silence", Phase.DATA, ("PIPELINING",), "timeout"),
        ("silence", Phase.END, ("PIPELINING", "CHUNKING"), "timeout?"),
        ("NUL", Phase.END, ("CHUNKING",), "protocol?"),
        ("only 250", Phase.END, ("PIPELINING",), "done"),
        ("5yz", Phase.END, ("PIPELINING", "CHUNKING"), "rejected"),
    ],
)
async def test_real_sockets_lead_to_the_same(fault: str, phase: Phase, offers: tuple[str, ...], word: str) -> None:
    world, host = SimulatedWorld(1), Loopback()
    server = RemoteServer(
        "mx.example.org",
        cast("VirtualHost", host),
        world.entropy,
        [Rule(phase=phase, reaction=FAULTS[fault])],
        offers=Extensions.of(*offers),
    )
    with trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run)
            outcome = await delivered(host, world)
            nursery.cancel_scope.cancel()
    if isinstance(outcome, Delivered):
        assert word == "done"
    else:
        assert WORDS[outcome.diagnosis.kind] + "?" * outcome.diagnosis.uncertain == word
