"""AUTH in a session (RFC 4954), and what somebody may send who has logged in or not."""

import ssl
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trustme
from scramp import ScramClient
from trio.testing import MockClock

from empath.config.schema import AuthSettings, ListenerAuth, ListenerSettings, ListenerTls, Profile
from empath.config.units import Period, Rate
from empath.ingress.logins.credentials import PasswordHash, ScramKeys
from empath.mail import MessageAccepted, MessageRefused
from empath.mail.facts import LoginAccepted, LoginRefused
from empath.policy.reception.access import Pattern
from empath.policy.reception.logins import SenderLogins, SenderRule
from empath.world.tls import TlsContext, opportunistic_context
from tests.ingress.stage import ENTRANCE, ENVELOPE, STRANGER, Stage, Talk, stage

SALT = bytes(16)
ANN = f"ann:{PasswordHash.make('secret', SALT).text}\n".encode()
SCRAM_ANN = f"ann:{ScramKeys.make('secret', SALT).text}\n".encode()


@pytest.fixture(scope="module")
def certificate() -> TlsContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.empath.example").configure_cert(context)
    return context


@asynccontextmanager
async def submission(
    certificate: TlsContext,
    *,
    users_file: bytes = ANN,
    auth: ListenerAuth = ListenerAuth.REQUIRED,
    profile: Profile = Profile.SUBMISSION,
    **settings: Any,
) -> AsyncIterator[Stage]:
    """A listener with STARTTLS and users. ``settings`` are those of ``stage``."""
    listener = ListenerSettings(listen_addr=ENTRANCE, tls=ListenerTls.STARTTLS, auth=auth, profile=profile)
    async with stage(listener=listener, tls=certificate, users_file=users_file, **settings) as place:
        yield place


async def encrypted(place: Stage, source: str = STRANGER) -> Talk:
    """A client that has said EHLO inside TLS."""
    talk = await place.greeted(source)
    assert await talk.code(b"STARTTLS\r\n") == b"220"
    await talk.start_tls(opportunistic_context())
    assert await talk.code(b"EHLO client.example\r\n") == b"250"
    return talk


def plain(login: str, password: str, act_as: str = "") -> bytes:
    return b"AUTH PLAIN " + b64encode(f"{act_as}\0{login}\0{password}".encode()) + b"\r\n"


def coded(text: str) -> bytes:
    return b64encode(text.encode()) + b"\r\n"


async def said(talk: Talk, octets: bytes) -> str:
    """The last line of the answer."""
    await talk.write(octets)
    return (await talk.reply() or b"closed").decode()


async def offers(talk: Talk) -> list[bytes]:
    """What EHLO is answered with."""
    await talk.write(b"EHLO client.example\r\n")
    lines = [await talk.line() or b""]
    while lines[-1][3:4] == b"-":
        lines.append(await talk.line() or b"")
    return [line[4:] for line in lines]


async def test_auth_is_offered_inside_tls_only(autojump_clock: MockClock, certificate: TlsContext) -> None:
    async with submission(certificate) as place:
        talk = await place.greeted(STRANGER)
        assert not any(line.startswith(b"AUTH") for line in await offers(talk))
        assert (await said(talk, plain("ann", "secret"))).startswith("538 5.7.11")
        assert b"AUTH PLAIN LOGIN" in await offers(await encrypted(place))


async def test_a_listener_without_logins_offers_none(autojump_clock: MockClock, certificate: TlsContext) -> None:
    async with submission(certificate, auth=ListenerAuth.NONE) as place:
        talk = await encrypted(place)
        assert (await said(talk, plain("ann", "secret"))).startswith("502")


async def test_plain_with_an_initial_response(autojump_clock: MockClock, certificate: TlsContext) -> None:
    async with submission(certificate) as place:
        talk = await encrypted(place)
        assert await said(talk, plain("ann", "secret")) == "235 2.7.0 welcome"
        (fact,) = place.said(LoginAccepted)
        assert (fact.login, fact.mechanism, fact.client_ip) == ("ann", "PLAIN", STRANGER)
        assert (await said(talk, plain("ann", "secret"))).startswith("503")


async def test_plain_without_one(autojump_clock: MockClock, certificate: TlsContext) -> None:
    async with submission(certificate) as place:
        talk = await encrypted(place)
        assert await said(talk, b"AUTH PLAIN\r\n") == "334 "
        assert await talk.code(coded("\0ann\0secret")) == b"235"


async def test_login_asks_for_both(autojump_clock: MockClock, certificate: TlsContext) -> None:
    async with submission(certificate) as place:
        talk = await encrypted(place)
        assert b64decode((await said(talk, b"AUTH LOGIN\r\n"))[4:]) == b"Username:"
        assert b64decode((await said(talk, coded("ann")))[4:]) == b"Password:"
        assert await talk.code(coded("secret")) == b"235"


