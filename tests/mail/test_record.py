"""Envelopes and diagnoses as bytes."""

import zlib
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.envelope import Envelope, Origin, Recipient
from empath.mail.failure import DamagedRecord
from empath.mail.progress import Progress, decode_progress, encode_progress
from empath.mail.record import decode_envelope, encode_envelope
from empath.mail.sealing import SCHEMA
from empath.smtp import (
    Address,
    Body,
    ByMode,
    DeliverBy,
    EnhancedCode,
    MailParams,
    Notify,
    OriginalRecipient,
    RcptParams,
    Reply,
    Return,
)

ADDRESSES = st.sampled_from(
    ["ann@example.org", '"a b@c"@example.org', "x@[192.0.2.1]", "x@[IPv6:2001:db8::1]", "jörg@bücher.example", "A@B.C"]
).map(Address.parse)
TEXT = st.text(max_size=40)
MAYBE_TEXT = st.none() | TEXT
ZONES = st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours)))
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=ZONES)
PARAMS = st.builds(
    MailParams,
    size=st.none() | st.integers(0, (1 << 63) - 1),
    body=st.none() | st.sampled_from(Body),
    smtputf8=st.booleans(),
    auth=MAYBE_TEXT,
    ret=st.none() | st.sampled_from(Return),
    envid=MAYBE_TEXT,
    requiretls=st.booleans(),
    mt_priority=st.none() | st.integers(-9, 9),
    hold_for_s=st.none() | st.integers(0, 999_999_999),
    hold_until=st.none() | MOMENTS,
    by=st.none() | st.builds(DeliverBy, st.integers(-999, 999), st.sampled_from(ByMode), st.booleans()),
)
NOTIFIES = st.sampled_from([Notify.NEVER, Notify.SUCCESS, Notify.FAILURE | Notify.DELAY, ~Notify.NEVER])
RECIPIENTS = st.builds(
    Recipient,
    ADDRESSES,
    st.builds(RcptParams, notify=st.none() | NOTIFIES, orcpt=st.none() | st.builds(OriginalRecipient, TEXT, TEXT)),
)
ORIGINS = st.builds(
    Origin,
    client_ip=MAYBE_TEXT,
    hello=TEXT,
    protocol=TEXT,
    listener=TEXT,
    tls_version=MAYBE_TEXT,
    tls_cipher=MAYBE_TEXT,
    user=MAYBE_TEXT,
)
ENVELOPES = st.builds(
    Envelope,
    reverse_path=st.none() | ADDRESSES,
    recipients=st.lists(RECIPIENTS, max_size=3).map(tuple),
    received=st.floats(0, 1e11),
    params=PARAMS,
    origin=st.none() | ORIGINS,
)
CODES = st.builds(EnhancedCode, st.sampled_from([4, 5]), st.integers(0, 999), st.integers(0, 999))
DIAGNOSES = st.builds(
    Diagnosis,
    kind=st.sampled_from(Kind),
    phase=st.sampled_from(Phase),
    host=MAYBE_TEXT,
    text=TEXT,
    reply=st.none()
    | st.builds(Reply, st.integers(400, 559), st.lists(TEXT, min_size=1, max_size=3).map(tuple), st.none() | CODES),
)
ENVELOPE = Envelope(
    reverse_path=Address.parse("billing@example.com"),
    recipients=(Recipient(Address.parse("ann@example.org")),),
    received=1762772405.25,
)


@given(ENVELOPES)
def test_an_envelope_comes_back_as_it_was(envelope: Envelope) -> None:
    again = decode_envelope(encode_envelope(envelope))
    assert again == envelope
    assert [recipient.address.wire for recipient in again.recipients] == [r.address.wire for r in envelope.recipients]


@given(st.builds(Progress, last=DIAGNOSES, warned=st.booleans()))
def test_the_progress_of_a_delivery_comes_back_as_it_was(progress: Progress) -> None:
    assert decode_progress(encode_progress(progress)) == progress


PROGRESS_OF_THE_FIRST_VERSION = bytes.fromhex(
    "0130b4879596b2726563697069656e745f6465666572726564a47263707493040701ae6d782e6578616d706c652e6f7267a093cd01c391"
    "aa477265796c697374656493040701"
)


def test_the_progress_that_the_first_version_stored_is_read_and_nobody_was_warned_then() -> None:
    progress = decode_progress(PROGRESS_OF_THE_FIRST_VERSION)
    assert not progress.warned
    assert str(progress.last) == "mx.example.org (rcpt): 451 4.7.1 Greylisted"


