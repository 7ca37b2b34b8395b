import ssl

import pytest
import trio
import trustme
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from empath.config.schema import LimitSettings, ListenerSettings, ListenerTls
from empath.mail import MessageAccepted, MessageRefused, SessionClosed, SessionOpened
from empath.mail.record import decode_envelope
from empath.policy.reception.relay import RelayPolicy
from empath.smtp import Verb
from empath.spool.contract import BodyFile, SpoolError, SpoolFull
from empath.world.errors import ConnectionLost, TlsFailed
from empath.world.tls import TlsContext, opportunistic_context
from tests.ingress.stage import ENTRANCE, ENVELOPE, STRANGER, stage


@pytest.fixture(scope="module")
def certificate() -> TlsContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.empath.example").configure_cert(context)
    return context


async def test_it_greets_with_its_name(autojump_clock: MockClock) -> None:
    async with stage() as place:
        talk = await place.connect()
        assert await talk.line() == b"220 mx.empath.example ESMTP"


async def test_replies_to_a_group_come_in_one_write(autojump_clock: MockClock) -> None:
    async with stage() as place:
        talk = await place.greeted()
        await talk.write(ENVELOPE + b"DATA\r\n")
        said = bytes(await talk.stream.receive_some())
        assert [line[:3] for line in said.splitlines()] == [b"250", b"250", b"354"]


async def test_a_message_is_accepted_with_a_trace_field_on_top_and_else_as_it_came(autojump_clock: MockClock) -> None:
    async with stage() as place:
        talk = await place.greeted()
        assert await talk.codes(ENVELOPE + b"DATA\r\n", 3) == [b"250", b"250", b"354"]
        assert await talk.code(b"Subject: x\r\n\r\n..dot\r\n.\r\n") == b"250"
        (kept,) = place.spool.accepted
        content = await place.content(kept)
        assert content.startswith(b"Received: from client.example")
        assert content.endswith(b"\r\nSubject: x\r\n\r\n.dot\r\n")
        assert kept.domains == ("anywhere.example",)


async def test_a_large_body_goes_to_a_file(autojump_clock: MockClock) -> None:
    async with stage(inline_limit_bytes=100) as place:
        talk = await place.greeted()
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        text = b"Subject: large\r\n\r\n" + b"0123456789abcdef\r\n" * 10_000
        assert await talk.code(text + b".\r\n") == b"250"
        (kept,) = place.spool.accepted
        assert isinstance(kept.body, BodyFile)
        assert (await place.content(kept)).endswith(text)


async def test_a_chunked_message_is_accepted(autojump_clock: MockClock) -> None:
    async with stage() as place:
        talk = await place.greeted()
        assert await talk.codes(ENVELOPE + b"BDAT 3\r\na\r\nBDAT 3 LAST\r\nb\r\n", 4) == [b"250"] * 4
        (kept,) = place.spool.accepted
        assert (await place.content(kept)).endswith(b"\r\na\r\nb\r\n")


async def test_a_refused_chunk_leaves_nothing_to_the_next_transaction(autojump_clock: MockClock) -> None:
    async with stage(listener=ListenerSettings(listen_addr=ENTRANCE, max_message_size_bytes=10)) as place:
        talk = await place.greeted()
        assert (await talk.codes(ENVELOPE + b"BDAT 20\r\n" + b"x" * 20, 3))[2] == b"552"
        await talk.codes(b"RSET\r\n" + ENVELOPE.replace(b"b@", b"c@") + b"BDAT 3 LAST\r\ny\r\n", 4)
        (kept,) = place.spool.accepted
        assert [str(one.address) for one in decode_envelope(kept.envelope).recipients] == ["c@anywhere.example"]
        assert b"xx" not in await place.content(kept)


async def test_a_command_that_drips_in_has_one_deadline(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(command_timeout_s=60)) as place:
        talk = await place.greeted()
        began = trio.current_time()
        async with trio.open_nursery() as nursery:

            @nursery.start_soon
            async def drip() -> None:
                with trio.move_on_after(100):
                    for _ in range(100):
                        await talk.write(b"N")
                        await trio.sleep(7)

            assert await talk.code() == b"421"
            assert trio.current_time() - began == pytest.approx(60)
            nursery.cancel_scope.cancel()


async def test_a_pause_within_a_message_is_bounded_and_steady_content_is_not(autojump_clock: MockClock) -> None:
    limits = LimitSettings(command_timeout_s=10, data_timeout_s=30, min_data_rate_bytes_per_s=0)
    async with stage(limits=limits) as place:
        talk = await place.greeted()
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        for _ in range(10):
            await talk.write(b"x\r\n")
            await trio.sleep(20)
        began = trio.current_time()
        assert await talk.code() == b"421"
        assert trio.current_time() - began == pytest.approx(10)
        assert place.spool.accepted == []


