"""What a client may not do for ever, and how it is told."""

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from empath.config.schema import LimitSettings, Period, Rate
from empath.ingress import Admission
from empath.mail.facts import ClientTurnedAway, MessageRefused, SessionClosed
from tests.ingress.stage import CLIENT, ENVELOPE, STRANGER, Stage, Talk, stage

NOT_ALLOWED = b"RCPT TO:<x@elsewhere.example>\r\n"
NO_ROOM = b"452 4.3.1 no room for the message now, try again later"


async def test_content_that_comes_too_slowly_ends_the_session(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(data_timeout_s=30, min_data_rate_bytes_per_s=100)) as place:
        talk = await place.greeted()
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(drip, talk, b"12345678\r\n", 1.0)
            assert await talk.code() == b"421"
            nursery.cancel_scope.cancel()
        assert trio.current_time() - began == pytest.approx(30 / 0.9, abs=1)
        assert place.spool.accepted == []


@pytest.mark.parametrize("begin", [b"DATA\r\n", b"BDAT 100000 LAST\r\n"])
async def test_content_that_keeps_the_rate_may_take_its_time(autojump_clock: MockClock, begin: bytes) -> None:
    limits = LimitSettings(data_timeout_s=30, min_data_rate_bytes_per_s=100, command_timeout_s=30)
    async with stage(limits=limits) as place:
        talk = await place.greeted()
        await talk.codes(ENVELOPE, 2)
        await talk.write(begin)
        await trio.sleep(1)
        with trio.move_on_after(500):
            await drip(talk, b"x" * 1010 + b"\r\n", 10.0)
        assert place.said(SessionClosed) == []


async def test_a_chunk_that_comes_too_slowly_ends_the_session(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(data_timeout_s=30)) as place:
        talk = await place.greeted()
        await talk.codes(ENVELOPE, 2)
        await talk.write(b"BDAT 100000\r\n")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(drip, talk, b"x", 10.0)
            assert await talk.code() == b"421"
            nursery.cancel_scope.cancel()
        assert trio.current_time() < 60


async def test_a_session_that_brings_no_mail_does_not_go_on_for_ever(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(max_junk_commands=3)) as place:
        talk = await place.greeted()
        answers = [await talk.code(command) for command in (b"NOOP\r\n", b"RSET\r\n", b"VRFY <a@b.example>\r\n")]
        assert answers == [b"250", b"250", b"421"]
        assert await talk.code() is None


async def test_a_message_wipes_the_slate(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(max_junk_commands=3)) as place:
        talk = await place.greeted()
        for _ in range(5):
            assert await talk.codes(b"NOOP\r\n", 1) + await talk.codes(b"RSET\r\n", 1) == [b"250"] * 2
            assert await talk.codes(ENVELOPE + b"DATA\r\n", 3) == [b"250", b"250", b"354"]
            assert await talk.code(b"x\r\n.\r\n") == b"250"


async def test_recipients_beyond_the_limit_are_no_errors_and_the_accepted_ones_stand(autojump_clock: MockClock) -> None:
    limits = LimitSettings(max_recipients=1, max_errors=2, max_recipient_overshoot=30)
    async with stage(limits=limits) as place:
        talk = await place.greeted()
        assert await talk.codes(ENVELOPE + b"RCPT TO:<c@anywhere.example>\r\n" * 30, 32) == [b"250"] * 2 + [b"452"] * 30
        assert await talk.code(b"DATA\r\n") == b"354"
        assert await talk.code(b"x\r\n.\r\n") == b"250"


async def test_recipients_beyond_the_limit_are_one_line_in_the_log(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(max_recipients=1)) as place:
        talk = await place.greeted()
        for _ in range(2):
            group = b"RSET\r\n" + ENVELOPE + b"RCPT TO:<c@anywhere.example>\r\n" * 30
            assert (await talk.codes(group, 33))[3:] == [b"452"] * 30
            assert await talk.code(b"RCPT TO:<a@b@c>\r\n") == b"501"
        refused = [fact.reply.code for fact in place.said(MessageRefused)]
        assert refused == [452, 501, 452, 501]


@pytest.mark.parametrize("path", [b"<c@anywhere.example>", b"<postmaster>"])
async def test_naming_one_recipient_again_and_again_has_an_end_too(autojump_clock: MockClock, path: bytes) -> None:
    async with stage(limits=LimitSettings(max_recipients=10, max_recipient_overshoot=5)) as place:
        talk = await place.greeted()
        answers = await talk.codes(b"MAIL FROM:<a@client.example>\r\n" + b"RCPT TO:" + path + b"\r\n", 2)
        while answers[-1] is not None:
            answers += await talk.codes(b"RCPT TO:" + path + b"\r\n", 1)
            assert len(answers) < 30
        assert answers[-2] == b"421"
        assert answers.count(b"250") <= 16