@pytest.mark.parametrize("password", ["secret", "wrong"])
async def test_scram_ends_well_only_with_the_password(
    autojump_clock: MockClock, certificate: TlsContext, password: str
) -> None:
    async with submission(certificate, users_file=SCRAM_ANN) as place:
        talk = await encrypted(place)
        client = ScramClient(["SCRAM-SHA-256"], "ann", password)
        first = b64encode(client.get_client_first().encode())
        challenge = await said(talk, b"AUTH SCRAM-SHA-256 " + first + b"\r\n")
        client.set_server_first(b64decode(challenge[4:]).decode())
        answer = await said(talk, coded(client.get_client_final()))
        if password == "wrong":
            assert answer == "535 5.7.8 login or password is wrong"
            return
        client.set_server_final(b64decode(answer[4:]).decode())
        assert await talk.code(b"\r\n") == b"235"
        assert [fact.mechanism for fact in place.said(LoginAccepted)] == ["SCRAM-SHA-256"]


async def test_scram_is_not_over_before_the_client_has_seen_our_proof(
    autojump_clock: MockClock, certificate: TlsContext
) -> None:
    async with submission(certificate, users_file=SCRAM_ANN) as place:
        talk = await encrypted(place)
        client = ScramClient(["SCRAM-SHA-256"], "ann", "secret")
        challenge = await said(talk, b"AUTH SCRAM-SHA-256\r\n")
        challenge = await said(talk, coded(client.get_client_first()))
        client.set_server_first(b64decode(challenge[4:]).decode())
        assert await talk.code(coded(client.get_client_final())) == b"334"
        assert await talk.code(coded("more")) == b"501"
        assert await talk.code(b"MAIL FROM:<a@client.example>\r\n") == b"530"
        assert place.said(LoginAccepted) == []


async def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(
    autojump_clock: MockClock, certificate: TlsContext
) -> None:
    async with submission(certificate) as place:
        talk = await encrypted(place)
        assert await said(talk, plain("ann", "wrong")) == "535 5.7.8 login or password is wrong"
        assert await said(talk, plain("eve", "wrong")) == "535 5.7.8 login or password is wrong"
        assert [(fact.login, fact.reason) for fact in place.said(LoginRefused)] == [("ann", "wrong"), ("eve", "wrong")]


async def test_what_a_stranger_calls_itself_is_made_printable(
    autojump_clock: MockClock, certificate: TlsContext
) -> None:
    async with submission(certificate) as place:
        talk = await encrypted(place)
        assert await talk.code(plain("\x1b[31mred\r\nx" * 100, "wrong")) == b"535"
        (fact,) = place.said(LoginRefused)
        assert fact.login.isprintable()
        assert len(fact.login) == 255


async def test_too_many_failures_end_the_session(autojump_clock: MockClock, certificate: TlsContext) -> None:
    async with submission(certificate, auth_settings=AuthSettings(max_failures=2)) as place:
        talk = await encrypted(place)
        assert await talk.code(plain("ann", "wrong")) == b"535"
        assert await said(talk, plain("ann", "wrong")) == "421 4.7.0 too many failed logins, try again later"
        assert await talk.line() is None


async def test_a_client_that_guesses_too_often_is_sent_away_at_once(
    autojump_clock: MockClock, certificate: TlsContext
) -> None:
    settings = AuthSettings(failures_per_client=Rate(2, Period.HOUR))
    async with submission(certificate, auth_settings=settings) as place:
        for _ in range(2):
            talk = await encrypted(place)
            assert await talk.code(plain("ann", "wrong")) == b"535"
        talk = await encrypted(place)
        assert await talk.code(plain("ann", "secret")) == b"421"
        assert place.said(LoginRefused)[-1].reason == "too many failed logins"


async def test_an_exchange_can_be_cancelled_and_begun_again(autojump_clock: MockClock, certificate: TlsContext) -> None:
    async with submission(certificate) as place:
        talk = await encrypted(place)
        assert await talk.codes(b"AUTH LOGIN\r\n", 1) == [b"334"]
        assert await talk.code(b"*\r\n") == b"501"
        assert await talk.code(plain("ann", "secret")) == b"235"


@pytest.mark.parametrize("response", [b"AUTH PLAIN AAAA\r\n", b"AUTH PLAIN =\r\n", b"AUTH PLAIN /w==\r\n"])
async def test_what_breaks_the_grammar_is_501_and_no_guess(
    autojump_clock: MockClock, certificate: TlsContext, response: bytes
) -> None:
    async with submission(certificate) as place:
        talk = await encrypted(place)
        assert await talk.code(response) == b"501"
        assert place.said(LoginRefused) == []