async def test_a_session_ends_when_its_time_is_over_however_busy(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(session_timeout_s=100)) as place:
        talk = await place.greeted()
        for _ in range(9):
            await trio.sleep(10)
            assert await talk.code(b"NOOP\r\n") == b"250"
        assert await talk.code() == b"421"
        assert trio.current_time() == pytest.approx(100)


async def test_recipients_over_the_limit_are_for_a_further_transaction(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(max_recipients=2)) as place:
        talk = await place.greeted()
        more = b"RCPT TO:<c@anywhere.example>\r\nRCPT TO:<d@anywhere.example>\r\n"
        assert await talk.codes(ENVELOPE + more, 4) == [b"250", b"250", b"250", b"452"]


async def test_strangers_reach_our_domains_and_no_others(autojump_clock: MockClock) -> None:
    async with stage() as place:
        talk = await place.greeted(STRANGER)
        await talk.code(b"MAIL FROM:<a@client.example>\r\n")
        await talk.write(b"RCPT TO:<b@anywhere.example>\r\n")
        line = await talk.reply()
        assert line is not None
        assert line.startswith(b"550 5.7.1")
        assert await talk.code(b"RCPT TO:<b@ours.example>\r\n") == b"250"


async def test_the_bare_postmaster_is_ours(autojump_clock: MockClock) -> None:
    relay = RelayPolicy(domains=frozenset({"mx.empath.example"}))
    async with stage(relay=relay) as place:
        talk = await place.greeted(STRANGER)
        await talk.codes(b"MAIL FROM:<a@client.example>\r\nRCPT TO:<Postmaster>\r\nDATA\r\n", 3)
        assert await talk.code(b".\r\n") == b"250"
        (kept,) = place.spool.accepted
        assert kept.domains == ("mx.empath.example",)
        envelope = decode_envelope(kept.envelope)
        assert str(envelope.recipients[0].address) == "Postmaster@mx.empath.example"


@pytest.mark.parametrize("inline_limit_bytes", [10_000, 100])
async def test_a_message_that_goes_round_in_circles_is_refused(
    autojump_clock: MockClock, inline_limit_bytes: int
) -> None:
    async with stage(limits=LimitSettings(max_hops=3), inline_limit_bytes=inline_limit_bytes) as place:
        talk = await place.greeted()
        trace = b"Received: from a by b; today\r\n"
        for hops, expected in ((3, b"250 2.0.0"), (4, b"554 5.4.6")):
            await talk.codes(ENVELOPE + b"DATA\r\n", 3)
            await talk.write(trace * hops + b"\r\nx\r\n.\r\n")
            line = await talk.reply()
            assert line is not None
            assert line.startswith(expected)


@pytest.mark.parametrize(
    ("failure", "expected"), [(SpoolError("no disk"), b"451 4.3.0"), (SpoolFull("full"), b"452 4.3.1")]
)
async def test_what_cannot_be_kept_is_refused_for_now(
    autojump_clock: MockClock, failure: SpoolError, expected: bytes
) -> None:
    async with stage() as place:
        talk = await place.greeted()
        place.spool.failure = failure
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        await talk.write(b"x\r\n.\r\n")
        line = await talk.reply()
        assert line is not None
        assert line.startswith(expected)
        place.spool.failure = None
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        assert await talk.code(b"x\r\n.\r\n") == b"250"


async def test_starttls_begins_the_session_anew(autojump_clock: MockClock, certificate: TlsContext) -> None:
    listener = ListenerSettings(listen_addr=ENTRANCE, tls=ListenerTls.STARTTLS)
    async with stage(listener=listener, tls=certificate) as place:
        talk = await place.greeted()
        assert await talk.code(b"STARTTLS\r\n") == b"220"
        await talk.start_tls(opportunistic_context())
        assert await talk.code(b"MAIL FROM:<a@client.example>\r\n") == b"503"
        assert await talk.code(b"EHLO client.example\r\n") == b"250"
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        assert await talk.code(b"x\r\n.\r\n") == b"250"
        origin = decode_envelope(place.spool.accepted[0].envelope).origin
        assert origin is not None
        assert (origin.protocol, origin.tls_version) == ("ESMTPS", "TLSv1.3")


async def test_plain_text_behind_starttls_ends_the_session(autojump_clock: MockClock, certificate: TlsContext) -> None:
    listener = ListenerSettings(listen_addr=ENTRANCE, tls=ListenerTls.STARTTLS)
    async with stage(listener=listener, tls=certificate) as place:
        talk = await place.greeted()
        await talk.write(b"STARTTLS\r\nNOOP\r\n")
        assert await talk.code() in (b"220", b"503")
        with pytest.raises((TlsFailed, ConnectionLost)):
            await talk.start_tls(opportunistic_context())


