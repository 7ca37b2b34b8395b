"""The sending side in a world of its own: a queue, the dispatcher with its lanes, and remote servers."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import PurePath
from typing import TypeVar

import trio
from attrs import define, field

from empath.app.assembly import Assembly
from empath.app.encryption import Encryption
from empath.app.shutdown import Shutdown
from empath.config.schema import Config, DeliverySettings, Mode
from empath.delivery import Dispatcher
from empath.mail import DeliveryAttempted, Fact
from empath.mail.envelope import Envelope, Origin, Recipient
from empath.mail.ids import MessageId
from empath.mail.priority import Priority
from empath.mail.record import encode_envelope
from empath.sim import SimulatedWorld
from empath.sim.remote import OFFERS, RemoteServer, Rule
from empath.smtp import Address, Domain, Extensions
from empath.smtp.params import NO_MAIL_PARAMS, NO_RCPT_PARAMS, MailParams, RcptParams
from empath.spool.contract import Acceptance, Body, Finished, Waiting
from empath.spool.memory import MemoryStore
from empath.spool.open import open_spool
from empath.spool.store import Store
from tests.ingress.stage import BrittleSpool

F = TypeVar("F")


@define(eq=False)
class Stage:
    """See the module."""

    world: SimulatedWorld
    spool: BrittleSpool
    shutdown: Shutdown
    facts: list[Fact]
    dispatcher: Dispatcher
    _nursery: trio.Nursery
    _numbers: Iterator[int] = field(init=False, factory=count)

    async def server(self, domain: str, *rules: Rule, offers: Extensions = OFFERS) -> RemoteServer:
        """A host that takes the mail of ``domain``."""
        address = f"198.51.100.{next(self._numbers) + 1}"
        self.world.zones.add_mx(domain, f"mx.{domain}")
        self.world.zones.add_host(f"mx.{domain}", address)
        server = RemoteServer(
            f"mx.{domain}", self.world.network.host(address), self.world.entropy, list(rules), offers=offers
        )
        await self._nursery.start(server.run)
        return server

    async def put(
        self,
        *recipients: str,
        sender: str | None = "a@client.example",
        body: Body = b"Subject: x\r\n\r\nx\r\n",
        params: MailParams = NO_MAIL_PARAMS,
        wishes: RcptParams = NO_RCPT_PARAMS,
        priority: Priority | None = None,
        user: str | None = None,
    ) -> MessageId:
        """Put a message into the queue."""
        now = self.world.clock.now()
        addresses = [Address.parse(one) for one in recipients]
        origin = None
        if user is not None:
            origin = Origin(client_ip=None, hello="client", protocol="ESMTPSA", listener="a", user=user)
        envelope = Envelope(
            reverse_path=None if sender is None else Address.parse(sender),
            recipients=tuple(Recipient(address, wishes) for address in addresses),
            received=now,
            params=params,
            origin=origin,
            priority=priority,
        )
        mid = MessageId.make(now, 1000 + next(self._numbers))
        domains = tuple(one.partition("@")[2] for one in recipients)
        await self.spool.accept(
            Acceptance(
                mid=mid,
                received=now,
                envelope=encode_envelope(envelope),
                body=body,
                domains=domains,
                next_attempt=now,
            )
        )
        return mid

    def said(self, kind: type[F]) -> list[F]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def outcomes(self) -> list[str]:
        """What the attempts came to, in their order."""
        return [type(fact.outcome).__name__ for fact in self.said(DeliveryAttempted)]

    @property
    def finished(self) -> list[Finished]:
        return [fate for fate in self.spool.recorded if isinstance(fate, Finished)]

    @property
    def waiting(self) -> list[Waiting]:
        return [fate for fate in self.spool.recorded if isinstance(fate, Waiting)]


@asynccontextmanager
async def stage(
    settings: DeliverySettings | None = None,
    *,
    change: Callable[[Dispatcher], None] | None = None,
    world: SimulatedWorld | None = None,
    open_store: Callable[[], Store] = MemoryStore,
) -> AsyncIterator[Stage]:
    """A dispatcher that runs until the context ends."""
    world = world or SimulatedWorld(seed=1)
    async with open_spool(world.world, PurePath("/spool"), open_store, holder="a test") as inner:
        spool, facts, shutdown = BrittleSpool(inner), list[Fact](), Shutdown(30)
        config = Config(
            mode=Mode.LIVE,
            hostname=Domain.parse("mx.empath.example"),
            delivery=settings or DeliverySettings(),
        )
        dispatcher = Assembly(
            config=config,
            world=world.world,
            spool=spool,
            shutdown=shutdown,
            observe=facts.append,
            capture=None,
            encryption=Encryption(config.smtp.tls, world.world),
        ).sending.dispatcher
        if change is not None:
            change(dispatcher)
        async with trio.open_nursery() as nursery:

            async def run() -> None:
                with shutdown.drain:
                    async with trio.open_nursery() as work:
                        with shutdown.intake:
                            await dispatcher.run(work)
                        await dispatcher.drain()

            nursery.start_soon(run)
            yield Stage(world, spool, shutdown, facts, dispatcher, nursery)
            nursery.cancel_scope.cancel()
