"""A listener on a real socket, set up as a dialogue wants it, and a client that plays the dialogue to it."""

from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import PurePath

import trio
from attrs import define, field, frozen
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from trio.testing import wait_all_tasks_blocked

from empath.config.schema import AuthSettings, HookSettings, LimitSettings, ListenerAuth, ListenerSettings, ListenerTls
from empath.hooks import Answer, Chain, Event, Refuse
from empath.hooks.guard import Call, Guard
from empath.ingress import Admission, Intake
from empath.ingress.entrance import TlsEntrance
from empath.ingress.limits.quotas import Quotas
from empath.ingress.logins.users import Users, make_users
from empath.mail.record import decode_envelope
from empath.policy.reception.prefix import Prefixes
from empath.policy.reception.relay import RelayPolicy
from empath.sim import SimulatedWorld
from empath.sim.offload import InlineOffload
from empath.smtp import Domain, Mail, Rcpt, ServerConnection, Verb
from empath.spool.contract import BodyFile
from empath.spool.memory import MemoryStore
from empath.spool.open import open_spool
from empath.world import TcpEndpoint
from empath.world.errors import NetworkError
from empath.world.handshake import start_tls
from empath.world.network import SystemNetwork
from empath.world.ports import Connection, Listener
from empath.world.tls import TlsContext, opportunistic_context
from tests.dialogues.script import Message, Settings
from tests.dialogues.scripted import HOSTNAME
from tests.ingress.stage import BrittleSpool, ScriptedReception

ANY_PORT = TcpEndpoint("127.0.0.1", 0)
LOOPBACK = (ip_network("127.0.0.1"),)
USERS_FILE = PurePath("/users")
ANSWER_S = 10.0
"""How long something may take that the dialogue says must come."""
SETTLED_S = 0.002
"""After so much time without work for any task nothing more is on its way: loopback has no latency."""
CLIENT = opportunistic_context()


@frozen
class ScriptedHook:
    """Says to a listener what the owner of the server says in a dialogue."""

    _settings: Settings

    async def on_connect(self) -> Answer:
        return self._said(Verb.GREETING)

    async def on_mail(self, mail: Mail) -> Answer:
        return self._said(Verb.MAIL, str(mail.reverse_path or ""))

    async def on_rcpt(self, rcpt: Rcpt) -> Answer:
        return self._said(Verb.RCPT, str(rcpt.forward_path))

    async def on_message(self) -> Answer:
        return self._said(Verb.END) or self._said(Verb.BDAT_LAST)

    def chain(self) -> Chain:
        """The same, as a listener asks it."""
        guard = Guard.of(HookSettings(name="dialogue"))
        methods: dict[Event, tuple[Callable[..., Coroutine[object, object, object]], tuple[str, ...]]] = {
            Event.CONNECT: (self.on_connect, ()),
            Event.MAIL: (self.on_mail, ("mail",)),
            Event.RCPT: (self.on_rcpt, ("rcpt",)),
            Event.MESSAGE: (self.on_message, ()),
        }
        return Chain.of(Call(guard, event, method, wants) for event, (method, wants) in methods.items())

    def _said(self, verb: Verb, path: str | None = None) -> Answer:
        fitting = (answer for answer in self._settings.answers if answer.verb is verb and answer.path in (None, path))
        return next((Refuse(answer.reply) for answer in fitting), None)


async def users_of(settings: Settings, world: SimulatedWorld) -> Users:
    """The users of a dialogue, with hashes that cost nothing."""
    lines = []
    for name, secret in settings.users:
        cheap = Argon2id(salt=b"salt" * 4, length=32, iterations=1, lanes=1, memory_cost=8)
        lines.append(f"{name}:{cheap.derive_phc_encoded(secret.encode())}\n".encode())
    await world.world.disk.write(USERS_FILE, lines)
    users = make_users(world.world, USERS_FILE, AuthSettings(), Prefixes())
    await users.load()
    return users


