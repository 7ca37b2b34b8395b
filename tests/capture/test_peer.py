"""The capture peer on the wire: on real sockets, and on the simulated network."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import pytest
import trio
import trio.testing
from attrs import define, evolve, frozen
from typing_extensions import override

from empath.capture import Archive, Caps, listing, load, serve
from empath.capture.session import MAX_RECIPIENTS, TURN_S
from empath.sim import SimulatedWorld
from empath.sim.disk import Trouble
from empath.sim.offload import InlineOffload
from empath.world import Connection, ConnectionLost, Endpoint, Network, TcpEndpoint
from empath.world.disk import DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.files import SystemFiles
from tests.capture.conftest import Place, simulated_place


@define
class Peer:
    """A running capture peer, and whoever talks to it."""

    network: Network
    endpoint: Endpoint

    async def talk(self, *groups: bytes) -> list[bytes]:
        """Send groups of commands, each after the answer to the one before, and return all reply lines."""
        async with await self.network.connect(self.endpoint) as connection:
            answers = [await reply(connection)]
            for group in groups:
                await connection.send_all(group)
                answers.append(await reply(connection))
            return b"".join(answers).splitlines()


async def reply(connection: Connection) -> bytes:
    """Return what comes until a pause; the peer answers a group in one write."""
    return bytes(await connection.receive_some())


@asynccontextmanager
async def running(place: Place, *, caps: Caps | None = None, max_sessions: int = 10) -> AsyncIterator[Peer]:
    archive = await Archive.open(place.disk, place.clock, place.directory, caps=caps)
    async with trio.open_nursery() as nursery:
        endpoint = TcpEndpoint("127.0.0.1", 0)
        started = partial(serve, place.network, endpoint, archive=archive, max_sessions=max_sessions)
        yield Peer(place.network, await nursery.start(started))
        nursery.cancel_scope.cancel()


ENVELOPE = b"EHLO client.example\r\n", b"MAIL FROM:<bob@example.com>\r\nRCPT TO:<ann@example.org>\r\n"
MESSAGE = b"Subject: Hello\r\n\r\n..\r\nHello.\r\n"


async def test_a_message_sent_by_data_is_captured_as_it_was_meant(place: Place) -> None:
    async with running(place) as peer:
        answers = await peer.talk(*ENVELOPE, b"DATA\r\n", b"Subject: Hello\r\n\r\n...\r\nHello.\r\n.\r\nQUIT\r\n")
        assert answers[0] == b"220 capture.localhost ESMTP, all mail ends here"
        assert b"250 SIZE 104857600" in answers
        assert answers[-2:] == [b"250 2.0.0 captured as 1", b"221 2.0.0 bye"]
        kept = await load(place.disk, place.directory, 1)
        assert kept is not None
        assert kept.content == MESSAGE
        assert (kept.record.hello, kept.record.sender) == ("client.example", "bob@example.com")
        assert (kept.record.recipients, kept.record.subject) == (("ann@example.org",), "Hello")


async def test_a_message_sent_in_chunks_is_one_message(place: Place) -> None:
    async with running(place) as peer:
        chunks = b"BDAT 10\r\n" + MESSAGE[:10] + b"BDAT %d LAST\r\n" % len(MESSAGE[10:]) + MESSAGE[10:]
        answers = await peer.talk(*ENVELOPE, chunks)
        assert answers[-2:] == [b"250 2.0.0 done", b"250 2.0.0 captured as 1"]
        kept = await load(place.disk, place.directory, 1)
        assert kept is not None
        assert kept.content == MESSAGE


async def test_an_empty_message_and_the_null_sender_are_taken_too(place: Place) -> None:
    async with running(place) as peer:
        await peer.talk(b"HELO x\r\n", b"MAIL FROM:<>\r\n", b"RCPT TO:<postmaster>\r\n", b"DATA\r\n", b".\r\n")
        [record] = await listing(place.disk, place.directory)
        assert (record.sender, record.recipients, record.size_bytes) == (None, ("postmaster",), 0)


async def test_one_connection_can_bring_many_messages(place: Place) -> None:
    async with running(place) as peer:
        hello, envelope = ENVELOPE
        await peer.talk(hello, *[envelope, b"DATA\r\n", MESSAGE + b".\r\n"] * 3)
        assert [record.number for record in await listing(place.disk, place.directory)] == [1, 2, 3]


async def test_what_rset_took_back_is_not_captured(place: Place) -> None:
    async with running(place) as peer:
        hello, envelope = ENVELOPE
        other = b"MAIL FROM:<>\r\nRCPT TO:<eve@example.org>\r\n"
        await peer.talk(hello, envelope, b"BDAT 5\r\nfirst", b"RSET\r\n", other, b"BDAT 4 LAST\r\nsecd")
        [record] = await listing(place.disk, place.directory)
        kept = await load(place.disk, place.directory, record.number)
        assert kept is not None
        assert (kept.content, kept.record.recipients) == (b"secd", ("eve@example.org",))
        assert len(await place.sizes()) == 2


@pytest.mark.parametrize(
    ("local", "answer"),
    [
        (b"defer", b"451 4.2.0 this address defers all mail"),
        (b"Bounce", b"550 5.1.1 this address refuses all mail"),
        (b"bouncer", b"250 2.1.5 recipient taken"),
    ],
)
async def test_two_local_parts_are_refused_on_request(real_place: Place, local: bytes, answer: bytes) -> None:
    async with running(real_place) as peer:
        rcpt = b"MAIL FROM:<>\r\nRCPT TO:<" + local + b"@example.org>\r\n"
        assert (await peer.talk(b"EHLO x\r\n", rcpt))[-1] == answer


async def test_a_message_above_the_cap_is_refused_and_the_session_goes_on(place: Place) -> None:
    async with running(place, caps=Caps(size_bytes=2000)) as peer:
        hello, envelope = ENVELOPE
        declared = b"MAIL FROM:<> SIZE=2001\r\n"
        content = b"x" * 70 + b"\r\n"
        answers = await peer.talk(
            *(hello, declared, envelope, b"DATA\r\n", content * 40 + b".\r\n"),
            *(envelope, b"DATA\r\n", content * 27 + b".\r\n"),  # fits, but not with its record
            *(envelope, b"DATA\r\n", content + b".\r\n"),
        )
        assert [line for line in answers if line.startswith(b"552")] == [
            b"552 5.3.4 the message is larger than this server takes",
            b"552 5.3.4 the message is larger than this server takes",
            b"552 5.3.4 the message is larger than all that is kept here",
        ]
        [record] = await listing(place.disk, place.directory)
        assert (answers[-1], record.size_bytes) == (b"250 2.0.0 captured as %d" % record.number, len(content))
        assert len(await place.sizes()) == 2


async def test_a_disk_that_fails_is_a_temporary_refusal_and_the_session_goes_on(
    simulated: SimulatedWorld, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(simulated_place(simulated)) as peer:
        for call in ("create", "write_at", "sync"):
            simulated.files.plan(Trouble.NO_SPACE, call=call)
            _, envelope = ENVELOPE
            answers = await peer.talk(*ENVELOPE, b"DATA\r\n", MESSAGE + b".\r\n", envelope + b"QUIT\r\n")
            assert b"452 4.3.1 the message cannot be kept now" in answers
            assert answers[-1] == b"221 2.0.0 bye"
        assert caplog.text.count("is not captured: cannot") == 3


async def test_recipients_have_a_bound(real_place: Place) -> None:
    async with running(real_place) as peer:
        async with await peer.network.connect(peer.endpoint) as connection:
            await connection.send_all(b"EHLO x\r\n")
            await reply(connection)
            recipients = b"RCPT TO:<a@b.example>\r\n" * (MAX_RECIPIENTS + 1)
            await connection.send_all(b"MAIL FROM:<>\r\n" + recipients + b"QUIT\r\n")
            answers = b"".join([bytes(part) async for part in connection]).splitlines()
        assert answers[-2] == b"452 4.5.3 too many recipients: send the message again for the others"


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (b"NOOP", b"250 2.0.0 done"),
        (b"VRFY ann", b"252 2.5.0 send the message and see"),
        (b"HELP", b"214 2.0.0 whatever is sent here is captured, and goes nowhere"),
        (b"EXPN list", b"502 5.5.1 not available here"),
        (b"STARTTLS", b"502 5.5.1 not available here"),
        (b"MAIL FROM:<nobody>", b"501 5.1.7 an address has a domain"),
        (b"DATA", b"503 5.5.1 say MAIL first"),
    ],
)
async def test_other_commands_are_answered_as_a_mail_server_does(
    real_place: Place, command: bytes, answer: bytes
) -> None:
    async with running(real_place) as peer:
        assert (await peer.talk(b"EHLO x\r\n", command + b"\r\n"))[-1].startswith(answer)


async def test_a_client_that_vanishes_leaves_nothing_and_disturbs_nobody(place: Place) -> None:
    async with running(place) as peer, await peer.network.connect(peer.endpoint) as other:
        await peer.talk(*ENVELOPE, b"BDAT 5\r\nfirst")
        while await place.disk.list(place.directory):
            pass
        assert (await reply(other)).startswith(b"220 ")
        await other.send_all(b"EHLO x\r\n")
        assert (await reply(other)).startswith(b"250-")


@frozen
class MadFiles(SystemFiles):
    """Calls with a bug in them."""

    @override
    def write_at(self, handle: int, data: memoryview, offset: int) -> int:
        raise RuntimeError("a bug")


async def test_a_session_that_fails_takes_no_other_with_it(real_place: Place, caplog: pytest.LogCaptureFixture) -> None:
    disk = DurableDisk(MadFiles(), InlineOffload(), SystemEntropy())
    async with running(evolve(real_place, disk=disk)) as peer:
        assert await peer.talk(*ENVELOPE, b"DATA\r\n", MESSAGE + b".\r\n") != []
        assert "RuntimeError: a bug" in caplog.text
        assert (await peer.talk(b"QUIT\r\n"))[-1] == b"221 2.0.0 bye"


async def test_a_connection_that_breaks_takes_no_other_with_it(simulated: SimulatedWorld) -> None:
    async with running(simulated_place(simulated)) as peer:
        async with await peer.network.connect(peer.endpoint) as connection:
            await reply(connection)
            simulated.network.links[0].reset()
        assert (await peer.talk(b"QUIT\r\n"))[-1] == b"221 2.0.0 bye"


async def test_who_comes_when_there_are_enough_sessions_waits_for_the_end_of_one(
    autojump_clock: trio.testing.MockClock, simulated: SimulatedWorld
) -> None:
    async with running(simulated_place(simulated), max_sessions=1) as peer:
        async with await peer.network.connect(peer.endpoint) as first:
            await reply(first)
            second = await peer.network.connect(peer.endpoint)
            with trio.move_on_after(60) as silence:
                await reply(second)
            assert silence.cancelled_caught
        async with second:
            assert (await reply(second)).startswith(b"220 ")


async def test_a_client_that_never_reads_is_dropped(
    autojump_clock: trio.testing.MockClock, simulated: SimulatedWorld
) -> None:
    async with running(simulated_place(simulated)) as peer, await peer.network.connect(peer.endpoint) as connection:
        with pytest.raises(ConnectionLost):
            await never_read(connection)


async def never_read(connection: Connection) -> None:
    while True:
        await connection.send_all(b"NOOP\r\n")


async def test_a_client_that_says_nothing_is_told_so_and_dropped(
    autojump_clock: trio.testing.MockClock, simulated: SimulatedWorld
) -> None:
    async with running(simulated_place(simulated)) as peer, await peer.network.connect(peer.endpoint) as connection:
        begun = trio.current_time()
        parts = [bytes(part) async for part in connection]
        assert parts[-1] == b"421 4.4.2 nothing came, closing\r\n"
        assert trio.current_time() - begun == pytest.approx(TURN_S)
