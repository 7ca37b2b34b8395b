"""A listener in a world of its own, and a client that talks to it."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import PurePath
from typing import TypeVar

import trio
import trio.testing
from attrs import define, field, frozen

from empath.config.schema import AuthSettings, LimitSettings, ListenerSettings
from empath.hooks import NO_HOOKS, Chain
from empath.ingress import Admission, Intake, Reception
from empath.ingress.client import Client
from empath.ingress.entrance import TlsEntrance
from empath.ingress.limits.quotas import Quotas
from empath.ingress.logins.users import make_users
from empath.mail import Fact
from empath.mail.ids import MessageId
from empath.policy.reception.logins import SenderLogins
from empath.policy.reception.prefix import Prefixes
from empath.policy.reception.relay import RelayPolicy
from empath.sim import SimulatedWorld
from empath.sim.offload import InlineOffload
from empath.smtp import Domain, ServerConnection
from empath.spool.contract import (
    ANYTHING,
    Acceptance,
    Action,
    Backup,
    Body,
    BodyDraft,
    BodyFile,
    Changed,
    Claimed,
    Damage,
    Demand,
    Fate,
    Page,
    Retention,
    Selector,
    SpoolError,
    SpoolWatch,
    Statistics,
    StoredRule,
    Taker,
    Verified,
)
from empath.spool.grouped import GroupedSpool
from empath.spool.memory import MemoryStore
from empath.spool.open import open_spool
from empath.world import TcpEndpoint
from empath.world.free_space import FreeSpace
from empath.world.handshake import start_tls
from empath.world.tls import TlsContext

USERS_FILE = PurePath("/users")
ENTRANCE = TcpEndpoint("192.0.2.1", 25)
CLIENT = "192.0.2.200"
STRANGER = "192.0.2.201"
ENVELOPE = b"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@anywhere.example>\r\n"
F = TypeVar("F")


@define(eq=False)
class BrittleSpool:
    """A spool that can be told to fail; it keeps in mind what it accepted."""

    _inner: GroupedSpool
    failure: SpoolError | None = field(init=False, default=None)
    unforeseen: bool = field(init=False, default=False)
    accepted: list[Acceptance] = field(init=False, factory=list)
    recorded: list[Fate] = field(init=False, factory=list)
    claimed: int = field(init=False, default=0)
    """Deliveries that were ever claimed."""

    @property
    def watch(self) -> SpoolWatch:
        return self._inner.watch

    async def accept(self, acceptance: Acceptance) -> MessageId | None:
        if self.unforeseen:
            raise ZeroDivisionError
        if self.failure is not None:
            raise self.failure
        earlier = await self._inner.accept(acceptance)
        if earlier is None:
            self.accepted.append(acceptance)
        return earlier

    def hand_over_to(self, taker: Taker | None) -> None:
        self._inner.hand_over_to(taker)

    async def claim(self, *, now: float, until: float, latest: float, room: int, demand: Demand = ANYTHING) -> Claimed:
        claimed = await self._inner.claim(now=now, until=until, latest=latest, room=room, demand=demand)
        self.claimed += sum(len(claim.deliveries) for claim in claimed.claims)
        return claimed

    async def body_of(self, mid: MessageId) -> Body | None:
        return await self._inner.body_of(mid)

    async def sites_aside(self) -> frozenset[str]:
        return await self._inner.sites_aside()

    async def record(self, fates: Sequence[Fate], reports: Sequence[Acceptance] = ()) -> None:
        if self.unforeseen:
            raise ZeroDivisionError
        if self.failure is not None:
            raise self.failure
        await self._inner.record(fates, reports)
        self.recorded += fates
        self.accepted += reports

    async def wait_news(self) -> None:
        await self._inner.wait_news()

    async def draft_body(self, mid: MessageId) -> BodyDraft:
        return await self._inner.draft_body(mid)

    def read_body(self, body: BodyFile) -> AsyncGenerator[bytes, None]:
        return self._inner.read_body(body)

    async def discard_body(self, body: BodyFile) -> None:
        await self._inner.discard_body(body)

    async def verify(self, cursor: str | None = None) -> Verified:
        return await self._inner.verify(cursor)

    async def backup(self, directory: PurePath, *, now: float) -> Backup:
        return await self._inner.backup(directory, now=now)

    async def statistics(self) -> Statistics:
        return await self._inner.statistics()

    async def quarantine(self) -> list[Damage]:
        return await self._inner.quarantine()

    async def release(self, mid: str) -> int:
        return await self._inner.release(mid)

    async def claim_chosen(self, selector: Selector, *, now: float, until: float, room: int) -> Claimed:
        return await self._inner.claim_chosen(selector, now=now, until=until, room=room)

    async def find(self, selector: Selector, *, now: float, cursor: str | None = None, limit: int = 100) -> Page:
        return await self._inner.find(selector, now=now, cursor=cursor, limit=limit)

    async def count(self, selector: Selector, *, now: float) -> int:
        return await self._inner.count(selector, now=now)

    async def apply(self, action: Action, selector: Selector, *, now: float) -> Changed:
        return await self._inner.apply(action, selector, now=now)

    async def rules(self) -> list[StoredRule]:
        return await self._inner.rules()

    async def put_rule(self, rule: StoredRule) -> None:
        await self._inner.put_rule(rule)

    async def remove_rule(self, rule_id: str) -> bool:
        return await self._inner.remove_rule(rule_id)

    async def purge(self, *, now: float, retention: Retention) -> int:
        return await self._inner.purge(now=now, retention=retention)

    async def tend(self) -> bool:
        return await self._inner.tend()


@frozen(kw_only=True)
class ScriptedReception(Reception):
    """A listener that may offer something else than its settings say."""

    machine: Callable[[], ServerConnection] | None

    def new_machine(self, client: Client) -> ServerConnection:
        return super().new_machine(client) if self.machine is None else self.machine()


@define(eq=False)
class Talk:
    """The client's end."""

    stream: trio.abc.Stream
    _said: bytes = field(init=False, default=b"")

    async def write(self, octets: bytes) -> None:
        await self.stream.send_all(octets)

    async def line(self) -> bytes | None:
        """The next line; None: the server has closed."""
        while b"\r\n" not in self._said:
            octets = bytes(await self.stream.receive_some())
            if not octets:
                return None
            self._said += octets
        line, _, self._said = self._said.partition(b"\r\n")
        return line

    async def reply(self) -> bytes | None:
        """The last line of the next reply."""
        line = await self.line()
        while line is not None and line[3:4] == b"-":
            line = await self.line()
        return line

    async def reply_to(self, octets: bytes) -> bytes | None:
        """Say something, and return the last line of the answer."""
        await self.write(octets)
        return await self.reply()

    async def code(self, octets: bytes = b"") -> bytes | None:
        """Say something, and return the code of the answer."""
        if octets:
            await self.write(octets)
        line = await self.reply()
        return None if line is None else line[:3]

    async def codes(self, octets: bytes, count: int) -> list[bytes | None]:
        await self.write(octets)
        return [await self.code() for _ in range(count)]

    async def start_tls(self, context: TlsContext) -> None:
        self.stream = await start_tls(self.stream, context, host="mx.empath.example")