@asynccontextmanager
async def served(settings: Settings, certificate: TlsContext, *, inside_tls: bool) -> AsyncIterator["SocketPeer"]:
    """Connect to a listener for this dialogue; ``inside_tls``: TLS begins before the greeting."""
    world = SimulatedWorld(seed=1)

    def machine() -> ServerConnection:
        return ServerConnection(
            HOSTNAME,
            settings.offers,
            tls=inside_tls,
            bounds=settings.bounds,
            auth_in_clear=settings.auth_in_clear,
            strict_groups=settings.strict_groups,
        )

    async with open_spool(world.world, PurePath("/spool"), MemoryStore, holder="a test") as inner:
        spool, limits = BrittleSpool(inner), LimitSettings()
        reception = ScriptedReception(
            machine=machine,
            hostname=Domain.parse(HOSTNAME),
            listener=ListenerSettings(
                listen_addr=ANY_PORT,
                tls=ListenerTls.IMPLICIT if inside_tls else ListenerTls.STARTTLS,
                auth=ListenerAuth.OPTIONAL,
                xclient_from=LOOPBACK,
            ),
            limits=limits,
            inline_limit_bytes=1000,
            quotas=Quotas(limits),
            users=await users_of(settings, world),
            relay=RelayPolicy(networks=LOOPBACK),
            hooks=ScriptedHook(settings).chain() if settings.answers else Chain({}),
            spool=spool,
            clock=world.clock,
            entropy=world.entropy,
            tls=TlsEntrance(context=lambda: certificate, offload=InlineOffload(), timeout_s=ANSWER_S),
            observe=lambda _: None,
        )
        network = SystemNetwork()
        listener: Listener = await network.listen(ANY_PORT)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(Intake(reception, Admission(100, 100)).run, listener, nursery)
            async with await network.connect(listener.endpoint) as connection:
                peer = SocketPeer(spool, nursery, connection)
                await (peer.start_tls() if inside_tls else peer.listen())
                try:
                    yield peer
                finally:
                    nursery.cancel_scope.cancel()


@define(eq=False)
class SocketPeer:
    """See ``tests.dialogues.runner.Peer``. A task of its own reads, so that nothing that is said can be missed."""

    _spool: BrittleSpool
    _nursery: trio.Nursery
    connection: Connection
    stream: trio.abc.Stream = field(init=False)
    _reading: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    _rest: bytes = field(init=False, default=b"")
    _lines: deque[bytes] = field(init=False, factory=deque)
    _closed: bool = field(init=False, default=False)
    _news: trio.Event = field(init=False, factory=trio.Event)

    def __attrs_post_init__(self) -> None:
        self.stream = self.connection

    async def listen(self) -> None:
        """Begin to read."""
        self._reading = trio.CancelScope()
        self._nursery.start_soon(self._read, self._reading)

    async def _read(self, scope: trio.CancelScope) -> None:
        with scope:
            try:
                while octets := bytes(await self.stream.receive_some()):
                    *lines, self._rest = (self._rest + octets).split(b"\r\n")
                    self._lines += lines
                    self._tell()
            except NetworkError:
                pass
            self._closed = True
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = trio.Event()

    async def send(self, segment: bytes) -> None:
        try:
            await self.stream.send_all(segment)
        except NetworkError:
            return  # what the server said before it closed is still to be read
        if segment.endswith(b"\n"):
            await wait_all_tasks_blocked()  # lest lines that come one by one be read together

    async def read_line(self, *, awaited: bool) -> bytes | None:
        if not awaited:
            await wait_all_tasks_blocked(SETTLED_S)
        with trio.move_on_after(ANSWER_S):
            while awaited and not (self._lines or self._closed):
                await self._news.wait()
        return self._lines.popleft() if self._lines else None

    async def start_tls(self) -> None:
        await wait_all_tasks_blocked()
        self._reading.cancel()
        try:
            self.stream = await start_tls(self.connection, CLIENT, host=HOSTNAME)
        except NetworkError:
            self._closed = True
        else:
            await self.listen()

    async def hang_up(self) -> None:
        await self.connection.send_eof()

    async def is_closed(self) -> bool:
        return self._closed

    async def accepted(self) -> list[Message]:
        messages = []
        for kept in self._spool.accepted:
            envelope = decode_envelope(kept.envelope)
            sender = "" if envelope.reverse_path is None else str(envelope.reverse_path)
            recipients = tuple(str(one.address) for one in envelope.recipients)
            content = (
                kept.body
                if not isinstance(kept.body, BodyFile)
                else b"".join([block async for block in self._blocks(kept.body)])
            )
            messages.append(Message(sender, recipients, without_trace(content)))
        return messages

    def _blocks(self, body: BodyFile) -> AsyncGenerator[bytes, None]:
        return self._spool.read_body(body)


def without_trace(content: bytes) -> bytes:
    """What stands behind the field that we have put on top."""
    return b"".join(_behind_first_field(content.splitlines(keepends=True)))


def _behind_first_field(lines: list[bytes]) -> Iterator[bytes]:
    starts = (number for number, line in enumerate(lines) if number and not line.startswith((b" ", b"\t")))
    yield from lines[next(starts, len(lines)) :]
