"""Connections that a proxy forwards: who the client is, and what happens when nobody says so."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network

import pytest
import trio
import trustme
from trio.testing import MockClock, wait_all_tasks_blocked

from empath.config.schema import ListenerSettings, ListenerTls
from empath.ingress import Admission
from empath.mail import SessionOpened
from empath.mail.record import decode_envelope
from empath.world.errors import ConnectionLost
from empath.world.tls import TlsContext, opportunistic_context
from tests.ingress.stage import CLIENT, ENTRANCE, ENVELOPE, Stage, Talk, stage
from tests.smtp.test_proxy import block, v2

PROXY = "192.0.2.77"
NEIGHBOUR = "192.0.2.78"
SENDER = "198.51.100.7"
BEHIND = b"PROXY TCP4 198.51.100.7 192.0.2.1 4711 25\r\n"
TRUSTED = f"PROXY TCP4 {CLIENT} 192.0.2.1 4711 25\r\n".encode()


@pytest.fixture(scope="module")
def certificate() -> TlsContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.empath.example").configure_cert(context)
    return context


@asynccontextmanager
async def behind_proxy(
    *, admission: Admission | None = None, tls: TlsContext | None = None, relayed: str = "192.0.2.0/26"
) -> AsyncIterator[Stage]:
    """A listener with one proxy before it, beside clients of its own."""
    listener = ListenerSettings(
        listen_addr=ENTRANCE,
        tls=ListenerTls.IMPLICIT if tls else ListenerTls.NONE,
        proxy_protocol_from=(ip_network(PROXY), ip_network(relayed)),
    )
    async with stage(listener=listener, admission=admission, tls=tls) as place:
        yield place


@pytest.mark.parametrize("header", [BEHIND, v2(block())], ids=["version 1", "version 2"])
async def test_the_client_is_the_one_that_the_proxy_names(autojump_clock: MockClock, header: bytes) -> None:
    async with behind_proxy() as place:
        talk = await place.connect(PROXY)
        assert await talk.code(header) == b"220"
        (opened,) = place.said(SessionOpened)
        assert opened.client_ip == (SENDER if header is BEHIND else "192.0.2.7")


async def test_trust_and_trace_are_of_the_client_and_not_of_the_proxy(autojump_clock: MockClock) -> None:
    async with behind_proxy() as place:
        stranger, known = await place.connect(PROXY), await place.connect(PROXY)
        for talk, header in ((stranger, BEHIND), (known, TRUSTED)):
            assert await talk.code(header) == b"220"
            assert await talk.code(b"EHLO a\r\n") == b"250"
        assert await stranger.codes(ENVELOPE, 2) == [b"250", b"550"]
        assert await known.codes(ENVELOPE + b"DATA\r\n", 3) == [b"250", b"250", b"354"]
        assert await known.code(b"Subject: x\r\n\r\n.\r\n") == b"250"
        (kept,) = place.spool.accepted
        origin = decode_envelope(kept.envelope).origin
        assert origin is not None
        assert origin.client_ip == CLIENT
        assert (await place.content(kept)).startswith(f"Received: from a ([{CLIENT}])".encode())


async def test_nothing_is_said_before_the_header_is_complete(autojump_clock: MockClock) -> None:
    async with behind_proxy() as place:
        talk = await place.connect(PROXY)
        for octet in BEHIND[:-1]:
            await talk.write(bytes([octet]))
            await wait_all_tasks_blocked()
        assert place.said(SessionOpened) == []
        assert await talk.code(BEHIND[-1:]) == b"220"


@pytest.mark.parametrize(
    "header",
    [v2(b"", command=0x20, family=0), v2(b"", family=0), b"PROXY UNKNOWN\r\n"],
    ids=["LOCAL", "UNSPEC", "UNKNOWN"],
)
async def test_a_proxy_that_speaks_for_itself_is_served_and_trusted_with_nothing(
    autojump_clock: MockClock, header: bytes
) -> None:
    # Even a proxy that could relay, if it came without a header, cannot.
    listener = ListenerSettings(listen_addr=ENTRANCE, proxy_protocol_from=(ip_network(CLIENT),))
    async with stage(listener=listener) as place:
        talk = await place.connect(CLIENT)
        assert await talk.code(header) == b"220"
        assert await talk.code(b"EHLO check\r\n") == b"250"
        assert await talk.codes(ENVELOPE, 2) == [b"250", b"550"]
        (opened,) = place.said(SessionOpened)
        assert opened.client_ip is None


@pytest.mark.parametrize(
    "octets",
    [b"EHLO client.example\r\n", b"GET / HTTP/1.1\r\nHost: mx\r\n\r\n", b"PROXY TCP4 x y 1 2\r\n", v2(b"")],
    ids=["SMTP", "HTTP", "malformed", "too short"],
)
async def test_a_proxy_without_a_valid_header_is_closed_without_a_word(
    autojump_clock: MockClock, octets: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with behind_proxy() as place:
        talk = await place.connect(PROXY)
        await talk.write(octets)
        with suppress(ConnectionLost):  # as far as it has sent more than was read
            assert await talk.line() is None
        assert f"{PROXY} is among the proxies, and sent no header" in caplog.text
        assert place.said(SessionOpened) == []


async def test_a_header_that_does_not_come_is_not_waited_for(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with behind_proxy() as place:
        talk, before = await place.connect(PROXY), trio.current_time()
        await talk.write(BEHIND[:20])
        assert await talk.line() is None
        assert trio.current_time() - before == pytest.approx(5)
        assert "sent no header in 5 seconds" in caplog.text


async def test_a_connection_that_is_closed_at_once_is_no_news(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with behind_proxy() as place:
        talk = await place.connect(PROXY)
        assert isinstance(talk.stream, trio.abc.HalfCloseableStream)
        await talk.stream.send_eof()
        assert await talk.line() is None
        assert caplog.text == ""


async def test_whoever_is_no_proxy_is_a_direct_client_whatever_it_sends(autojump_clock: MockClock) -> None:
    async with behind_proxy() as place:
        talk = await place.connect(NEIGHBOUR)
        assert await talk.code() == b"220"
        assert await talk.code(TRUSTED) == b"500"
        (opened,) = place.said(SessionOpened)
        assert opened.client_ip == NEIGHBOUR


async def test_the_header_comes_before_tls(autojump_clock: MockClock, certificate: TlsContext) -> None:
    async with behind_proxy(tls=certificate) as place:
        talk = await place.connect(PROXY)
        await talk.write(BEHIND)
        await talk.start_tls(opportunistic_context())
        assert await talk.code() == b"220"
        (opened,) = place.said(SessionOpened)
        assert opened.client_ip == SENDER


async def test_each_client_behind_a_proxy_has_the_limits_of_an_address(autojump_clock: MockClock) -> None:
    async with behind_proxy(admission=Admission(10, 1)) as place:
        talks = [await place.connect(PROXY) for _ in range(3)]
        assert await talks[0].code(BEHIND) == b"220"
        assert await talks[1].code(BEHIND) == b"421"
        assert await talks[2].code(TRUSTED) == b"220"


async def test_connections_that_have_no_client_yet_count_among_all_and_for_nobody(autojump_clock: MockClock) -> None:
    admission = Admission(3, 1)
    async with behind_proxy(admission=admission) as place:
        silent = [await place.connect(PROXY) for _ in range(3)]
        await wait_all_tasks_blocked()
        assert admission.open == 3
        one_more = await place.connect(PROXY)
        assert await one_more.code() == b"421"
        assert await silent[0].code(BEHIND) == b"220"
        for talk in silent[1:]:
            assert await talk.line() is None
        assert admission.open == 1


async def test_several_clients_of_one_proxy_are_told_apart(autojump_clock: MockClock) -> None:
    async with behind_proxy() as place:
        talks: list[Talk] = []
        for number in range(1, 5):
            talk = await place.connect(PROXY)
            assert await talk.code(f"PROXY TCP4 198.51.100.{number} 192.0.2.1 4711 25\r\n".encode()) == b"220"
            talks.append(talk)
        assert [fact.client_ip for fact in place.said(SessionOpened)] == [f"198.51.100.{n}" for n in range(1, 5)]