@pytest.mark.parametrize(("act_as", "code"), [("ann", b"235"), ("ANN", b"235"), ("bob", b"535")])
async def test_nobody_may_act_as_somebody_else(
    autojump_clock: MockClock, certificate: TlsContext, act_as: str, code: bytes
) -> None:
    async with submission(certificate) as place:
        talk = await encrypted(place)
        assert await talk.code(plain("ann", "secret", act_as)) == code


async def test_mail_needs_a_login_where_one_is_required(autojump_clock: MockClock, certificate: TlsContext) -> None:
    async with submission(certificate) as place:
        talk = await place.greeted()
        assert await said(talk, b"MAIL FROM:<a@client.example>\r\n") == "530 5.7.0 say STARTTLS and log in first"
        talk = await encrypted(place)
        assert await said(talk, b"MAIL FROM:<a@client.example>\r\n") == "530 5.7.0 log in first"
        assert await talk.code(plain("ann", "secret")) == b"235"
        assert await talk.codes(ENVELOPE, 2) == [b"250", b"250"]


async def test_mail_needs_none_where_it_is_optional(autojump_clock: MockClock, certificate: TlsContext) -> None:
    async with submission(certificate, auth=ListenerAuth.OPTIONAL) as place:
        talk = await encrypted(place)
        assert await talk.code(b"MAIL FROM:<a@client.example>\r\n") == b"250"


async def test_a_login_may_use_its_senders_and_no_others(autojump_clock: MockClock, certificate: TlsContext) -> None:
    rules = SenderLogins((SenderRule((Pattern.parse("ann@client.example"),), frozenset({"ann"})),))
    async with submission(certificate, sender_logins=rules) as place:
        talk = await encrypted(place)
        assert await talk.code(plain("ann", "secret")) == b"235"
        assert await said(talk, b"MAIL FROM:<bob@client.example>\r\n") == "550 5.7.1 your login may not use this sender"
        told = place.said(MessageRefused)[-1]
        assert (str(told.reverse_path), told.client_ip) == ("bob@client.example", STRANGER)
        assert await talk.code(b"MAIL FROM:<>\r\n") == b"250"
        assert await talk.code(b"RSET\r\nMAIL FROM:<ann@client.example>\r\n") == b"250"
        assert await talk.code() == b"250"


@pytest.mark.parametrize("profile", Profile)
async def test_date_and_message_id_are_added_on_submission_only(
    autojump_clock: MockClock, certificate: TlsContext, profile: Profile
) -> None:
    async with submission(certificate, profile=profile) as place:
        talk = await encrypted(place)
        await talk.code(plain("ann", "secret"))
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        text = b"Subject: x\r\n\r\nbody\r\n"
        assert await talk.code(text + b".\r\n") == b"250"
        content = await place.content(place.spool.accepted[0])
        (fact,) = place.said(MessageAccepted)
        added = content.removesuffix(text).partition(b"+0000\r\n")[2]
        expected = f"Date: Thu, 1 Jan 2026 00:00:00 +0000\r\nMessage-ID: <{fact.message}@mx.empath.example>\r\n"
        assert added.decode() == (expected if profile is Profile.SUBMISSION else "")


async def test_a_large_message_is_completed_as_well(autojump_clock: MockClock, certificate: TlsContext) -> None:
    async with submission(certificate, inline_limit_bytes=100) as place:
        talk = await encrypted(place)
        await talk.code(plain("ann", "secret"))
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        text = b"Date: today\r\n\r\n" + b"x" * 70 + b"\r\n" + b"y" * 900 + b"\r\n"
        assert await talk.code(text * 3 + b".\r\n") == b"250"
        content = await place.content(place.spool.accepted[0])
        assert content.endswith(text * 3)
        assert content.count(b"\r\nMessage-ID: <") == 1
        assert content.count(b"\r\nDate: ") == 3


async def test_a_header_section_that_goes_on_beyond_what_is_seen_is_left_alone(
    autojump_clock: MockClock, certificate: TlsContext
) -> None:
    async with submission(certificate, inline_limit_bytes=100) as place:
        talk = await encrypted(place)
        await talk.code(plain("ann", "secret"))
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        await talk.write(b"Subject: " + b"x" * 200)
        assert await talk.code(b"\r\nDate: today\r\nMessage-ID: <a@b>\r\n\r\nbody\r\n.\r\n") == b"250"
        content = await place.content(place.spool.accepted[0])
        assert content.count(b"Message-ID: ") == 1