@define(eq=False)
class Stage:
    """See the module."""

    world: SimulatedWorld
    spool: BrittleSpool
    facts: list[Fact]
    intake: Intake
    accepting: trio.CancelScope

    async def connect(self, source: str = CLIENT) -> Talk:
        host = self.world.network.host_at(source) or self.world.network.host(source)
        return Talk(await host.connect(ENTRANCE))

    async def greeted(self, source: str = CLIENT) -> Talk:
        """A client that has said EHLO."""
        talk = await self.connect(source)
        assert await talk.code() == b"220"
        assert await talk.code(b"EHLO client.example\r\n") == b"250"
        return talk

    def said(self, kind: type[F]) -> list[F]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    async def content(self, acceptance: Acceptance) -> bytes:
        body = acceptance.body
        if isinstance(body, BodyFile):
            blocks = self.spool.read_body(body)
            return b"".join([block async for block in blocks])
        return body


@asynccontextmanager
async def stage(
    *,
    limits: LimitSettings | None = None,
    listener: ListenerSettings | None = None,
    admission: Admission | None = None,
    tls: TlsContext | None = None,
    relay: RelayPolicy | None = None,
    inline_limit_bytes: int = 1000,
    users_file: bytes | None = None,
    auth_settings: AuthSettings | None = None,
    sender_logins: SenderLogins | None = None,
    hooks: Chain = NO_HOOKS,
    min_free_bytes: int = 0,
    deduplication_window_s: float = 0.0,
    new_machine: Callable[[], ServerConnection] | None = None,
) -> AsyncIterator[Stage]:
    """A listener that serves until the context ends."""
    world = SimulatedWorld(seed=1)
    async with open_spool(world.world, PurePath("/spool"), MemoryStore, holder="a test") as inner:
        spool = BrittleSpool(inner)
        facts: list[Fact] = []
        users = None
        if users_file is not None:
            await world.world.disk.write(USERS_FILE, [users_file])
            users = make_users(world.world, USERS_FILE, auth_settings or AuthSettings(), Prefixes())
            await users.load()
        reception = ScriptedReception(
            machine=new_machine,
            hostname=Domain.parse("mx.empath.example"),
            listener=listener or ListenerSettings(listen_addr=ENTRANCE),
            limits=limits or LimitSettings(),
            inline_limit_bytes=inline_limit_bytes,
            deduplication_window_s=deduplication_window_s,
            quotas=Quotas(limits or LimitSettings()),
            users=users,
            sender_logins=sender_logins or SenderLogins(),
            hooks=hooks,
            relay=relay or RelayPolicy(networks=(ip_network(CLIENT),), domains=frozenset({"ours.example"})),
            spool=spool,
            clock=world.clock,
            entropy=world.entropy,
            tls=TlsEntrance(context=lambda: tls, offload=InlineOffload(), timeout_s=30) if tls else None,
            observe=facts.append,
            free_space=FreeSpace(
                disk=world.world.disk, directories=(PurePath("/spool"),), min_free_bytes=min_free_bytes
            ),
        )
        intake = Intake(reception, admission or Admission(100, 100))
        async with trio.open_nursery() as nursery:
            accepting = trio.CancelScope()

            async def accept() -> None:
                with accepting:
                    await intake.run(await world.host.listen(ENTRANCE), nursery)

            nursery.start_soon(accept)
            await trio.testing.wait_all_tasks_blocked()
            yield Stage(world, spool, facts, intake, accepting)
            nursery.cancel_scope.cancel()
