"""How messages leave, down to the octet: in one write, in chunks, behind 354."""

from collections.abc import AsyncGenerator
from contextlib import nullcontext

import trio
from trio.testing import MockClock

from empath.delivery import Attempt, Shipment
from empath.delivery.talking.shipment import Content
from empath.mail import Phase
from empath.mail.diagnosis import Kind
from empath.mail.envelope import Envelope, Recipient
from empath.mail.outcome import Bounced, Deferred, Delivered, Outcome
from empath.smtp import Address
from empath.world.ports import Connection
from tests.delivery.test_hop import dialled, dialling

ENVELOPE = b"MAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\n"
BLOCKS = [b"a" * 1000, b"b" * 500, b"c" * 10]


class Host:
    """Greets, introduces itself, and reads as much as each step names before it answers; then it only reads on."""

    def __init__(self, *offers: bytes) -> None:
        self.hello = b"250-hello\r\n" + b"".join(b"250-%b\r\n" % one for one in offers) + b"250 8BITMIME\r\n"
        self.steps: list[tuple[bytes, bytes]] = []
        self.rest = b""
        self.ended = trio.Event()

    def hears(self, octets: bytes, says: bytes) -> "Host":
        """The next step."""
        self.steps.append((octets, says))
        return self

    async def __call__(self, connection: Connection) -> None:
        await connection.send_all(b"220 hi\r\n")
        await connection.receive_some()
        await connection.send_all(self.hello)
        for expected, answer in self.steps:
            heard = b""
            while len(heard) < len(expected):
                heard += await connection.receive_some(len(expected) - len(heard))
            assert heard == expected
            await connection.send_all(answer)
        while octets := await connection.receive_some():
            self.rest += octets
        self.ended.set()


def in_blocks(blocks: list[bytes]) -> Content:
    # Closed by who reads it; it waits, as whoever reads files does.
    async def read() -> AsyncGenerator[bytes, None]:  # noqa: ASYNC900
        for block in blocks:
            await trio.lowlevel.checkpoint()
            yield block  # noqa: ASYNC119

    return read


async def sent(host: Host, content: Content, *, recipients: int = 1, one_write_bytes: int = 1 << 16) -> list[Outcome]:
    """What comes of a message, for each recipient. The host has heard all of its steps."""
    addresses = [Address.parse(f"{letter}@example.org") for letter in "bcdefg"[:recipients]]
    envelope = Envelope(reverse_path=None, recipients=tuple(map(Recipient, addresses)), received=0)
    shipment = Shipment(
        envelope=envelope, ordinals=tuple(range(recipients)), size_bytes=None, content=content, deliver_by=None
    )
    async with dialling(host) as some:
        hop = await dialled(some)
        outcomes = await Attempt(hop, shipment, lambda _: nullcontext(), one_write_bytes).run()
        await hop.quit()
        await host.ended.wait()
    return [outcomes[ordinal] for ordinal in range(recipients)]


def kind(outcome: Outcome) -> Kind | None:
    return None if isinstance(outcome, Delivered) else outcome.diagnosis.kind


async def test_a_small_message_leaves_in_one_write_with_its_envelope(autojump_clock: MockClock) -> None:
    host = Host(b"PIPELINING", b"CHUNKING").hears(
        ENVELOPE + b"BDAT 10 LAST\r\n.dotted\r\n\r", b"250 a\r\n250 b\r\n250 c\r\n"
    )
    (outcome,) = await sent(host, b".dotted\r\n\r")
    assert isinstance(outcome, Delivered)
    assert outcome.reply.lines == ("c",)
    assert host.rest == b"QUIT\r\n"


async def test_an_empty_message_is_an_empty_chunk(autojump_clock: MockClock) -> None:
    host = Host(b"PIPELINING", b"CHUNKING").hears(ENVELOPE + b"BDAT 0 LAST\r\n", b"250 a\r\n250 b\r\n250 c\r\n")
    assert kind((await sent(host, b""))[0]) is None


