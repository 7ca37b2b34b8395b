"""The sending side as a worker runs it, with the hand of an operator on it: a queue, lanes, remote servers."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import PurePath
from typing import TypedDict, TypeVar

import trio
from attrs import define, field

from empath.app.assembly import Assembly
from empath.app.encryption import Encryption
from empath.app.sending import Sending
from empath.app.shutdown import Shutdown
from empath.config.schema import Config, DeliverySettings, Mode
from empath.mail import DeliveryAttempted, Fact
from empath.mail.envelope import Envelope, Origin, Recipient
from empath.mail.ids import MessageId
from empath.mail.priority import Priority
from empath.mail.record import encode_envelope
from empath.sim import SimulatedWorld
from empath.sim.remote import RemoteServer, Rule
from empath.smtp import Address, Domain
from empath.spool.contract import Acceptance, Spool
from empath.spool.memory import MemoryStore
from empath.spool.open import open_spool
from empath.spool.store import Store

F = TypeVar("F")

DEGREES = {Priority.CRITICAL: 2, Priority.HIGH: 1, Priority.NORMAL: 0, Priority.LOW: -1}
"""What reception tells the spool of a class."""


class Who(TypedDict):
    """Who wants something, and why."""

    by: str
    why: str


@define(eq=False)
class Bridge:
    """See the module."""

    world: SimulatedWorld
    spool: Spool
    facts: list[Fact]
    sending: Sending
    _nursery: trio.Nursery
    _numbers: Iterator[int] = field(init=False, factory=count)
    servers: list[RemoteServer] = field(init=False, factory=list)

    async def server(self, domain: str, *rules: Rule, also: tuple[str, ...] = ()) -> RemoteServer:
        """A host that takes the mail of a domain, and of those others."""
        address = f"198.51.100.{next(self._numbers) + 1}"
        for name in (domain, *also):
            self.world.zones.add_mx(name, f"mx.{domain}")
        self.world.zones.add_host(f"mx.{domain}", address)
        server = RemoteServer(f"mx.{domain}", self.world.network.host(address), self.world.entropy, list(rules))
        await self._nursery.start(server.run)
        self.servers.append(server)
        return server

    async def put(
        self,
        recipient: str,
        *,
        also: tuple[str, ...] = (),
        sender: str = "a@client.example",
        messages: int = 1,
        user: str | None = None,
        priority: Priority | None = None,
    ) -> MessageId:
        """Put messages into the queue; the name of the last one."""
        mid, recipients = MessageId(0, 0), (recipient, *also)
        for _ in range(messages):
            now = self.world.clock.now()
            mid = MessageId.make(now, 1000 + next(self._numbers))
            envelope = Envelope(
                reverse_path=Address.parse(sender),
                recipients=tuple(Recipient(Address.parse(one)) for one in recipients),
                received=now,
                origin=Origin(client_ip=None, hello="client", protocol="ESMTP", listener="a", user=user),
                priority=priority,
            )
            await self.spool.accept(
                Acceptance(
                    mid=mid,
                    received=now,
                    envelope=encode_envelope(envelope),
                    body=b"Subject: x\r\n\r\nx\r\n",
                    domains=tuple(one.partition("@")[2] for one in recipients),
                    next_attempt=now,
                    priority=DEGREES[priority or Priority.NORMAL],
                    sender=sender,
                    recipients=recipients,
                )
            )
        return mid

    def said(self, kind: type[F]) -> list[F]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    @property
    def attempts(self) -> int:
        """How many there were."""
        return len(self.said(DeliveryAttempted))


@asynccontextmanager
async def bridge(
    settings: DeliverySettings | None = None,
    *,
    world: SimulatedWorld | None = None,
    open_store: Callable[[], Store] = MemoryStore,
) -> AsyncIterator[Bridge]:
    """A sending side that runs until the context ends."""
    world = world or SimulatedWorld(seed=1)
    config = Config(mode=Mode.LIVE, hostname=Domain.parse("mx.empath.example"), delivery=settings or DeliverySettings())
    async with open_spool(world.world, PurePath("/spool"), open_store, holder="a test") as spool:
        facts, shutdown = list[Fact](), Shutdown(30)
        sending = Assembly(
            config=config,
            world=world.world,
            spool=spool,
            shutdown=shutdown,
            observe=facts.append,
            capture=None,
            encryption=Encryption(config.smtp.tls, world.world),
        ).sending
        await sending.control.load()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sending.control.run)
            nursery.start_soon(sending.dispatcher.run, nursery)
            yield Bridge(world, spool, facts, sending, nursery)
            nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await sending.dispatcher.drain()
