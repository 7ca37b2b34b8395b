"""The client's end: what it lets out, and that no reply is ever taken for another one."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.smtp import (
    NEED_DATA,
    NO_EXTENSIONS,
    Address,
    Auth,
    AuthResponse,
    Bdat,
    BodyData,
    BodyEnd,
    Bounds,
    ClientConnection,
    Command,
    ConnectionClosed,
    Data,
    Ehlo,
    Expn,
    Extensions,
    Facts,
    Helo,
    Help,
    Lhlo,
    LocalProtocolError,
    Mail,
    MailParams,
    Noop,
    Quit,
    Rcpt,
    RemoteProtocolError,
    Reply,
    ReplyReceived,
    Rset,
    StartTls,
    State,
    Vrfy,
    Xclient,
)
from empath.smtp.session import hoped
from tests.smtp.stages import ALL, ANN, BOB, answered, client_in, say
from tests.smtp.strategies import soup

EVE = Address.parse("eve@example.com")
TRANSACTION: tuple[Command, ...] = (Mail(ANN), Rcpt(BOB), Rcpt(EVE), Data())


def group(client: ClientConnection, *items: Command | BodyData | BodyEnd) -> bytes:
    """Send these without waiting."""
    return b"".join(map(client.send, items))


def codes(*numbers: int) -> bytes:
    """Replies of these codes."""
    return b"".join(Reply(number, "text").encode() for number in numbers)


def commands_answered(client: ClientConnection, wire: bytes) -> list[tuple[int, object]]:
    """Which reply answers which command."""
    events = answered(client, wire)
    return [(event.reply.code, event.command) for event in events if isinstance(event, ReplyReceived)]


def heard(client: ClientConnection) -> tuple[list[ReplyReceived], RemoteProtocolError | None]:
    """All replies that can be had now, and the error that they end with."""
    replies: list[ReplyReceived] = []
    try:
        while isinstance(event := client.next_event(), ReplyReceived):
            replies.append(event)
    except RemoteProtocolError as problem:
        return replies, problem
    return replies, None


# -- the opening


@pytest.mark.parametrize(
    ("wire", "state"),
    [
        (b"220 mx ESMTP\r\n", State.GREETED),
        (b"220-mx\r\n220 ESMTP\r\n", State.GREETED),
        (b"554 no\r\n", State.REFUSED),
        (b"450 later\r\n", State.REFUSED),
        (b"421 busy\r\n", State.CLOSED),
    ],
)
def test_the_greeting_answers_no_command(wire: bytes, state: State) -> None:
    client = client_in(State.CONNECTED)
    assert client.next_event() is NEED_DATA
    client.receive_data(wire)
    event = client.next_event()
    assert isinstance(event, ReplyReceived)
    assert (event.command, event.recipient, event.void, client.state) == (None, None, False, state)


@pytest.mark.parametrize(
    "wire", [b"354 go\r\n", b"HTTP/1.1 400 Bad Request\r\n", b"\x16\x03\x01\r\n", b"SSH-2.0-x\r\n"]
)
def test_what_is_no_greeting_is_an_error(wire: bytes) -> None:
    client = client_in(State.CONNECTED)
    client.receive_data(wire)
    with pytest.raises(RemoteProtocolError):
        client.next_event()


def test_ehlo_puts_in_force_what_both_ends_can_do() -> None:
    client = client_in(State.READY, Extensions.of("PIPELINING", "SIZE 5", "X-NEW", "AUTH GSSAPI PLAIN", "DSN"))
    assert client.facts == Facts(
        hello=Ehlo("relay"), in_force=Extensions.of("PIPELINING", "SIZE 5", "AUTH PLAIN", "DSN")
    )
    assert client.pipelining
    wanting_less = client_in(State.READY, ALL, wanted=Extensions.of("DSN"))
    assert list(wanting_less.facts.in_force) == ["DSN"]
    assert not wanting_less.pipelining


def test_the_first_line_of_the_answer_to_ehlo_offers_nothing() -> None:
    client = client_in(State.GREETED)
    client.send(Ehlo("relay"))
    answered(client, b"250-STARTTLS\r\n250 SIZE\r\n")
    assert list(client.facts.in_force) == ["SIZE"]


def test_helo_puts_nothing_in_force() -> None:
    client = client_in(State.READY)
    say(client, Helo("relay"), Reply(250))
    assert client.facts == Facts(hello=Helo("relay"))
    with pytest.raises(LocalProtocolError, match="SIZE is not offered"):
        client.send(Mail(ANN, MailParams(size=5)))


# -- what is let out

SAYABLE: tuple[Command | BodyEnd, ...] = (
    *(
        Helo("relay"),
        Ehlo("relay"),
        Mail(ANN),
        Rcpt(BOB),
        Data(),
        BodyEnd(),
        Bdat(0),
        Bdat(0, last=True),
        Rset(),
        Noop(),
    ),
    *(
        Vrfy("ann"),
        Expn("all"),
        Help(),
        Quit(),
        StartTls(),
        Auth("PLAIN"),
        AuthResponse(b""),
        Xclient((("NAME", "x"),)),
    ),
)


@pytest.mark.parametrize("lmtp", [False, True])
@pytest.mark.parametrize("state", State)
def test_a_command_is_let_out_exactly_where_the_table_hopes_for_it(state: State, lmtp: bool) -> None:
    for item in SAYABLE:
        said: Command | BodyEnd = Lhlo("relay") if lmtp and isinstance(item, Helo | Ehlo) else item
        client = client_in(state, lmtp=lmtp)
        needs_ehlo = state is State.GREETED and item.verb.value in ("BDAT", "BDAT_LAST", "STARTTLS", "AUTH", "XCLIENT")
        if state is State.CLOSED or hoped(state, said.verb) is None or needs_ehlo:
            with pytest.raises(LocalProtocolError):
                client.send(said)
            assert client.outstanding == ()
            assert client.state is state
        else:
            client.send(said)
            assert client.outstanding == (said,)


def test_nothing_is_said_before_the_greeting_and_after_the_end() -> None:
    with pytest.raises(LocalProtocolError, match="EHLO is out of place in state CONNECTED"):
        client_in(State.CONNECTED).send(Ehlo("relay"))
    for item in (Quit(), BodyData(b"")):
        with pytest.raises(LocalProtocolError, match="the session has ended"):
            client_in(State.CLOSED).send(item)


def test_lmtp_has_lhlo_and_smtp_has_the_others() -> None:
    for client, hello in ((client_in(State.GREETED), Lhlo("x")), (client_in(State.GREETED, lmtp=True), Ehlo("x"))):
        with pytest.raises(LocalProtocolError, match="LMTP has LHLO, SMTP has HELO and EHLO"):
            client.send(hello)


@pytest.mark.parametrize(
    ("command", "keyword"),
    [(Bdat(0), "CHUNKING"), (StartTls(), "STARTTLS"), (Auth("PLAIN"), "AUTH"), (Xclient((("NAME", "x"),)), "XCLIENT")],
    ids=str,
)
def test_what_the_server_does_not_offer_is_not_said(command: Command, keyword: str) -> None:
    client = client_in(State.RCPT if keyword == "CHUNKING" else State.READY, ALL.without(keyword))
    with pytest.raises(LocalProtocolError, match=f"the server does not offer {keyword}"):
        client.send(command)


def test_auth_needs_tls_and_an_offered_mechanism_and_is_said_once() -> None:
    with pytest.raises(LocalProtocolError, match="AUTH is not said without TLS"):
        client_in(State.READY, auth_in_clear=False).send(Auth("PLAIN"))
    encrypted = client_in(State.READY, tls=True, auth_in_clear=False)
    with pytest.raises(LocalProtocolError, match="the server does not offer AUTH SCRAM-SHA-1"):
        encrypted.send(Auth("SCRAM-SHA-1"))
    say(encrypted, Auth("PLAIN", b"\0a\0b"), Reply(235))
    assert encrypted.facts.authenticated
    with pytest.raises(LocalProtocolError, match="AUTH is said once"):
        encrypted.send(Auth("PLAIN"))
    assert encrypted.send(Mail(ANN, MailParams(auth="<>"))) == b"MAIL FROM:<ann@example.org> AUTH=<>\r\n"


def test_nothing_is_said_while_a_reply_waits_to_be_read() -> None:
    client = client_in(State.READY)
    client.receive_data(b"250 surprise\r\n")
    with pytest.raises(LocalProtocolError, match="a reply waits to be read"):
        client.send(Noop())


def test_what_cannot_be_written_changes_nothing() -> None:
    client = client_in(State.READY)
    with pytest.raises(LocalProtocolError):
        client.send(Mail(Address(b"a>\r\nRSET", ANN.domain)))
    assert (client.outstanding, client.state) == ((), State.READY)
    assert client.send(Mail(ANN)) == b"MAIL FROM:<ann@example.org>\r\n"


@pytest.mark.parametrize("name", ["a\r\nMAIL FROM:<evil@example.org>", "a b", "<", ""])
def test_nothing_is_smuggled_through_a_name(name: str) -> None:
    with pytest.raises(LocalProtocolError):
        client_in(State.GREETED).send(Ehlo(name))
    with pytest.raises(LocalProtocolError):
        client_in(State.READY, tls=True).send(Auth(name))
    with pytest.raises(LocalProtocolError):
        client_in(State.READY).send(Xclient(((name, "x"),)))


def test_a_recipient_is_utf8_only_in_a_transaction_that_asked_for_it() -> None:
    abroad = Rcpt(Address.parse("ü@bücher.example"))
    half = Rcpt(Address.parse("u@bücher.example"))
    client = client_in(State.MAIL)
    with pytest.raises(LocalProtocolError, match="SMTPUTF8 was not asked for"):
        client.send(abroad)
    assert client.send(half) == b"RCPT TO:<u@xn--bcher-kva.example>\r\n"
    asking = client_in(State.READY)
    group(asking, Mail(ANN, MailParams(smtputf8=True)))
    assert asking.send(abroad) == "RCPT TO:<ü@bücher.example>\r\n".encode()
    assert commands_answered(asking, codes(250, 250))[1] == (250, abroad)
    assert asking.facts.utf8


# -- groups, RFC 2920


def test_a_transaction_goes_out_as_one_group() -> None:
    client = client_in(State.READY)
    assert group(client, *TRANSACTION) == (
        b"MAIL FROM:<ann@example.org>\r\nRCPT TO:<bob@example.net>\r\nRCPT TO:<eve@example.com>\r\nDATA\r\n"
    )
    assert client.outstanding == TRANSACTION
    assert commands_answered(client, codes(250, 550, 250, 354)) == list(
        zip((250, 550, 250, 354), TRANSACTION, strict=True)
    )
    assert (client.state, client.accepted) == (State.DATA, [Rcpt(EVE)])


def test_without_pipelining_every_command_waits_for_its_reply() -> None:
    client = client_in(State.READY, ALL.without("PIPELINING"))
    client.send(Mail(ANN))
    with pytest.raises(LocalProtocolError, match="RCPT must wait for the reply to MAIL"):
        client.send(Rcpt(BOB))
    answered(client, codes(250))
    client.send(Rcpt(BOB))


@pytest.mark.parametrize(
    "last",
    [
        Ehlo("relay"),
        Helo("relay"),
        Noop(),
        Vrfy("a"),
        Expn("a"),
        Quit(),
        StartTls(),
        Auth("PLAIN"),
        Xclient((("NAME", "x"),)),
    ],
    ids=lambda command: command.verb.value,
)
def test_behind_a_command_that_ends_a_group_nothing_is_said(last: Command) -> None:
    client = client_in(State.READY)
    client.send(last)
    with pytest.raises(LocalProtocolError, match=f"RSET must wait for the reply to {last.verb.value}"):
        client.send(Rset())


def test_the_next_transaction_may_follow_the_dot_at_once() -> None:
    client = client_in(State.DATA)
    assert (
        group(client, BodyData(b"a"), BodyEnd(), Mail(None), Rcpt(EVE))
        == b"a\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<eve@example.com>\r\n"
    )
    answered(client, codes(250, 250, 250))
    assert (client.state, client.accepted) == (State.RCPT, [Rcpt(EVE)])


def test_what_was_said_in_hope_of_a_refused_command_is_refused_too() -> None:
    client = client_in(State.READY)
    group(client, *TRANSACTION)
    assert [code for code, _ in commands_answered(client, codes(550, 503, 503, 503))] == [550, 503, 503, 503]
    assert (client.state, client.accepted, client.outstanding) == (State.READY, [], ())
    client.send(Mail(ANN))


def test_a_group_is_judged_by_what_is_known_when_it_goes_on() -> None:
    client = client_in(State.READY)
    group(client, Mail(ANN), Rcpt(BOB))
    answered(client, codes(550))
    with pytest.raises(LocalProtocolError, match="DATA is out of place in state READY"):
        client.send(Data())


# -- DATA


def test_a_body_is_stuffed_and_ended() -> None:
    client = client_in(State.DATA)
    assert group(client, BodyData(b".a\r\n.\r"), BodyData(b"\n"), BodyEnd()) == b"..a\r\n..\r\n.\r\n"
    (event,) = answered(client, codes(250))
    assert event == ReplyReceived(Reply(250, "text"), BodyEnd())
    assert (client.state, client.accepted, client.facts.recipients) == (State.READY, [], 0)


@pytest.mark.parametrize("state", [state for state in State if state not in (State.DATA, State.CLOSED)])
def test_content_is_sent_after_354_only(state: State) -> None:
    with pytest.raises(LocalProtocolError, match="content is sent after 354, or after BDAT has announced it"):
        client_in(state).send(BodyData(b"a"))


def test_behind_the_dot_there_is_no_content() -> None:
    client = client_in(State.DATA)
    client.send(BodyEnd())
    with pytest.raises(LocalProtocolError, match="content is sent after 354"):
        client.send(BodyData(b"a"))


def test_after_354_there_is_only_content_and_the_dot() -> None:
    with pytest.raises(LocalProtocolError, match="QUIT is out of place in state DATA"):
        client_in(State.DATA).send(Quit())


@pytest.mark.parametrize("answer", [250, 554, 451])
def test_354_after_all_recipients_failed_gets_the_lone_dot_and_its_reply_is_void(answer: int) -> None:
    client = client_in(State.READY)
    group(client, *TRANSACTION)
    answered(client, codes(250, 550, 550, 354))
    assert (client.state, client.accepted) == (State.DATA, [])
    with pytest.raises(LocalProtocolError, match="only the lone dot may be sent"):
        client.send(BodyData(b"a"))
    assert client.send(BodyEnd()) == b".\r\n"
    assert answered(client, codes(answer)) == [ReplyReceived(Reply(answer, "text"), BodyEnd(), void=True)]
    assert client.state is State.READY


def test_354_after_mail_failed_gets_the_lone_dot_too() -> None:
    client = client_in(State.READY)
    group(client, *TRANSACTION)
    answered(client, codes(550, 503, 503, 354))
    assert client.send(BodyEnd()) == b".\r\n"
    (event,) = answered(client, codes(250))
    assert isinstance(event, ReplyReceived)
    assert event.void


def test_a_refused_data_leaves_the_transaction_open() -> None:
    client = client_in(State.RCPT)
    say(client, Data(), Reply(451))
    assert (client.state, client.accepted) == (State.RCPT, [Rcpt(BOB)])


def test_250_is_no_invitation_to_send_data() -> None:
    client = client_in(State.RCPT)
    client.send(Data())
    client.receive_data(codes(250))
    with pytest.raises(RemoteProtocolError, match="250 cannot answer DATA in state RCPT"):
        client.next_event()


@pytest.mark.parametrize(("content", "fault"), [(b"a\nb", "LONE_LF"), (b"a\rb", "LONE_CR"), (b"x" * 30, "LONG_LINE")])
def test_content_that_breaks_the_line_rules_is_not_sent(content: bytes, fault: str) -> None:
    client = client_in(State.DATA, bounds=Bounds(text_line=20))
    with pytest.raises(LocalProtocolError, match=f"the body cannot be sent: .*{fault}.*drop the connection"):
        client.send(BodyData(content))
    with pytest.raises(LocalProtocolError, match=fault):
        client.send(BodyEnd())


def test_a_lone_cr_at_the_end_keeps_the_dot_back() -> None:
    for client in (client_in(State.DATA), client_in(State.DATA, check_bodies=False)):
        client.send(BodyData(b"a\r"))
        with pytest.raises(LocalProtocolError):
            client.send(BodyEnd())
        assert client.outstanding == ()


def test_content_that_was_checked_before_is_not_checked_again() -> None:
    client = client_in(State.DATA, check_bodies=False, bounds=Bounds(text_line=20))
    assert group(client, BodyData(b"x" * 30), BodyEnd()) == b"x" * 30 + b"\r\n.\r\n"


# -- BDAT


def test_a_message_in_chunks_goes_out_as_one_group() -> None:
    client = client_in(State.READY)
    wire = group(
        client,
        Mail(None),
        Rcpt(BOB),
        Bdat(3),
        BodyData(b"a\r"),
        BodyData(b"\n"),
        Bdat(2, last=True),
        BodyData(b"b."),
        Mail(ANN),
    )
    assert wire == (
        b"MAIL FROM:<>\r\nRCPT TO:<bob@example.net>\r\nBDAT 3\r\na\r\nBDAT 2 LAST\r\nb.MAIL FROM:<ann@example.org>\r\n"
    )
    assert [code for code, _ in commands_answered(client, codes(250, 250, 250, 250, 250))] == [250] * 5
    assert (client.state, client.accepted) == (State.MAIL, [])


def test_a_chunk_is_sent_to_its_end_before_anything_else() -> None:
    client = client_in(State.RCPT)
    group(client, Bdat(5), BodyData(b"abc"))
    with pytest.raises(LocalProtocolError, match="2 octets of the chunk are still to be sent"):
        client.send(Rset())
    with pytest.raises(LocalProtocolError, match="3 octets are more than the 2 left of the chunk"):
        client.send(BodyData(b"def"))
    assert group(client, BodyData(b"de"), Rset()) == b"deRSET\r\n"


def test_a_chunk_that_was_refused_early_is_sent_to_its_end_all_the_same() -> None:
    client = client_in(State.RCPT)
    group(client, Bdat(5), BodyData(b"abc"))
    answered(client, codes(452))
    assert client.state is State.READY
    with pytest.raises(LocalProtocolError, match="2 octets of the chunk are still to be sent"):
        client.send(Mail(ANN))
    assert group(client, BodyData(b"de"), Mail(ANN)) == b"deMAIL FROM:<ann@example.org>\r\n"


def test_the_rest_of_a_chunk_is_not_sent_after_the_end() -> None:
    client = client_in(State.RCPT)
    group(client, Bdat(5), BodyData(b"abc"))
    answered(client, codes(421))
    with pytest.raises(LocalProtocolError, match="the session has ended"):
        client.send(BodyData(b"de"))


def test_a_lone_cr_is_not_ended_by_an_empty_last_chunk() -> None:
    client = client_in(State.RCPT)
    group(client, Bdat(2), BodyData(b"a\r"))
    with pytest.raises(LocalProtocolError, match="LONE_CR"):
        client.send(Bdat(0, last=True))
    assert client.outstanding == (Bdat(2),)


def test_a_refused_chunk_is_no_part_of_the_message_that_follows() -> None:
    client = client_in(State.MAIL)
    group(client, Rcpt(BOB), Bdat(2), BodyData(b"a\r"))
    answered(client, codes(550, 554))
    assert client.state is State.MAIL
    say(client, Rcpt(EVE), Reply(250))
    assert group(client, Bdat(1, last=True), BodyData(b"b")) == b"BDAT 1 LAST\r\nb"


def test_the_answer_to_a_chunk_without_recipients_is_void() -> None:
    client = client_in(State.MAIL)
    group(client, Rcpt(BOB), Bdat(0, last=True))
    events = answered(client, codes(550, 250))
    assert [(event.reply.code, event.void) for event in events if isinstance(event, ReplyReceived)] == [
        (550, False),
        (250, True),
    ]
    assert client.state is State.READY


# -- LMTP, RFC 2033


@pytest.mark.parametrize("in_chunks", [False, True])
def test_in_lmtp_the_end_of_data_has_one_reply_for_each_accepted_recipient(in_chunks: bool) -> None:
    client = client_in(State.READY, lmtp=True)
    ann, bob, eve = Rcpt(ANN), Rcpt(BOB), Rcpt(EVE)
    end: Command | BodyEnd = Bdat(0, last=True) if in_chunks else BodyEnd()
    if in_chunks:
        group(client, Mail(None), ann, bob, eve, end)
        answered(client, codes(250, 250, 550, 250))
    else:
        group(client, Mail(None), ann, bob, eve, Data())
        answered(client, codes(250, 250, 550, 250, 354))
        client.send(end)
    (first,) = answered(client, codes(450))
    assert first == ReplyReceived(Reply(450, "text"), end, ann)
    assert client.outstanding == (end,)
    (second,) = answered(client, codes(250))
    assert second == ReplyReceived(Reply(250, "text"), end, eve)
    assert (client.state, list(client.outstanding), client.accepted) == (State.READY, [], [])


def test_in_lmtp_a_chunk_that_is_not_the_last_has_one_reply() -> None:
    client = client_in(State.RCPT, lmtp=True)
    group(client, Rcpt(EVE), Bdat(0), Noop())
    assert [code for code, _ in commands_answered(client, codes(250, 250, 250))] == [250, 250, 250]


def test_in_lmtp_421_ends_the_replies() -> None:
    client = client_in(State.RCPT, lmtp=True)
    group(client, Rcpt(EVE), Bdat(0, last=True))
    events = answered(client, codes(250, 250, 421))
    assert isinstance(last := events[-1], ReplyReceived)
    assert (last.reply.code, last.recipient, client.state) == (421, Rcpt(EVE), State.CLOSED)


def test_in_lmtp_354_without_recipients_is_an_error() -> None:
    client = client_in(State.READY, lmtp=True)
    group(client, Mail(None), Rcpt(BOB), Data())
    client.receive_data(codes(250, 550, 354))
    client.next_event()
    client.next_event()
    with pytest.raises(RemoteProtocolError, match="354 in LMTP although no recipient was accepted"):
        client.next_event()


# -- STARTTLS, RFC 3207


def test_the_handshake_starts_the_session_over() -> None:
    client = client_in(State.TLS)
    assert client.next_event() is NEED_DATA
    client.tls_established()
    assert (client.state, client.facts, client.accepted) == (State.GREETED, Facts(tls=True), [])
    with pytest.raises(LocalProtocolError, match="MAIL is out of place in state GREETED"):
        client.send(Mail(ANN))


@pytest.mark.parametrize("injected", [b"2", b"\r\n", b"250 evil\r\n", b"250-evil\r\n", b"\x16\x03\x01"])
@pytest.mark.parametrize("together", [True, False])
def test_plain_text_behind_220_ends_the_session_and_is_never_processed(injected: bytes, together: bool) -> None:
    for looks_first in (True, False):
        client = client_in(State.READY)
        client.send(StartTls())
        client.receive_data(b"220 go\r\n" + (injected if together else b""))
        assert isinstance(client.next_event(), ReplyReceived)
        if not together:
            client.receive_data(injected)
        with pytest.raises(RemoteProtocolError, match="plain text behind the reply to STARTTLS"):
            client.next_event() if looks_first else client.tls_established()
        assert client.state is State.CLOSED
        with pytest.raises(RemoteProtocolError):
            client.next_event()
        with pytest.raises(LocalProtocolError):
            client.tls_established()
        with pytest.raises(LocalProtocolError):
            client.send(Ehlo("relay"))


def test_a_refused_starttls_goes_on_in_clear() -> None:
    client = client_in(State.READY)
    say(client, StartTls(), Reply(454))
    assert (client.state, client.facts.tls) == (State.READY, False)


@pytest.mark.parametrize("state", [state for state in State if state is not State.TLS])
def test_there_is_a_handshake_only_after_220(state: State) -> None:
    with pytest.raises(LocalProtocolError, match="no handshake is on its way"):
        client_in(state).tls_established()


def test_a_server_that_closes_instead_of_the_handshake_has_closed() -> None:
    client = client_in(State.TLS)
    client.receive_data(b"")
    assert client.next_event() == ConnectionClosed()


# -- AUTH and XCLIENT


def test_an_exchange_goes_on_with_responses_until_it_is_decided() -> None:
    client = client_in(State.READY)
    say(client, Auth("LOGIN"), Reply(334, "VXNlcm5hbWU6"))
    assert client.send(AuthResponse(b"ann")) == b"YW5u\r\n"
    answered(client, b"334 UGFzc3dvcmQ6\r\n")
    assert client.state is State.AUTH
    client.send(AuthResponse(b"secret"))
    answered(client, codes(235))
    assert (client.state, client.facts.authenticated) == (State.READY, True)


def test_an_exchange_that_was_cancelled_or_refused_leaves_the_client_unknown() -> None:
    for response, code in ((AuthResponse(None), 501), (AuthResponse(b"x"), 535)):
        client = client_in(State.AUTH)
        say(client, response, Reply(code))
        assert (client.state, client.facts.authenticated) == (State.READY, False)


def test_a_challenge_may_be_longer_than_a_reply_line() -> None:
    client = client_in(State.READY, bounds=Bounds(reply_line=600, auth_line=3000))
    event = say(client, Auth("PLAIN"), Reply(334, "A" * 400))
    assert len(event.reply.text) == 400
    client.send(AuthResponse(b""))
    answered(client, b"334 " + b"A" * 2000 + b"\r\n")
    assert client.state is State.AUTH


def test_a_proxy_starts_the_session_over_but_for_tls() -> None:
    client = client_in(State.READY, tls=True)
    say(client, Auth("PLAIN", b"x"), Reply(235))
    say(client, Xclient((("NAME", "x"),)), Reply(220))
    assert (client.state, client.facts) == (State.GREETED, Facts(tls=True))


# -- no reply for another

GARBAGE = [
    b"garbage\r\n",
    b"250OK\r\n",
    b"\r\n",
    b"250 OK\n",
    b"2\xb50 OK\r\n",
    b"250-a\r\n550 b\r\n",
    b"250 " + b"x" * 600,
    b"150 hm\r\n",
]


@pytest.mark.parametrize("garbage", GARBAGE)
@pytest.mark.parametrize("place", range(4))
def test_after_garbage_the_client_raises_for_ever_and_takes_no_reply_for_the_missing_one(
    garbage: bytes, place: int
) -> None:
    good = [250, 250, 250, 354]
    client = client_in(State.READY)
    group(client, *TRANSACTION)
    client.receive_data(codes(*good[:place]) + garbage + codes(*good[place:]))
    for number in range(place):
        event = client.next_event()
        assert isinstance(event, ReplyReceived)
        assert event.command == TRANSACTION[number]
    with pytest.raises(RemoteProtocolError) as first:
        client.next_event()
    for octets in (b"", codes(250), codes(354), b"221 bye\r\n"):
        client.receive_data(octets)
        with pytest.raises(RemoteProtocolError) as again:
            client.next_event()
        assert again.value is first.value
    assert client.state is State.CLOSED
    with pytest.raises(LocalProtocolError, match="the session has ended"):
        client.send(Quit())


@given(st.permutations([250, 250, 354, 550, 503, 220]), st.integers(0, 3))
def test_a_reply_that_is_missing_or_too_many_is_an_error_and_never_moves_another(
    numbers: Sequence[int], place: int
) -> None:
    client = client_in(State.READY)
    group(client, *TRANSACTION)
    client.receive_data(codes(*numbers[:place]) + b"garbage\r\n" + codes(*numbers[place:]))
    seen, broken = heard(client)
    assert broken is not None
    assert [event.reply.code for event in seen] == list(numbers[: len(seen)])
    assert [event.command for event in seen] == list(TRANSACTION[: len(seen)])
    assert len(seen) <= place


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ((250, 354), "354 cannot answer RCPT in state MAIL"),
        ((354,), "354 cannot answer MAIL in state READY"),
        ((250, 250, 250, 250), "250 cannot answer DATA in state RCPT"),
        ((334,), "334 cannot answer MAIL in state READY"),
        ((550, 250), "250 cannot answer RCPT in state READY"),
    ],
)
def test_a_reply_that_cannot_answer_its_command_is_an_error(numbers: tuple[int, ...], message: str) -> None:
    client = client_in(State.READY)
    group(client, *TRANSACTION)
    client.receive_data(codes(*numbers))
    seen, broken = heard(client)
    assert len(seen) == len(numbers) - 1
    assert str(broken) == message


@pytest.mark.parametrize("code", [250, 550, 354, 221])
def test_a_reply_to_nothing_is_an_error(code: int) -> None:
    client = client_in(State.READY)
    client.receive_data(codes(code))
    with pytest.raises(RemoteProtocolError, match="a reply to nothing"):
        client.next_event()


@pytest.mark.parametrize("state", [state for state in State if state not in (State.CLOSED, State.TLS)])
def test_421_may_come_unasked_and_closes(state: State) -> None:
    client = client_in(state)
    assert answered(client, codes(421)) == [ReplyReceived(Reply(421, "text"), None)]
    assert (client.state, client.next_event()) == (State.CLOSED, ConnectionClosed())


@pytest.mark.parametrize("place", range(4))
def test_421_may_answer_any_command_and_closes(place: int) -> None:
    client = client_in(State.READY)
    group(client, *TRANSACTION)
    assert commands_answered(client, codes(*[250, 250, 250][:place], 421, 250))[-1] == (421, TRANSACTION[place])
    assert (client.state, client.next_event()) == (State.CLOSED, ConnectionClosed())
    assert client.outstanding == TRANSACTION[place + 1 :]


# -- the end


def test_quit_closes() -> None:
    client = client_in(State.READY)
    say(client, Quit(), Reply(221))
    assert (client.state, client.next_event()) == (State.CLOSED, ConnectionClosed())
    client.receive_data(b"250 more\r\n")
    assert client.next_event() == ConnectionClosed()


def test_a_server_that_owes_nothing_may_close() -> None:
    client = client_in(State.READY)
    client.receive_data(b"")
    assert (client.next_event(), client.state) == (ConnectionClosed(), State.CLOSED)


@pytest.mark.parametrize(
    ("state", "asked", "wire", "missing"),
    [
        (State.CONNECTED, None, b"", "GREETING"),
        (State.CONNECTED, None, b"220-mx\r\n", "GREETING"),
        (State.READY, Noop(), b"", "NOOP"),
        (State.READY, Noop(), b"250", "NOOP"),
        (State.READY, Quit(), b"221-bye\r\n", "QUIT"),
        (State.DATA, BodyEnd(), b"", "END"),
    ],
)
def test_a_server_that_closes_and_owes_a_reply_has_broken_the_protocol(
    state: State, asked: Command | BodyEnd | None, wire: bytes, missing: str
) -> None:
    client = client_in(state)
    if asked is not None:
        client.send(asked)
    if wire:
        answered(client, wire)
    client.receive_data(b"")
    with pytest.raises(RemoteProtocolError, match=f"the server closed and left {missing} unanswered"):
        client.next_event()


def test_a_server_that_closes_in_the_middle_of_an_unasked_line_has_broken_the_protocol() -> None:
    client = client_in(State.READY)
    client.receive_data(b"421 bu")
    assert client.next_event() is NEED_DATA
    client.receive_data(b"")
    with pytest.raises(RemoteProtocolError, match="the server closed"):
        client.next_event()


@given(
    st.sampled_from([state for state in State if state is not State.CLOSED]),
    soup(
        b"220",
        b"250",
        b"354",
        b"334",
        b"421",
        b"550",
        b" ",
        b"-",
        b"x",
        b"\r\n",
        b"250 ok\r\n",
        b"\n",
        b"\xff",
        b"5.1.1",
    )
    | st.binary(max_size=60),
    st.booleans(),
)
def test_no_octets_make_a_client_raise_anything_but_a_remote_protocol_error(
    state: State, octets: bytes, lmtp: bool
) -> None:
    client = client_in(state, lmtp=lmtp)
    client.receive_data(octets)
    client.receive_data(b"")
    _, broken = heard(client)
    assert client.state is State.CLOSED
    if broken is None:
        assert client.next_event() == ConnectionClosed()
    else:
        with pytest.raises(RemoteProtocolError):
            client.next_event()


def test_extensions_are_forgotten_where_the_session_starts_over() -> None:
    client = client_in(State.TLS)
    client.tls_established()
    assert client.facts.in_force == NO_EXTENSIONS
    assert not client.pipelining
