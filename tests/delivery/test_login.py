"""Logins over a hop whose machine takes it for encrypted, to hosts that follow a script, down to the octet."""

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import PurePath

import pytest
import trio
from attrs import define, field
from trio.testing import MockClock

from empath.config.schema import DeliverySettings
from empath.delivery import Hop, Login
from empath.mail import Failure, Kind, Phase, SystemFailure, SystemKind
from empath.policy.route import Target
from empath.sim import SimulatedWorld
from empath.sim.behaviour import Fault, Octets, Reaction
from empath.sim.link import SimulatedConnection
from empath.smtp import ClientConnection, Ehlo, LocalProtocolError, Reply
from empath.world import ConnectionLost, TcpEndpoint
from tests.delivery.test_hostile_hosts import FAULTS

ADDRESS = "198.51.100.1"
SECRET = PurePath("/secret")


@define(eq=False)
class Host:
    """What it answers to each line, and the lines that it has read."""

    answers: Sequence[bytes]
    fault: Reaction | None = None
    """What comes after these; None: nothing."""
    read: list[bytes] = field(factory=list)

    async def serve(self, connection: SimulatedConnection) -> None:
        for answer in self.answers:
            self.read.append(await connection.receive_some())
            await connection.send_all(answer)
        await self._fail(connection)
        await trio.sleep_forever()

    async def _fail(self, connection: SimulatedConnection) -> None:
        if self.fault is None:
            return
        await connection.receive_some()
        if isinstance(self.fault, Octets):
            await connection.send_all(self.fault.octets * (200 if self.fault.endless else 1))
        elif isinstance(self.fault, Reply):
            await connection.send_all(self.fault.encode())
        if self.fault is Fault.RESET:
            connection.link.reset()
        elif self.fault is Fault.CLOSE or (isinstance(self.fault, Octets) and self.fault.then is Fault.CLOSE):
            connection.close()


@asynccontextmanager
async def hop_to(
    host: Host, *, offers: str, tls: bool = True, secret: bytes = b"pa ss\n"
) -> AsyncIterator[tuple[Hop, Login]]:
    world = SimulatedWorld(1)
    await world.world.disk.write(SECRET, [secret])
    listener = await world.network.host(ADDRESS).listen(TcpEndpoint(ADDRESS, 587))
    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def serve() -> None:
            connection = await listener.accept()
            await connection.send_all(b"220 hi\r\n")
            await connection.receive_some()
            await connection.send_all(f"250-hello\r\n250 AUTH {offers}\r\n".encode())
            with suppress(ConnectionLost):
                await host.serve(connection)

        connection = await world.host.connect(TcpEndpoint(ADDRESS, 587))
        target = Target("mail.example.org", ADDRESS, 587)
        hop = Hop(target, DeliverySettings().smtp_timeouts, ClientConnection(tls=tls), connection)
        await hop.replies(1)
        await hop.ask(Ehlo("mx.empath.example"), 60)
        yield hop, Login(user="ann", secret_file=SECRET, disk=world.world.disk)
        nursery.cancel_scope.cancel()


def line(text: bytes) -> bytes:
    return b64encode(text) + b"\r\n"


async def test_plain_is_said_at_once_and_before_login(autojump_clock: MockClock) -> None:
    host = Host([b"235 welcome\r\n"])
    async with hop_to(host, offers="LOGIN XOAUTH2 PLAIN") as (hop, login):
        await login.enter(hop)
        assert host.read == [b"AUTH PLAIN " + line(b"\0ann\0pa ss")]
        assert (hop.login, hop.usable) == (login, True)


async def test_login_is_asked_for_name_and_password(autojump_clock: MockClock) -> None:
    host = Host([b"334 " + line(b"Username:"), b"334 " + line(b"Password:"), b"235 welcome\r\n"])
    async with hop_to(host, offers="LOGIN") as (hop, login):
        await login.enter(hop)
        assert host.read == [b"AUTH LOGIN\r\n", line(b"ann"), line(b"pa ss")]


async def test_a_token_is_said_where_configuration_asks_for_it(autojump_clock: MockClock) -> None:
    host = Host([b"235 welcome\r\n"])
    async with hop_to(host, offers="PLAIN XOAUTH2", secret=b"ya29.token") as (hop, login):
        await Login(user="ann", secret_file=SECRET, mechanism="XOAUTH2", disk=login.disk).enter(hop)
        assert host.read == [b"AUTH XOAUTH2 " + line(b"user=ann\1auth=Bearer ya29.token\1\1")]


async def test_a_token_that_is_refused_is_told_so_in_two_steps(autojump_clock: MockClock) -> None:
    host = Host([b"334 " + line(b'{"status":"400"}'), b"535 5.7.8 no\r\n"])
    async with hop_to(host, offers="XOAUTH2") as (hop, login):
        with pytest.raises(Failure) as caught:
            await Login(user="ann", secret_file=SECRET, mechanism="XOAUTH2", disk=login.disk).enter(hop)
        assert caught.value.diagnosis.kind is Kind.LOGIN_REFUSED
        assert host.read[1] == b"\r\n"