async def test_each_combination_of_answers_to_one_write_finds_its_meaning(autojump_clock: MockClock) -> None:
    envelope = ENVELOPE + b"RCPT TO:<c@example.org>\r\n" + b"BDAT 3 LAST\r\nx\r\n"
    rejected, refused, deferred = Kind.RECIPIENT_REJECTED, Kind.MESSAGE_REJECTED, Kind.MESSAGE_DEFERRED
    for answers, expected in {
        "250 250 250 250": (None, None),
        "250 550 250 250": (rejected, None),
        "250 550 550 503": (rejected, rejected),
        "250 550 550 554": (rejected, rejected),
        "250 550 550 250": (rejected, rejected),
        "250 550 450 503": (rejected, Kind.RECIPIENT_DEFERRED),
        "250 250 452 250": (None, Kind.TOO_MANY_RECIPIENTS),
        "250 250 550 554": (refused, rejected),
        "250 250 250 451": (deferred, deferred),
        "250 250 250 552": (Kind.TOO_LARGE, Kind.TOO_LARGE),
        "550 503 503 503": (refused, refused),
        "451 503 503 503": (deferred, deferred),
        "421": (Kind.BUSY, Kind.BUSY),
        "250 550 421": (rejected, Kind.BUSY),
        "250 250 250 421": (Kind.BUSY, Kind.BUSY),
        "550 250 503 503": (refused, refused),
        "250 250 250 354": (Kind.PROTOCOL, Kind.PROTOCOL),
        "250 354 250 250": (Kind.PROTOCOL, Kind.PROTOCOL),
        "250 550 garbage": (rejected, Kind.PROTOCOL),
    }.items():
        lines = b"".join(f"{word} text\r\n".encode() for word in answers.split())
        found = await sent(Host(b"PIPELINING", b"CHUNKING").hears(envelope, lines), b"x\r\n", recipients=2)
        assert tuple(map(kind, found)) == expected, answers


async def test_silence_after_one_write_is_uncertain_for_those_nobody_has_judged(autojump_clock: MockClock) -> None:
    envelope = ENVELOPE + b"RCPT TO:<c@example.org>\r\n" + b"BDAT 3 LAST\r\nx\r\n"
    host = Host(b"PIPELINING", b"CHUNKING").hears(envelope, b"250 a\r\n550 b\r\n")
    first, second = await sent(host, b"x\r\n", recipients=2)
    assert isinstance(first, Bounced)
    assert isinstance(second, Deferred)
    assert second.diagnosis.uncertain


async def test_what_is_larger_than_the_limit_waits_for_the_envelope(autojump_clock: MockClock) -> None:
    for answers, expected in ((b"250 a\r\n250 b\r\n", None), (b"250 a\r\n550 b\r\n", Kind.RECIPIENT_REJECTED)):
        host = Host(b"PIPELINING", b"CHUNKING").hears(ENVELOPE, answers)
        if expected is None:
            host.hears(b"BDAT 3 LAST\r\nx\r\n", b"250 c\r\n")
        assert kind((await sent(host, b"x\r\n", one_write_bytes=2))[0]) is expected
        assert b"BDAT" not in host.rest


async def test_a_large_message_goes_chunk_by_chunk_without_waiting_for_each(autojump_clock: MockClock) -> None:
    chunks = b"BDAT 1000\r\n" + BLOCKS[0] + b"BDAT 500\r\n" + BLOCKS[1]
    host = (
        Host(b"PIPELINING", b"CHUNKING")
        .hears(ENVELOPE, b"250 a\r\n250 b\r\n")
        .hears(chunks, b"250 c\r\n250 d\r\n")
        .hears(b"BDAT 10 LAST\r\n" + BLOCKS[2], b"250 e\r\n")
    )
    assert kind((await sent(host, in_blocks(BLOCKS)))[0]) is None


async def test_without_pipelining_each_chunk_waits_for_the_one_before(autojump_clock: MockClock) -> None:
    host = (
        Host(b"CHUNKING")
        .hears(b"MAIL FROM:<>\r\n", b"250 a\r\n")
        .hears(b"RCPT TO:<b@example.org>\r\n", b"250 b\r\n")
        .hears(b"BDAT 1000\r\n" + BLOCKS[0], b"250 c\r\n")
        .hears(b"BDAT 500\r\n" + BLOCKS[1], b"250 c\r\n")
        .hears(b"BDAT 10 LAST\r\n" + BLOCKS[2], b"250 d\r\n")
    )
    assert kind((await sent(host, in_blocks(BLOCKS)))[0]) is None


async def test_a_chunk_that_is_refused_ends_it_and_the_connection(autojump_clock: MockClock) -> None:
    host = (
        Host(b"PIPELINING", b"CHUNKING")
        .hears(ENVELOPE, b"250 a\r\n250 b\r\n")
        .hears(b"BDAT 1000\r\n" + BLOCKS[0], b"552 5.3.4 enough\r\n")
    )
    (outcome,) = await sent(host, in_blocks(BLOCKS))
    assert isinstance(outcome, Bounced)
    assert (outcome.diagnosis.kind, outcome.diagnosis.phase) == (Kind.TOO_LARGE, Phase.DATA)
    assert b"QUIT" not in host.rest
    assert b"LAST" not in host.rest


async def test_no_more_than_a_few_chunks_are_under_way_without_a_reply(autojump_clock: MockClock) -> None:
    host = Host(b"PIPELINING", b"CHUNKING").hears(ENVELOPE, b"250 a\r\n250 b\r\n")
    (outcome,) = await sent(host, in_blocks([b"x" * 100] * 50))
    assert host.rest.count(b"BDAT") == 9
    assert isinstance(outcome, Deferred)
    assert (outcome.diagnosis.kind, outcome.diagnosis.uncertain) == (Kind.TIMEOUT, False)