async def test_one_that_sends_ten_thousand_commands_at_once_lets_others_have_their_turn(
    autojump_clock: MockClock,
) -> None:
    async with stage(limits=LimitSettings(max_junk_commands=20_000)) as place:
        place.world.network.usual = evolve(place.world.network.usual, buffer_bytes=200_000, latency_s=0)
        greedy, modest = await place.greeted(), await place.greeted()
        await greedy.write(b"RSET\r\n" * 10_000)
        await modest.write(b"NOOP\r\n")
        order = []

        async def hear(name: str, talk: Talk) -> None:
            assert await talk.code() == b"250"
            order.append(name)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(hear, "greedy", greedy)
            nursery.start_soon(hear, "modest", modest)
        assert order == ["modest", "greedy"]


async def test_recipients_without_end_end_the_session(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(max_recipients=1, max_recipient_overshoot=2)) as place:
        talk = await place.greeted()
        assert await talk.codes(ENVELOPE, 2) == [b"250"] * 2
        group = b"RCPT TO:<c@anywhere.example>\r\n" * 3
        assert await talk.codes(group, 4) == [b"452", b"452", b"421", None]


async def test_messages_are_counted_for_each_client(autojump_clock: MockClock) -> None:
    limits = LimitSettings(messages_per_client=Rate(2, Period.MINUTE))
    async with stage(limits=limits) as place:
        talk = await place.greeted()
        mail = b"RSET\r\nMAIL FROM:<a@client.example>\r\n"
        assert await talk.codes(mail * 3, 6) == [b"250", b"250", b"250", b"250", b"250", b"450"]
        other = await place.greeted(STRANGER)
        assert await other.codes(mail, 2) == [b"250", b"250"]
        await trio.sleep(30)
        assert await talk.codes(mail, 2) == [b"250", b"250"]


async def test_a_message_that_is_refused_for_another_reason_counts_for_nothing(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(messages_per_client=Rate(1, Period.MINUTE))) as place:
        talk = await place.greeted(STRANGER)
        assert (await talk.code(b"MAIL FROM:<a@client.example> HOLDFOR=60\r\n") or b"")[:1] == b"5"
        assert await talk.code(b"MAIL FROM:<a@client.example>\r\n") == b"250"


async def test_recipients_are_counted_for_each_client_and_only_those_that_were_accepted(
    autojump_clock: MockClock,
) -> None:
    limits = LimitSettings(recipients_per_client=Rate(2, Period.MINUTE), error_delay_s=0)
    async with stage(limits=limits) as place:
        talk = await place.greeted(STRANGER)
        ours = b"RCPT TO:<b@ours.example>\r\n"
        envelope = b"MAIL FROM:<a@client.example>\r\n" + NOT_ALLOWED * 3 + ours * 3
        assert await talk.codes(envelope, 7) == [b"250", *[b"550"] * 3, b"250", b"250", b"450"]
        assert await talk.code(b"DATA\r\n") == b"354"


async def test_answers_to_errors_come_ever_later(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(error_delay_after=2, error_delay_s=3)) as place:
        talk = await place.greeted(STRANGER)
        await talk.code(b"MAIL FROM:<a@client.example>\r\n")
        delays = []
        for _ in range(5):
            began = trio.current_time()
            assert await talk.code(NOT_ALLOWED) == b"550"
            delays.append(round(trio.current_time() - began))
        assert delays == [0, 0, 3, 6, 9]
        began = trio.current_time()
        assert await talk.code(b"RSET\r\n") == b"250"
        assert trio.current_time() - began < 1


async def test_one_who_cannot_wait_for_the_greeting_is_refused(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(greet_pause_s=5)) as place:
        hasty = await place.connect(STRANGER)
        assert await hasty.code(b"EHLO spam.example\r\n") == b"554"
        assert await hasty.code() is None
        assert trio.current_time() < 5


async def test_one_who_waits_is_greeted_after_the_pause_and_one_we_trust_at_once(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(greet_pause_s=5)) as place:
        assert await (await place.connect(CLIENT)).code() == b"220"
        assert trio.current_time() < 1
        await place.greeted(STRANGER)
        assert trio.current_time() == pytest.approx(5, abs=1)


async def test_in_a_crowd_those_who_only_wait_make_room(autojump_clock: MockClock) -> None:
    limits = LimitSettings(crowded_timeout_s=10)
    async with stage(limits=limits, admission=Admission(5, 5)) as place:
        idle = [await place.greeted() for _ in range(5)]
        assert await (await place.connect(STRANGER)).code() == b"421"
        assert [await talk.code() for talk in idle] == [b"421"] * 5
        assert trio.current_time() == pytest.approx(10, abs=1)
        for talk in idle:
            await talk.stream.aclose()
        await trio.sleep(1)
        assert await (await place.connect(STRANGER)).code() == b"220"


async def test_those_who_made_room_take_none_while_they_are_waited_for(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(crowded_timeout_s=3), admission=Admission(5, 5)) as place:
        for _ in range(5):
            await place.greeted()
        await trio.sleep(3.5)
        assert await (await place.connect(STRANGER)).code() == b"220"