@pytest.mark.parametrize(
    ("offers", "answers", "kind"),
    [
        ("PLAIN", [b"535 5.7.8 wrong\r\n"], Kind.LOGIN_REFUSED),
        ("PLAIN", [b"454 4.7.0 later\r\n"], Kind.BUSY),
        ("PLAIN", [b"421 4.3.2 bye\r\n"], Kind.BUSY),
        ("PLAIN", [b"garbage\r\n"], Kind.PROTOCOL),
        ("PLAIN", [b"999 what?\r\n"], Kind.PROTOCOL),
        ("PLAIN", [b"235-yes\r\n535 no\r\n"], Kind.PROTOCOL),
        ("PLAIN", [b"235 \0\r\n"], Kind.PROTOCOL),
        ("PLAIN", [b"235 yes\n235 yes\r\n"], Kind.PROTOCOL),
        ("PLAIN", [b"354 go ahead\r\n"], Kind.PROTOCOL),
        ("PLAIN", [b"235 " + b"x" * 100_000], Kind.PROTOCOL),
        ("PLAIN", [b"235-yes\r\n" * 10_000], Kind.PROTOCOL),
        ("PLAIN", [b"235-yes\r\n"], Kind.TIMEOUT),
        ("PLAIN", [], Kind.TIMEOUT),
        ("CRAM-MD5 XOAUTH2", [], Kind.LOGIN_REFUSED),
        ("LOGIN", [b"334 not base64!\r\n"], Kind.PROTOCOL),
        ("LOGIN", [b"334 " + line(b"more?")] * 9, Kind.PROTOCOL),
    ],
)
async def test_a_login_that_fails_is_the_trouble_of_the_site(
    autojump_clock: MockClock, offers: str, answers: list[bytes], kind: Kind
) -> None:
    async with hop_to(Host(answers), offers=offers) as (hop, login):
        with pytest.raises(Failure) as caught:
            await login.enter(hop)
        problem = caught.value.diagnosis
        assert (problem.kind, problem.phase, problem.kind.permanent) == (kind, Phase.LOGIN, False)
        assert hop.login is None


# At the first, second and third answer of the longest login there is. The only answer to AUTH PLAIN stands in
# ``test_hostile_smart_host``.
AT_ANY_STEP = {
    **dict.fromkeys(("4yz", "421"), Kind.BUSY),
    **dict.fromkeys(("close", "reset", "half a reply"), Kind.CONNECTION_LOST),
    "5yz": Kind.LOGIN_REFUSED,
    "silence": Kind.TIMEOUT,
    "only 250": None,  # it says yes, in its way
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", [0, 1, 2])
async def test_every_fault_at_every_step_of_a_login_is_the_trouble_of_the_site(
    autojump_clock: MockClock, step: int, fault: str
) -> None:
    challenges = [b"334 " + line(b"Username:"), b"334 " + line(b"Password:")]
    async with hop_to(Host(challenges[:step], FAULTS[fault]), offers="LOGIN") as (hop, login):
        kind = AT_ANY_STEP.get(fault, Kind.PROTOCOL)
        if kind is None:
            await login.enter(hop)
            return
        with pytest.raises(Failure) as caught:
            await login.enter(hop)
        problem = caught.value.diagnosis
        assert (problem.kind, problem.phase, hop.login) == (kind, Phase.LOGIN, None)


@pytest.mark.parametrize("secret", [b"", b"\n", b"\xff", b"x" * 9000, b"a\0b"])
async def test_a_file_that_holds_no_secret_is_our_own_trouble(autojump_clock: MockClock, secret: bytes) -> None:
    host = Host([b"235 welcome\r\n"])
    async with hop_to(host, offers="PLAIN", secret=secret) as (hop, login):
        with pytest.raises(SystemFailure) as caught:
            await login.enter(hop)
        assert caught.value.kind is SystemKind.CREDENTIALS
        assert host.read == []


async def test_a_file_that_is_not_there_is_our_own_trouble(autojump_clock: MockClock) -> None:
    async with hop_to(Host([]), offers="PLAIN") as (hop, login):
        with pytest.raises(SystemFailure, match="/gone"):
            await Login(user="ann", secret_file=PurePath("/gone"), disk=login.disk).enter(hop)


async def test_nothing_is_said_in_clear(autojump_clock: MockClock) -> None:
    host = Host([])
    async with hop_to(host, offers="PLAIN", tls=False) as (hop, login):
        with pytest.raises(LocalProtocolError, match="without TLS"):
            await login.enter(hop)
        assert host.read == []
