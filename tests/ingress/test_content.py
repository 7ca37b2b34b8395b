"""What is done to content on its way in, whether it fits into memory or not."""

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from empath.config.schema import LimitSettings, ListenerSettings, Profile
from empath.ingress.incoming import Incoming
from empath.mail.envelope import Envelope, Origin, Recipient
from empath.mail.header_section import SectionGate
from empath.mail.headers import fields, received, split
from empath.mail.ids import MessageId
from empath.smtp import Address
from tests.ingress.stage import ENTRANCE, ENVELOPE, Stage, stage

LISTENER = ListenerSettings(listen_addr=ENTRANCE)
BOTH = pytest.mark.parametrize("inline_limit_bytes", [50, 1_000_000])


async def sent(place: Stage, content: bytes, *, bdat: bool = False) -> bytes:
    """The reply to the end of a message."""
    talk = await place.greeted()
    if bdat:
        await talk.codes(ENVELOPE, 2)
        await talk.write(b"BDAT %d LAST\r\n%b" % (len(content), content))
    else:
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        await talk.write(content + b".\r\n")
    return await talk.reply() or b""


async def stored(place: Stage) -> bytes:
    """The last message without our trace field."""
    content = await place.content(place.spool.accepted[-1])
    assert content.startswith(b"Received: from client.example")
    return content.partition(b"+0000\r\n")[2]


@BOTH
@pytest.mark.parametrize("bdat", [False, True])
async def test_return_path_goes_and_all_else_stays(
    autojump_clock: MockClock, inline_limit_bytes: int, bdat: bool
) -> None:
    async with stage(inline_limit_bytes=inline_limit_bytes) as place:
        content = b"Return-Path: <evil@far.example>\r\nSubject: x\r\nRETURN-PATH :\r\n\t<y@z>\r\nTo: u\r\n\r\n"
        body = b"Return-Path: <body>\r\n" * 20
        assert (await sent(place, content + body, bdat=bdat)).startswith(b"250")
        assert await stored(place) == b"Subject: x\r\nTo: u\r\n\r\n" + body


@BOTH
@pytest.mark.parametrize(
    ("bomb", "said"),
    [
        (b"A: b\r\n" * 60_000, b"552 5.3.4"),
        (b"A: b\r\n" * 101 + b"\r\nbody\r\n", b"552 5.3.4"),
        (b"A:" + (b" " + b"(" * 900 + b"\r\n") * 1100 + b"\r\nbody\r\n", b"552 5.3.4"),
        (b"To:" + b" a@b,\r\n" * 150_000 + b"\r\n", b"552 5.3.4"),
    ],
)
async def test_a_header_bomb_is_refused_when_it_has_ended_and_leaves_nothing(
    autojump_clock: MockClock, inline_limit_bytes: int, bomb: bytes, said: bytes
) -> None:
    limits = LimitSettings(max_header_size_bytes=100_000, max_header_fields=100)
    async with stage(inline_limit_bytes=inline_limit_bytes, limits=limits) as place:
        assert (await sent(place, bomb)).startswith(said)
        assert place.spool.accepted == []
        assert (await sent(place, b"A: b\r\n" * 100 + b"\r\nbody\r\n")).startswith(b"250")


@BOTH
@pytest.mark.parametrize("profile", [Profile.RELAY, Profile.SUBMISSION])
async def test_a_first_line_that_would_go_on_with_our_field_becomes_body(
    autojump_clock: MockClock, inline_limit_bytes: int, profile: Profile
) -> None:
    listener = evolve(LISTENER, profile=profile)
    async with stage(inline_limit_bytes=inline_limit_bytes, listener=listener) as place:
        content = b" by forged\r\nReturn-Path: <evil@far.example>\r\n" + b"Received: x\r\n" * 60 + b"\r\nbody\r\n"
        assert (await sent(place, content)).startswith(b"250")
        section, body = split(await place.content(place.spool.accepted[-1]))
        assert body == content
        assert [one.name for one in fields(section)][:1] == [b"received"]
        assert b"forged" not in section


@BOTH
async def test_hops_are_counted_in_the_whole_section(autojump_clock: MockClock, inline_limit_bytes: int) -> None:
    trace = b"Received: from a\r\n by b; today\r\n"
    async with stage(inline_limit_bytes=inline_limit_bytes, limits=LimitSettings(max_hops=50)) as place:
        assert (await sent(place, trace * 50 + b"\r\nx\r\n")).startswith(b"250")
        assert (await sent(place, trace * 51 + b"\r\nx\r\n")).startswith(b"554 5.4.6")


@pytest.mark.parametrize("header", [b"Subject: x\r\n", b"From: a@b\r\nX: y\r\nfrom : c@d\r\n", b""])
async def test_where_one_from_is_required_none_and_several_are_refused(
    autojump_clock: MockClock, header: bytes
) -> None:
    async with stage(listener=evolve(LISTENER, require_single_from=True)) as place:
        assert (await sent(place, header + b"\r\nFrom: body\r\n")).startswith(b"550 5.6.0")
        assert (await sent(place, b"From: a@b\r\n" + header.replace(b"rom", b"orm") + b"\r\nx\r\n")).startswith(b"250")
    async with stage() as place:
        assert (await sent(place, header + b"\r\nFrom: body\r\n")).startswith(b"250")


async def test_a_message_too_large_is_refused_at_mail_if_declared_and_else_at_its_end(
    autojump_clock: MockClock,
) -> None:
    async with stage(listener=evolve(LISTENER, max_message_size_bytes=5000), inline_limit_bytes=1000) as place:
        talk = await place.greeted()
        await talk.write(b"MAIL FROM:<a@client.example> SIZE=5001\r\n")
        assert (await talk.reply() or b"").startswith(b"552 5.3.4")
        content = b"Subject: x\r\n\r\n" + b"y" * 70 + b"\r\n"
        for bdat in (False, True):
            assert (await sent(place, content + b"z" * 5000 + b"\r\n", bdat=bdat)).startswith(b"552 5.3.4")
        assert place.spool.accepted == []
        assert (await sent(place, content)).startswith(b"250")


LINES = st.lists(
    st.sampled_from([b"Subject: x", b" folded", b"", b".", b"..x", b"no field", b"\xff\xfe\x01", b"A:" + b"y" * 300]),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(LINES, st.integers(0, 2000), st.lists(st.integers(1, 60), min_size=1, max_size=5))
async def test_every_octet_arrives_however_it_comes(lines: list[bytes], inline: int, sizes: list[int]) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    origin = Origin(client_ip=None, hello="a.example", protocol="ESMTP", listener="mx")
    envelope = Envelope(
        reverse_path=None, recipients=(Recipient(Address.parse("a@b.example")),), received=1.0, origin=origin
    )
    async with stage() as place:
        incoming = Incoming(
            place.spool,
            MessageId(1, 1),
            envelope,
            "mx.empath.example",
            inline,
            gate=SectionGate(5000, 50),
        )
        rest, turn = content, 0
        while rest:
            size = sizes[turn % len(sizes)]
            await incoming.write(rest[:size])
            rest, turn = rest[size:], turn + 1
        await incoming.end()
        await incoming.accept()
        kept = await place.content(place.spool.accepted[-1])
    # A first line that would go on with our field is kept apart from it.
    between = b"\r\n" if content.startswith(b" ") else b""
    assert kept == received(envelope, MessageId(1, 1), hostname="mx.empath.example") + between + content