async def test_in_a_crowd_one_that_is_at_work_is_not_disturbed(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(crowded_timeout_s=10), admission=Admission(5, 5)) as place:
        busy = await place.greeted()
        for _ in range(4):
            await place.greeted(STRANGER)
        for _ in range(10):
            await trio.sleep(5)
            assert await busy.code(b"NOOP\r\n") == b"250"


async def test_one_that_is_not_let_in_hears_so_although_it_has_sent_on(autojump_clock: MockClock) -> None:
    async with stage(admission=Admission(1, 1)) as place:
        await place.greeted()
        late = await place.connect()
        await late.write(b"EHLO client.example\r\n" * 100)
        await trio.sleep(1)
        assert await late.code() == b"421"
        assert await late.code() is None


async def test_of_a_flood_only_some_are_told_and_all_are_counted(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage(limits=LimitSettings(max_refusals=1, crowded_timeout_s=300), admission=Admission(1, 1)) as place:
        await place.greeted()
        answers = [await (await place.connect()).code() for _ in range(3)]
        assert answers == [b"421", None, None]
        assert [(fact.client_ip, fact.reply.code) for fact in place.said(ClientTurnedAway)] == [(CLIENT, 421)] * 3
        assert len(caplog.messages) == 1
        await trio.sleep(60)
        await place.connect()
        await trio.sleep(1)
        assert "not let in: 3, the last was 192.0.2.200: 421 4.3.2 too many" in caplog.messages[1]
        await trio.sleep(6)
        assert await (await place.connect()).code() == b"421"


async def test_one_that_never_closes_does_not_hold_us_up(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(farewell_timeout_s=7), admission=Admission(1, 1)) as place:
        await place.greeted()
        refused = await place.connect()
        assert await refused.code() == b"421"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(drip, refused, b"NOOP\r\n", 0.1)
            await trio.sleep(6)
            assert await links(place) == 2
            await trio.sleep(2)
            assert await links(place) == 1
            nursery.cancel_scope.cancel()


async def test_one_that_is_sent_away_for_its_errors_hears_so_although_it_has_sent_on(
    autojump_clock: MockClock,
) -> None:
    async with stage(limits=LimitSettings(max_errors=2)) as place:
        place.world.network.usual = evolve(place.world.network.usual, buffer_bytes=100_000)
        talk = await place.greeted()
        await talk.write(b"NONSENSE\r\n" * 9000)
        await trio.sleep(1)
        assert [await talk.code() for _ in range(4)] == [b"500", b"500", b"421", None]
        assert [fact.reason for fact in place.said(SessionClosed)] == ["too many errors, closing"]


@pytest.mark.parametrize("method", [b"GET", b"POST", b"PUT", b"CONNECT", b"OPTIONS"])
async def test_a_web_browser_is_sent_away_at_once_and_what_it_brings_is_not_read(
    autojump_clock: MockClock, method: bytes
) -> None:
    async with stage() as place:
        talk = await place.connect()
        assert await talk.code() == b"220"
        body = b"EHLO x\r\n" + ENVELOPE + b"DATA\r\nspam\r\n.\r\n"
        await talk.write(method + b" / HTTP/1.1\r\nHost: mx.empath.example\r\n\r\n" + body)
        assert [await talk.code() for _ in range(2)] == [b"500", None]
        assert place.spool.accepted == []


async def drip(talk: Talk, octets: bytes, pause_s: float) -> None:
    """Send the same again and again, until the server has had enough."""
    try:
        while True:
            await talk.write(octets)
            await trio.sleep(pause_s)
    except trio.BrokenResourceError:
        return


async def links(place: Stage) -> int:
    """How many connections the server has open."""
    await wait_all_tasks_blocked()
    host = place.world.host
    return sum(host in link.hosts and not link.server.closed for link in place.world.network.links)


async def test_less_room_than_spool_min_free_lets_nobody_begin_and_delivers_what_is_there(
    autojump_clock: MockClock,
) -> None:
    async with stage(min_free_bytes=100_000) as place:
        talk = await place.greeted()
        place.world.files.capacity_bytes = 200_000
        assert await talk.reply_to(b"MAIL FROM:<a@client.example> SIZE=150000\r\n") == NO_ROOM
        assert await talk.code(b"MAIL FROM:<a@client.example> SIZE=50000\r\n") == b"250"
        place.world.files.capacity_bytes = 90_000
        await trio.sleep(1)
        assert await talk.code(b"RCPT TO:<b@anywhere.example>\r\n") == b"250"  # what has begun goes on
        assert await talk.code(b"DATA\r\n") == b"354"
        assert await talk.code(b"Subject: x\r\n\r\nx\r\n.\r\n") == b"250"
        assert await talk.reply_to(b"MAIL FROM:<a@client.example>\r\n") == NO_ROOM
        place.world.files.capacity_bytes = 200_000
        await trio.sleep(1)
        assert await talk.code(b"MAIL FROM:<a@client.example>\r\n") == b"250"
