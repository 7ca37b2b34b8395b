"""Transactions with hosts that follow a script, down to the octet."""

from contextlib import nullcontext

import pytest
from trio.testing import MockClock

from empath.delivery import Attempt, Shipment
from empath.mail.diagnosis import Kind
from empath.mail.envelope import Envelope, Recipient
from empath.mail.outcome import Bounced, Deferred, Delivered, Outcome
from empath.smtp import Address
from tests.delivery.test_hop import Script, dialled, dialling, saying

HELLO = (b"220 hi\r\n", b"250-hello\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250 8BITMIME\r\n")
ONE_WRITE = 1 << 16
PLAIN = (b"220 hi\r\n", b"250 hello\r\n")


async def attempted(script: Script, *recipients: str, size_bytes: int = 5) -> list[Outcome]:
    """What an attempt comes to for each recipient, in their order."""
    addresses = [Address.parse(one) for one in recipients or ("b@example.org",)]
    envelope = Envelope(
        reverse_path=None,
        recipients=tuple(Recipient(one) for one in addresses),
        received=0,
    )
    ordinals = tuple(range(len(addresses)))
    shipment = Shipment(envelope=envelope, ordinals=ordinals, size_bytes=size_bytes, content=b"x\r\n" * 2)
    async with dialling(script) as some:
        outcomes = await Attempt(await dialled(some), shipment, lambda _: nullcontext(), ONE_WRITE).run()
    return [outcomes[ordinal] for ordinal in ordinals]


def kinds(outcomes: list[Outcome]) -> list[Kind | None]:
    return [None if isinstance(one, Delivered) else one.diagnosis.kind for one in outcomes]


async def test_the_envelope_leaves_in_one_write_and_each_reply_finds_its_recipient(autojump_clock: MockClock) -> None:
    script = saying(*HELLO, b"250 a\r\n250 b\r\n550 c\r\n450 d\r\n354 e\r\n", b"250 f\r\n")
    outcomes = await attempted(script, "a@example.org", "b@example.org", "c@example.org")
    assert kinds(outcomes) == [None, Kind.RECIPIENT_REJECTED, Kind.RECIPIENT_DEFERRED]


async def test_a_refused_message_is_refused_for_all_that_were_accepted(autojump_clock: MockClock) -> None:
    script = saying(*HELLO, b"250 a\r\n550 b\r\n250 c\r\n354 e\r\n", b"554 no\r\n")
    assert kinds(await attempted(script, "a@example.org", "b@example.org")) == [
        Kind.RECIPIENT_REJECTED,
        Kind.MESSAGE_REJECTED,
    ]


async def test_where_nobody_is_left_only_the_dot_is_sent_and_its_reply_means_nothing(
    autojump_clock: MockClock,
) -> None:
    script = saying(*HELLO, b"250 a\r\n550 b\r\n354 e\r\n", b"250 taken, really\r\n")
    (outcome,) = await attempted(script)
    assert isinstance(outcome, Bounced)


async def test_421_defers_those_that_nobody_has_judged(autojump_clock: MockClock) -> None:
    script = saying(*HELLO, b"250 a\r\n250 b\r\n421 bye\r\n")
    assert kinds(await attempted(script, "a@example.org", "b@example.org")) == [Kind.BUSY, Kind.BUSY]


@pytest.mark.parametrize(
    "replies",
    [
        (b"250 a\r\n250 b\r\n250 no 354\r\n",),
        (b"250 a\r\n250 b\r\n354 go\r\n250 before the dot\r\n",),
        (b"250 a\r\n250 b\r\n354 go\r\n", b"garbage\r\n"),
        (b"250 a\r\n" + b"250-b\r\n" * 100_000,),
    ],
    ids=["no-354", "early", "garbage", "endless"],
)
async def test_what_is_no_answer_is_never_taken_for_one(autojump_clock: MockClock, replies: tuple[bytes, ...]) -> None:
    (outcome,) = await attempted(saying(*HELLO, *replies))
    assert isinstance(outcome, Deferred)
    assert outcome.diagnosis.kind is Kind.PROTOCOL


async def test_without_pipelining_a_refused_sender_ends_it(autojump_clock: MockClock) -> None:
    assert kinds(await attempted(saying(*PLAIN, b"550 no\r\n"))) == [Kind.MESSAGE_REJECTED]


async def test_without_pipelining_no_data_is_sent_for_nobody(autojump_clock: MockClock) -> None:
    assert kinds(await attempted(saying(*PLAIN, b"250 a\r\n", b"550 b\r\n"))) == [Kind.RECIPIENT_REJECTED]


async def test_what_a_host_cannot_take_is_not_offered(autojump_clock: MockClock) -> None:
    assert kinds(await attempted(saying(*HELLO), size_bytes=1001)) == [Kind.TOO_LARGE]