OF_THE_FIRST_VERSION = bytes.fromhex(
    "013cfd78bb95cb41da44716d500000c41362696c6c696e67406578616d706c652e636f6d9193c40f616e6e406578616d706c652e6f72670292"
    "a6726663383232b173616c6573406578616d706c652e6f726797a93139322e302e322e31a9632e6578616d706c65a745534d54505341a26d78"
    "a7544c5376312e33b6544c535f4145535f3132385f47434d5f534841323536a3616e6e9b07a8384249544d494d45c2c0a448445253a178c3fd"
    "c0d6ff70dbd88093cd0258a152c3"
)


def test_what_was_stored_by_the_first_version_is_read_by_every_later_one() -> None:
    envelope = decode_envelope(OF_THE_FIRST_VERSION)
    assert (str(envelope.reverse_path), envelope.received) == ("billing@example.com", 1762772405.25)
    orcpt = OriginalRecipient("rfc822", "sales@example.org")
    expected = Recipient(Address.parse("ann@example.org"), RcptParams(notify=Notify.FAILURE, orcpt=orcpt))
    assert envelope.recipients == (expected,)
    assert envelope.params == MailParams(
        size=7,
        body=Body.EIGHT_BIT,
        ret=Return.HEADERS,
        envid="x",
        requiretls=True,
        mt_priority=-3,
        hold_until=datetime(2030, 1, 1, tzinfo=UTC),
        by=DeliverBy(600, ByMode.RETURN, trace=True),
    )
    assert envelope.origin is not None
    assert (envelope.origin.protocol, envelope.origin.user) == ("ESMTPSA", "ann")


def test_an_absurd_size_does_not_keep_a_message_from_being_stored() -> None:
    envelope = Envelope(reverse_path=None, recipients=(), received=0.0, params=MailParams(size=10**20 - 1))
    assert decode_envelope(encode_envelope(envelope)).params.size == (1 << 63) - 1


def test_the_bare_postmaster_comes_back() -> None:
    envelope = Envelope(reverse_path=None, recipients=(Recipient(Address(b"Postmaster", None)),), received=0.0)
    assert decode_envelope(encode_envelope(envelope)) == envelope


def test_a_moment_comes_back_as_the_same_moment_in_utc() -> None:
    until = datetime(2030, 1, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    envelope = Envelope(reverse_path=None, recipients=(), received=0.0, params=MailParams(hold_until=until))
    again = decode_envelope(encode_envelope(envelope)).params.hold_until
    assert again == until
    assert again is not None
    assert again.tzinfo == UTC


def test_every_changed_bit_is_noticed() -> None:
    record = encode_envelope(ENVELOPE)
    for place in range(len(record)):
        for bit in range(8):
            damaged = bytearray(record)
            damaged[place] ^= 1 << bit
            with pytest.raises(DamagedRecord):
                decode_envelope(bytes(damaged))


def test_every_cut_is_noticed() -> None:
    record = encode_envelope(ENVELOPE)
    for end in range(len(record)):
        with pytest.raises(DamagedRecord):
            decode_envelope(record[:end])


@given(st.binary(max_size=80))
def test_any_bytes_are_a_damaged_record_and_nothing_worse(garbage: bytes) -> None:
    with pytest.raises(DamagedRecord):
        decode_envelope(garbage)
    with pytest.raises(DamagedRecord):
        decode_progress(garbage)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"received": 1.0},
        [1.0, b"no address", [], None, None],
        [1.0, b"a@example.org", [[b"\xff@x"]], None, None],
        [1.0, None, [[b"a@example.org", 64]], None, None],
        [1.0, None, [], None, [None] * 2],
    ],
)
def test_a_record_that_checks_and_makes_no_sense_is_damaged_too(value: object) -> None:
    payload = msgspec.msgpack.encode(value)
    with pytest.raises(DamagedRecord):
        decode_envelope(sealed(payload, SCHEMA))


def test_a_record_of_a_later_version_says_so() -> None:
    with pytest.raises(DamagedRecord, match="schema 9"):
        decode_envelope(sealed(b"\x90", 9))


def test_the_progress_of_a_delivery_is_no_envelope() -> None:
    with pytest.raises(DamagedRecord):
        decode_envelope(encode_progress(Progress(last=Diagnosis(kind=Kind.DNS, phase=Phase.ROUTE))))


def sealed(payload: bytes, schema: int) -> bytes:
    return bytes([schema]) + zlib.crc32(payload, schema).to_bytes(4, "big") + payload
