"""A whole worker on a stage: a world, remote servers, a client, and what was seen of them all."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial, wraps
from ipaddress import ip_network
from typing import ParamSpec

import trio
from attrs import Factory, define, field

from empath.app import Worker
from empath.app.reload import Reading
from empath.config.schema import (
    ApiSettings,
    AuditSettings,
    Config,
    DeliverySettings,
    HealthSettings,
    ListenerSettings,
    MetricsSettings,
    Mode,
    RelaySettings,
    SmtpSettings,
)
from empath.mail import DeliveryAttempted, DeliveryEnded, Fact
from empath.sim import SimulatedWorld, simulate
from empath.sim.client import SubmittingClient
from empath.sim.invariants import Evidence, Queue, check, queue_of
from empath.sim.mounted import mounted
from empath.sim.remote import OFFERS, RemoteServer, Rule, Taken
from empath.sim.sites import ConnectionWatch, breakers
from empath.sim.vfs import SimulatedVfs
from empath.smtp import Domain, Extensions
from empath.spool.files import open_files
from empath.spool.memory import MemoryStore
from empath.spool.open import open_spool
from empath.spool.sqlite import open_database
from empath.spool.store import Store
from empath.world import TcpEndpoint
from empath.world.signals import Request

P = ParamSpec("P")

OWN_NAME = "mx.empath.example"
ENTRANCE = TcpEndpoint("192.0.2.1", 25)
CLIENT = "192.0.2.200"
SENDERS = "senders.example"
SENDER = f"alice@{SENDERS}"
DAY_S = 86_400.0
BACKENDS = ("sqlite", "files")
"""Those that live on a disk."""


def config_with(delivery: DeliverySettings | None = None) -> Config:
    """A relay for one client, and nothing beside it that would wake up each second of all these days."""
    return Config(
        mode=Mode.LIVE,
        hostname=Domain.parse(OWN_NAME),
        relay=RelaySettings(from_networks=(ip_network(CLIENT),), domains=(Domain.parse("open.example"),)),
        smtp=SmtpSettings(listeners=(ListenerSettings(listen_addr=ENTRANCE),)),
        delivery=delivery or DeliverySettings(),
        metrics=MetricsSettings(enabled=False),
        health=HealthSettings(enabled=False),
        api=ApiSettings(enabled=False),
        audit=AuditSettings(enabled=False),
    )


@define(eq=False)
class Run:
    """One run of the worker, from its start to its end."""

    requests: trio.MemorySendChannel[Request]
    over: trio.Event = field(init=False, factory=trio.Event)

    def reload(self) -> None:
        """Send SIGHUP."""
        self.requests.send_nowait(Request.RELOAD)

    def stop(self) -> None:
        """Send SIGTERM."""
        self.requests.send_nowait(Request.STOP)


@define(eq=False)
class Stage:
    """Everything, from one seed."""

    seed: int = 1
    config: Config = field(factory=config_with)
    simulation: SimulatedWorld = field(init=False)
    client: SubmittingClient = field(init=False)
    servers: dict[str, RemoteServer] = field(init=False, factory=dict)
    reading: Reading = field(default=Factory(lambda stage: Reading.once(stage.config), takes_self=True))
    facts: list[Fact] = field(init=False, factory=list)
    watch: ConnectionWatch = field(init=False)
    sites: dict[str, str] = field(init=False, factory=dict)
    cuts: list[float] = field(init=False, factory=list)
    memory: MemoryStore = field(init=False, factory=MemoryStore)
    open_store: Callable[[], Store] = field(init=False)
    _numbers: int = field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        self.simulation = SimulatedWorld(self.seed)
        self.watch = ConnectionWatch(self.simulation.network, self.sites)
        self.client = SubmittingClient(self.simulation.network.host(CLIENT), ENTRANCE)
        self.open_store = lambda: self.memory
        self.site(SENDERS)

    def site(self, domain: str, *rules: Rule, hosts: int = 1) -> RemoteServer:
        """Make a domain with mail hosts ``mx1.`` and so on, in this order. The rules are those of the first."""
        names = [f"mx{number}.{domain}" for number in range(1, hosts + 1)]
        servers = [self.server(name, site=domain) for name in names]
        servers[0].rules.extend(rules)
        self.simulation.zones.add_mx(domain, *names)
        return servers[0]

    def server(self, name: str, *, site: str, offers: Extensions = OFFERS) -> RemoteServer:
        """Make one mail host."""
        self._numbers += 1
        address = f"198.51.{100 + self._numbers // 250}.{1 + self._numbers % 250}"
        self.simulation.zones.add_host(name, address)
        self.sites[address] = site
        host = self.simulation.network.host(address)
        self.servers[name] = RemoteServer(name, host, self.simulation.entropy, offers=offers, on_accept=self.watch.look)
        return self.servers[name]

    def address_of(self, name: str) -> str:
        """The address of a mail host."""
        return self.servers[name].host.addresses[0]

    @asynccontextmanager
    async def play(self) -> AsyncIterator[Run]:
        """Run the servers and a worker; at the end of the context the worker is stopped in good order."""
        async with self.internet() as nursery:
            run = await self.start(nursery)
            yield run
            run.stop()
            await run.over.wait()

    @asynccontextmanager
    async def internet(self) -> AsyncIterator[trio.Nursery]:
        """Run the servers, in a nursery in which workers may be started."""
        async with trio.open_nursery() as nursery:
            for server in self.servers.values():
                await nursery.start(server.run)
            yield nursery
            nursery.cancel_scope.cancel()

    async def start(self, nursery: trio.Nursery) -> Run:
        """Start a worker."""
        send, receive = trio.open_memory_channel[Request](10)
        run = Run(send)
        await nursery.start(partial(self._work, run, receive))
        return run

    async def _work(
        self, run: Run, requests: trio.MemoryReceiveChannel[Request], *, task_status: trio.TaskStatus[None]
    ) -> None:
        worker = Worker(
            config=self.config,
            world=self.simulation.world,
            reading=self.reading,
            observe=self.facts.append,
            open_spool=partial(open_spool, open_store=self.open_store),
        )
        async with trio.open_nursery() as nursery:
            await nursery.start(worker.run, requests)
            task_status.started()
        run.over.set()

    async def send(self, token: str, *recipients: str, sender: str = SENDER, body: bytes = b"Hello\r\n") -> None:
        """Submit a message that must be accepted."""
        reply = await self.client.submit(token, sender=sender, recipients=recipients, body=body)
        assert reply.positive, str(reply)

    @property
    def taken(self) -> list[Taken]:
        """All that any server has taken, in this order."""
        return sorted((one for server in self.servers.values() for one in server.taken), key=lambda one: one.at)

    @property
    def reports(self) -> list[Taken]:
        """The messages that senders got from us."""
        return self.servers[f"mx1.{SENDERS}"].taken

    def attempts(self, site: str) -> list[DeliveryAttempted]:
        """The attempts at a site."""
        return [fact for fact in self.facts if isinstance(fact, DeliveryAttempted) and fact.site == site]

    @property
    def ended(self) -> list[DeliveryEnded]:
        """The deliveries that have ended."""
        return [fact for fact in self.facts if isinstance(fact, DeliveryEnded)]

    def breaches(self, queue: Queue | None = None) -> list[str]:
        """Everything that should not have happened. To be asked when no worker runs."""
        evidence = Evidence(
            ledger=self.client.ledger,
            unheard=self.client.unheard,
            taken=self.taken,
            facts=self.facts,
            queue=queue or queue_of(self.memory),
            cuts=self.cuts,
        )
        delivery = self.config.delivery
        probes = delivery.circuit_breaker.half_open_max_calls
        return [
            *check(evidence),
            *breakers(self.facts, probes=probes),
            *self.watch.breaches(delivery.max_connections_per_host),
        ]


def simulated(test: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run an async test in virtual time, in an order that repeats itself."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        simulate(partial(test, *args, **kwargs), seed=1)

    return run


def local_parts(taken: Iterable[Taken]) -> list[list[bytes]]:
    """The recipients of messages, short."""
    return [[recipient.local for recipient in one.recipients] for one in taken]


def sqlite_on(vfs: SimulatedVfs) -> Callable[[], Store]:
    """How to open the database on the simulated disk."""
    return partial(open_database, "/var/spool/empath/queue/queue.sqlite3", vfs.name)


def store_on(vfs: SimulatedVfs, backend: str) -> Callable[[], Store]:
    """How to open the queue of a backend on the simulated disk."""
    if backend == "files":
        return lambda: open_files("/var/spool/empath/queue", mounted(vfs.files))
    return sqlite_on(vfs)
