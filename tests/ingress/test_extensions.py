"""What each profile offers, and how what was asked for is kept."""

import pytest
from attrs import evolve
from trio.testing import MockClock

from empath.config.schema import LimitSettings, ListenerSettings, Profile
from empath.mail.record import decode_envelope
from empath.smtp import ByMode, DeliverBy, MailParams
from tests.ingress.stage import CLIENT, ENTRANCE, STRANGER, Stage, Talk, stage

LISTENER = ListenerSettings(listen_addr=ENTRANCE)
TO_OURS = b"RCPT TO:<b@ours.example>\r\nDATA\r\n"


async def hello(place: Stage) -> dict[bytes, bytes]:
    """The keywords of EHLO, with what follows each."""
    talk = await place.connect()
    await talk.code()
    await talk.write(b"EHLO client.example\r\n")
    lines = [await talk.line() or b""]
    while lines[-1][3:4] == b"-":
        lines.append(await talk.line() or b"")
    return {line[4:].partition(b" ")[0]: line[4:].partition(b" ")[2] for line in lines[1:]}


@pytest.mark.parametrize("profile", Profile)
async def test_limits_and_dsn_are_offered_everywhere_and_wishes_where_mail_begins(
    autojump_clock: MockClock, profile: Profile
) -> None:
    async with stage(listener=evolve(LISTENER, profile=profile), limits=LimitSettings(max_recipients=77)) as place:
        said = await hello(place)
        assert said[b"LIMITS"] == b"RCPTMAX=77"
        assert b"DSN" in said
        wishes = {b"MT-PRIORITY", b"DELIVERBY", b"FUTURERELEASE"}
        assert wishes & said.keys() == (set() if profile is Profile.MX else wishes)
        assert b"REQUIRETLS" not in said  # outside TLS (RFC 8689 2)


async def test_where_a_wish_is_not_offered_it_is_refused(autojump_clock: MockClock) -> None:
    async with stage(listener=evolve(LISTENER, profile=Profile.MX)) as place:
        for wish in (b"HOLDFOR=60", b"BY=60;R", b"MT-PRIORITY=1", b"REQUIRETLS"):
            talk = await place.greeted()
            assert await talk.code(b"MAIL FROM:<a@client.example> " + wish + b"\r\n") == b"555"


async def test_without_a_longest_time_mail_is_not_kept_back(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(max_future_release_s=0)) as place:
        assert b"FUTURERELEASE" not in await hello(place)


async def accepted(place: Stage, talk: Talk, wishes: bytes) -> tuple[MailParams, float]:
    """What was kept of a message with such wishes: its parameters, and for how long it waits."""
    assert await talk.code(b"MAIL FROM:<a@client.example> " + wishes + b"\r\n") == b"250"
    await talk.codes(TO_OURS, 2)
    assert await talk.code(b"x\r\n.\r\n") == b"250"
    kept = place.spool.accepted[-1]
    return decode_envelope(kept.envelope).params, kept.next_attempt - kept.received


async def test_what_is_asked_for_is_kept_with_the_message(autojump_clock: MockClock) -> None:
    async with stage() as place:
        talk = await place.greeted(CLIENT)
        params, waits_s = await accepted(place, talk, b"MT-PRIORITY=-4 BY=600;NT ENVID=x")
        assert params == MailParams(mt_priority=-4, by=DeliverBy(600, ByMode.NOTIFY, trace=True), envid="x")
        assert waits_s == 0
        params, waits_s = await accepted(place, talk, b"HOLDFOR=3600 MT-PRIORITY=9")
        assert (params.hold_for_s, params.mt_priority, waits_s) == (3600, 9, 3600)


async def test_mail_is_kept_back_for_known_clients_as_long_as_announced(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(max_future_release_s=100)) as place:
        assert (await hello(place))[b"FUTURERELEASE"].startswith(b"100 20")
        for source, seconds, code in ((CLIENT, 101, b"501"), (STRANGER, 1, b"550"), (CLIENT, 100, b"250")):
            talk = await place.greeted(source)
            assert await talk.code(b"MAIL FROM:<a@client.example> HOLDFOR=%d\r\n" % seconds) == code


async def test_a_stranger_hears_which_priority_it_has(autojump_clock: MockClock) -> None:
    async with stage() as place:
        talk = await place.greeted(STRANGER)
        await talk.write(b"MAIL FROM:<a@client.example> MT-PRIORITY=5\r\n")
        assert (await talk.reply() or b"").startswith(b"250 2.3.6 0 ")
        await talk.code(b"RSET\r\n")
        params, _ = await accepted(place, talk, b"MT-PRIORITY=5")
        assert params.mt_priority == 0
