"""XCLIENT in whole sessions: who may say it, and what is then believed."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest
import trustme
from trio.testing import MockClock

from empath.config.schema import ListenerSettings, ListenerTls
from empath.hooks import Event
from empath.mail import ClientIntroduced, MessageAccepted
from empath.mail.envelope import Origin
from empath.world.tls import opportunistic_context
from tests.ingress.stage import CLIENT, ENTRANCE, ENVELOPE, STRANGER, Stage, Talk, stage
from tests.ingress.test_hooks import NO, Opinions

FILTER = "192.0.2.77"
SENDER = "198.51.100.7"
HELLO = b"EHLO filter.example\r\n"


@asynccontextmanager
async def behind_filter() -> AsyncIterator[Stage]:
    """A listener with one filter before it that may speak for others."""
    listener = ListenerSettings(
        listen_addr=ENTRANCE,
        xclient_from=(ip_network(FILTER),),
        proxy_protocol_from=(ip_network("192.0.2.90"),),
    )
    async with stage(listener=listener) as place:
        yield place


async def send(talk: Talk, recipient: bytes = b"b@ours.example") -> None:
    """Send a message that is accepted."""
    envelope = b"MAIL FROM:<a@client.example>\r\nRCPT TO:<%b>\r\nDATA\r\n" % recipient
    assert await talk.codes(envelope, 3) == [b"250", b"250", b"354"]
    assert await talk.code(b"Subject: x\r\n\r\n.\r\n") == b"250"


def origin(place: Stage) -> Origin:
    (fact,) = place.said(MessageAccepted)
    assert fact.envelope.origin is not None
    return fact.envelope.origin


async def test_it_is_offered_to_those_who_may_say_it_and_to_nobody_else(autojump_clock: MockClock) -> None:
    async with behind_filter() as place:
        for source, offered in ((FILTER, True), (CLIENT, False), (STRANGER, False)):
            talk = await place.connect(source)
            await talk.code()
            await talk.write(HELLO)
            lines = [await talk.line()]
            while (lines[-1] or b"").startswith(b"250-"):
                lines.append(await talk.line())
            offer = b" XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"
            assert any((line or b"").endswith(offer) for line in lines) is offered


async def test_it_is_refused_to_a_stranger(autojump_clock: MockClock) -> None:
    async with behind_filter() as place:
        talk = await place.greeted(STRANGER)
        assert await talk.reply_to(f"XCLIENT ADDR={CLIENT}\r\n".encode()) == b"550 5.7.0 not for you"
        assert await talk.codes(ENVELOPE, 2) == [b"250", b"550"]


async def test_the_session_begins_anew_for_the_other_client(autojump_clock: MockClock) -> None:
    async with behind_filter() as place:
        talk = await place.greeted(FILTER)
        line = await talk.reply_to(b"XCLIENT ADDR=198.51.100.7 NAME=client.example HELO=client.example PROTO=SMTP\r\n")
        assert line == b"220 mx.empath.example ESMTP"
        assert await talk.code(b"MAIL FROM:<>\r\n") == b"503"
        assert await talk.code(HELLO) == b"250"
        await send(talk)
        assert (origin(place).client_ip, origin(place).hello, origin(place).protocol) == (
            SENDER,
            "client.example",
            "SMTP",
        )
        (kept,) = place.spool.accepted
        assert (await place.content(kept)).startswith(b"Received: from client.example ([198.51.100.7])\r\n")
        assert [(fact.client_ip, fact.login) for fact in place.said(ClientIntroduced)] == [(SENDER, None)]


async def test_what_was_not_said_comes_from_the_session_itself(autojump_clock: MockClock) -> None:
    async with behind_filter() as place:
        talk = await place.greeted(FILTER)
        assert await talk.codes(b"XCLIENT PORT=4711\r\n", 1) == [b"220"]
        for line in (b"HELO filter.example", b"MAIL FROM:<a@client.example>", b"RCPT TO:<b@ours.example>"):
            assert await talk.code(line + b"\r\n") == b"250"
        assert await talk.code(b"DATA\r\n") == b"354"
        assert await talk.code(b"Subject: x\r\n\r\n.\r\n") == b"250"
        assert (origin(place).client_ip, origin(place).hello, origin(place).protocol) == (
            FILTER,
            "filter.example",
            "SMTP",
        )


async def test_the_other_client_is_trusted_as_itself(autojump_clock: MockClock) -> None:
    async with behind_filter() as place:
        talk = await place.greeted(FILTER)
        assert await talk.codes(ENVELOPE, 2) == [b"250", b"550"]
        assert await talk.codes(b"RSET\r\n", 1) == [b"250"]
        assert await talk.codes(f"XCLIENT ADDR={CLIENT}\r\n".encode(), 1) == [b"220"]
        assert await talk.codes(HELLO, 1) == [b"250"]
        await send(talk, b"b@anywhere.example")


async def test_a_client_whose_address_is_unavailable_is_trusted_with_nothing(autojump_clock: MockClock) -> None:
    listener = ListenerSettings(listen_addr=ENTRANCE, xclient_from=(ip_network(CLIENT),))
    async with stage(listener=listener) as place:
        talk = await place.greeted(CLIENT)
        assert await talk.codes(b"XCLIENT ADDR=[UNAVAILABLE]\r\n", 1) == [b"220"]
        assert await talk.codes(HELLO, 1) == [b"250"]
        assert await talk.codes(ENVELOPE, 2) == [b"250", b"550"]


async def test_it_may_be_said_again_by_who_might_say_it_at_first(autojump_clock: MockClock) -> None:
    async with behind_filter() as place:
        talk = await place.greeted(FILTER)
        for address in (SENDER, CLIENT):
            assert await talk.codes(f"XCLIENT ADDR={address}\r\n".encode(), 1) == [b"220"]
            assert await talk.codes(HELLO, 1) == [b"250"]
        assert [fact.client_ip for fact in place.said(ClientIntroduced)] == [SENDER, CLIENT]


async def test_to_name_an_address_that_may_say_it_gives_nobody_the_right(autojump_clock: MockClock) -> None:
    async with behind_filter() as place:
        talk = await place.connect("192.0.2.90")
        assert await talk.code(b"PROXY TCP4 198.51.100.7 192.0.2.1 4711 25\r\n") == b"220"
        assert await talk.code(HELLO) == b"250"
        assert await talk.code(f"XCLIENT ADDR={FILTER}\r\n".encode()) == b"550"


async def test_a_login_is_taken_over(autojump_clock: MockClock) -> None:
    async with behind_filter() as place:
        talk = await place.greeted(FILTER)
        assert await talk.codes(b"XCLIENT LOGIN=Ann ADDR=198.51.100.7\r\n", 1) == [b"220"]
        assert [(fact.client_ip, fact.login) for fact in place.said(ClientIntroduced)] == [(SENDER, "ann")]
        assert await talk.codes(HELLO, 1) == [b"250"]
        assert await talk.codes(b"XCLIENT ADDR=198.51.100.8\r\n", 1) == [b"220"]
        assert [fact.login for fact in place.said(ClientIntroduced)] == ["ann", None]


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        (b"XCLIENT ADDR=mx.example.org\r\n", b"501 5.5.4 a malformed value of ADDR"),
        (b"XCLIENT XADDR=198.51.100.7\r\n", b"501 5.5.4 an attribute that is not offered, or given twice"),
        (b"XCLIENT\r\n", b"501 5.5.4 expected XCLIENT NAME=value ..."),
    ],
)
async def test_what_is_malformed_changes_nothing(autojump_clock: MockClock, octets: bytes, answer: bytes) -> None:
    async with behind_filter() as place:
        talk = await place.greeted(FILTER)
        assert await talk.reply_to(octets) == answer
        await send(talk)
        assert origin(place).client_ip == FILTER


async def test_it_is_refused_within_a_transaction(autojump_clock: MockClock) -> None:
    async with behind_filter() as place:
        talk = await place.greeted(FILTER)
        assert await talk.codes(b"MAIL FROM:<>\r\n", 1) == [b"250"]
        assert await talk.code(b"XCLIENT ADDR=198.51.100.7\r\n") == b"503"
        assert place.said(ClientIntroduced) == []


async def test_hooks_judge_the_other_client_and_a_refusal_ends_the_session(autojump_clock: MockClock) -> None:
    opinions = Opinions()
    listener = ListenerSettings(listen_addr=ENTRANCE, xclient_from=(ip_network(FILTER),))
    async with stage(listener=listener, hooks=opinions.chain()) as place:
        talk = await place.greeted(FILTER)
        opinions.answers[Event.CONNECT] = NO
        assert await talk.code(b"XCLIENT ADDR=198.51.100.7 HELO=client.example\r\n") == b"421"
        assert await talk.line() is None
        event, facts, _ = opinions.asked[-1]
        assert (event, facts.client_ip, facts.hello) == (Event.CONNECT, SENDER, "client.example")


async def test_a_login_that_was_said_in_clear_is_forgotten_by_starttls(autojump_clock: MockClock) -> None:
    certificate = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.empath.example").configure_cert(certificate)
    listener = ListenerSettings(listen_addr=ENTRANCE, tls=ListenerTls.STARTTLS, xclient_from=(ip_network(FILTER),))
    async with stage(listener=listener, tls=certificate) as place:
        talk = await place.greeted(FILTER)
        assert await talk.code(b"XCLIENT LOGIN=ann ADDR=198.51.100.7\r\n") == b"220"
        assert await talk.code(HELLO) == b"250"
        assert await talk.code(b"STARTTLS\r\n") == b"220"
        await talk.start_tls(opportunistic_context())
        assert await talk.code(HELLO) == b"250"
        await send(talk)
        origin = place.said(MessageAccepted)[-1].envelope.origin
        assert origin is not None
        assert (origin.user, origin.client_ip) == (None, SENDER)