async def test_implicit_tls_is_spoken_from_the_first_octet(autojump_clock: MockClock, certificate: TlsContext) -> None:
    listener = ListenerSettings(listen_addr=ENTRANCE, tls=ListenerTls.IMPLICIT)
    async with stage(listener=listener, tls=certificate) as place:
        talk = await place.connect()
        await talk.start_tls(opportunistic_context())
        assert await talk.code() == b"220"


async def test_an_idle_client_hears_at_once_that_the_daemon_stops(autojump_clock: MockClock) -> None:
    async with stage() as place:
        talk = await place.greeted()
        place.intake.drain()
        assert await talk.code() == b"421"
        assert await talk.code() is None
        assert trio.current_time() == 0


async def test_a_busy_client_finishes_first_when_the_daemon_stops(autojump_clock: MockClock) -> None:
    async with stage() as place:
        talk = await place.greeted()
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        place.intake.drain()
        await trio.sleep(5)
        assert await talk.codes(b"x\r\n.\r\n", 2) == [b"250", b"421"]
        assert len(place.spool.accepted) == 1


async def test_a_reply_on_its_way_is_not_cut_off_when_the_daemon_stops(autojump_clock: MockClock) -> None:
    async with stage() as place:
        place.world.network.usual = evolve(place.world.network.usual, buffer_bytes=8)  # no reply fits at once
        talk = await place.greeted()
        for line in (*ENVELOPE.splitlines(), b"DATA"):
            await talk.code(line + b"\r\n")
        await talk.write(b"x\r\n.\r\n")
        await trio.sleep(1)
        assert len(place.spool.accepted) == 1
        place.intake.drain()
        assert [await talk.code(), await talk.code(), await talk.code()] == [b"250", b"421", None]


async def test_replies_that_are_due_are_given_when_the_daemon_stops_in_the_middle_of_a_group(
    autojump_clock: MockClock,
) -> None:
    async with stage() as place:
        talk = await place.greeted()

        async def stop() -> None:
            accepted = False
            while not accepted:
                await trio.lowlevel.checkpoint()
                accepted = bool(place.said(MessageAccepted))
            place.intake.drain()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(stop)
            group = ENVELOPE + b"BDAT 3 LAST\r\nx\r\n" + b"RSET\r\n" * 60
            assert await talk.codes(group, 64) == [b"250"] * 63 + [b"421"]


async def test_what_happens_is_told_as_facts(autojump_clock: MockClock) -> None:
    async with stage() as place:
        talk = await place.greeted(STRANGER)
        await talk.codes(b"MAIL FROM:<a@client.example>\r\nRCPT TO:<b@anywhere.example>\r\n", 2)
        await talk.codes(b"RCPT TO:<b@ours.example>\r\nDATA\r\n", 2)
        await talk.code(b"x\r\n.\r\n")
        assert await talk.code(b"QUIT\r\n") == b"221"
        assert await talk.code() is None
        await wait_all_tasks_blocked()
        opened, refused, accepted, closed = place.facts
        assert isinstance(opened, SessionOpened)
        assert opened.client_ip == STRANGER
        assert isinstance(refused, MessageRefused)
        assert (refused.verb, str(refused.recipient)) == (Verb.RCPT, "b@anywhere.example")
        assert (refused.client_ip, str(refused.reverse_path)) == (STRANGER, "a@client.example")
        assert isinstance(accepted, MessageAccepted)
        assert (accepted.size_bytes, accepted.session) == (3, opened.session)
        assert isinstance(closed, SessionClosed)
        assert (closed.messages, closed.reason) == (1, "quit")


async def test_a_client_that_vanishes_leaves_nothing(autojump_clock: MockClock) -> None:
    async with stage(inline_limit_bytes=10) as place:
        talk = await place.greeted()
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        await talk.write(b"x" * 100 + b"\r\n")
        await wait_all_tasks_blocked()
        await talk.stream.aclose()
        await wait_all_tasks_blocked()
        assert (await place.spool.statistics()).messages == 0
        assert place.said(SessionClosed)[0].reason == "the client closed"


async def test_a_client_that_does_not_read_is_given_up(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(command_timeout_s=60)) as place:
        place.world.network.usual = evolve(place.world.network.usual, buffer_bytes=512)
        talk = await place.greeted()
        await talk.write(b"RSET\r\n" * 80)
        await trio.sleep(61)
        assert len(place.said(SessionClosed)) == 1
