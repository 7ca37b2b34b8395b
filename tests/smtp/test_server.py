"""The server's end: bodies, facts, what may be answered, and what a client cannot do to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.smtp import (
    NEED_DATA,
    NEED_REPLY,
    NO_EXTENSIONS,
    Bdat,
    BodyData,
    BodyEnd,
    BodyFault,
    Bounds,
    ChunkEnd,
    ConnectionClosed,
    Data,
    Ehlo,
    EnhancedCode,
    Extensions,
    Facts,
    Helo,
    Lhlo,
    LocalProtocolError,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Refused,
    RemoteProtocolError,
    Reply,
    Rset,
    ServerConnection,
    StartTls,
    State,
    Verb,
)
from tests.smtp.stages import ALL, ANN, BOB, OK, hear, refusal, serve, server_in

# -- the opening


def test_nothing_is_read_before_the_greeting_was_sent() -> None:
    server = ServerConnection("mx")
    server.receive_data(b"QUIT\r\n")
    assert server.next_event() is NEED_REPLY
    assert server.send(Reply(220, "mx ESMTP")) == b"220 mx ESMTP\r\n"
    assert server.next_event() == Quit()


def test_behind_a_refused_greeting_there_is_only_quit() -> None:
    server = server_in(State.REFUSED)
    for line in (b"EHLO relay\r\n", b"NOOP\r\n", b"STARTTLS\r\n", b"MAIL FROM:<>\r\n"):
        (refused,) = serve(server, line)
        assert isinstance(refused, Refused)
        assert refused.reply == Reply(503, "nothing but QUIT here", "5.5.1")
    assert serve(server, b"QUIT\r\n", Reply(221)) == [Quit(), ConnectionClosed()]


def test_a_greeting_is_a_2yz_a_refusal_or_421() -> None:
    assert server_in(State.CONNECTED).send(Reply(421))
    with pytest.raises(LocalProtocolError, match="354 does not answer GREETING in state CONNECTED"):
        server_in(State.CONNECTED).send(Reply(354))


# -- introductions


def test_ehlo_is_answered_with_what_is_offered() -> None:
    server = server_in(State.GREETED, Extensions.of("PIPELINING", "SIZE 1000"))
    assert hear(server, b"EHLO relay\r\n") == [Ehlo("relay")]
    assert server.send(server.hello_reply()) == b"250-mx\r\n250-PIPELINING\r\n250 SIZE 1000\r\n"
    assert server.facts == Facts(hello=Ehlo("relay"), in_force=Extensions.of("PIPELINING", "SIZE 1000"))


def test_helo_is_answered_with_the_name_alone_and_nothing_is_in_force() -> None:
    server = server_in(State.READY)
    assert hear(server, b"HELO relay\r\n") == [Helo("relay")]
    assert server.send(server.hello_reply()) == b"250 mx\r\n"
    assert server.facts == Facts(hello=Helo("relay"))


def test_lmtp_is_introduced_with_lhlo() -> None:
    server = server_in(State.GREETED, lmtp=True)
    assert hear(server, b"LHLO relay\r\n") == [Lhlo("relay")]
    server.send(server.hello_reply())
    assert server.facts.hello == Lhlo("relay")


def test_what_is_offered_depends_on_tls_and_identity() -> None:
    offers = Extensions.of("STARTTLS", "REQUIRETLS", "AUTH PLAIN", "DSN")
    in_clear = server_in(State.READY, offers, auth_in_clear=False)
    assert list(in_clear.extensions) == ["STARTTLS", "DSN"]
    assert list(server_in(State.READY, offers).extensions) == ["STARTTLS", "AUTH", "DSN"]
    encrypted = server_in(State.READY, offers, tls=True)
    assert list(encrypted.extensions) == ["REQUIRETLS", "AUTH", "DSN"]
    serve(encrypted, b"AUTH PLAIN AGEAYg==\r\n", Reply(235))
    assert list(encrypted.extensions) == ["REQUIRETLS", "DSN"]


def test_an_introduction_that_is_refused_changes_nothing() -> None:
    server = server_in(State.RCPT)
    before = server.facts
    serve(server, b"EHLO other\r\n", Reply(550))
    assert (server.state, server.facts) == (State.RCPT, before)
    assert server.facts.hello == Ehlo("relay")


@pytest.mark.parametrize("line", [b"EHLO again\r\n", b"HELO again\r\n", b"RSET\r\n"])
@pytest.mark.parametrize("state", [State.MAIL, State.RCPT, State.CHUNK])
def test_an_introduction_and_rset_forget_the_transaction(state: State, line: bytes) -> None:
    server = server_in(state)
    serve(server, line)
    assert (server.state, server.facts.recipients, server.facts.utf8) == (State.READY, 0, False)


# -- DATA


def test_a_body_comes_in_pieces_and_its_end_is_answered_once() -> None:
    server = server_in(State.DATA)
    assert hear(server, b"one\r\n..two") == [BodyData(b"one\r\n.two")]
    assert server.next_event() is NEED_DATA
    assert hear(server, b"\r\n.\r\n") == [BodyData(b"\r\n"), BodyEnd()]
    assert server.next_event() is NEED_REPLY
    server.send(OK)
    assert (server.state, server.next_event()) == (State.READY, NEED_DATA)


def test_an_empty_body_has_only_its_end() -> None:
    assert hear(server_in(State.DATA), b".\r\n") == [BodyEnd()]


@pytest.mark.parametrize(
    ("content", "fault", "reply"),
    [
        (b"a\nb\r\n", BodyFault.LONE_LF, Reply(554, "a line in the message ends with CR or LF alone", "5.6.0")),
        (b"a\rb\r\n", BodyFault.LONE_CR, Reply(554, "a line in the message ends with CR or LF alone", "5.6.0")),
        (b"x" * 30 + b"\r\n", BodyFault.LONG_LINE, Reply(554, "a line in the message is too long", "5.6.0")),
        (b"abc\r\n" * 9, BodyFault.TOO_BIG, Reply(552, "the message is larger than this server takes", "5.3.4")),
        (
            b"\nx" * 40 + b"\r\n",
            BodyFault.LONE_LF | BodyFault.LONG_LINE | BodyFault.TOO_BIG,
            Reply(554, "a line in the message ends with CR or LF alone", "5.6.0"),
        ),
    ],
)
def test_a_faulty_body_is_read_to_its_end_and_cannot_be_accepted(
    content: bytes, fault: BodyFault, reply: Reply
) -> None:
    offers = Extensions.of("PIPELINING", "CHUNKING", "SIZE 40")
    end: BodyEnd | ChunkEnd = BodyEnd(fault, reply)
    server = server_in(State.DATA, offers, bounds=Bounds(text_line=20))
    assert hear(server, content + b".\r\nRSET\r\n")[-1] == end
    chunks = server_in(State.RCPT, offers, bounds=Bounds(text_line=20))
    chunk = b"BDAT %d LAST\r\n" % len(content) + content
    assert hear(chunks, chunk + b"RSET\r\n")[-1] == ChunkEnd(True, fault, reply)
    for one in (server, chunks):
        with pytest.raises(LocalProtocolError, match="was refused here already"):
            one.send(OK)
        one.send(reply)
        assert (one.state, one.next_event()) == (State.READY, Rset())


def test_once_a_fault_is_known_no_more_of_the_body_is_handed_out() -> None:
    server = server_in(State.DATA)
    assert hear(server, b"a\nb\r\n") == []
    assert hear(server, b"more\r\n") == []
    assert [type(event) for event in hear(server, b".\r\n")] == [BodyEnd]


def test_a_refused_end_of_data_ends_the_transaction() -> None:
    server = server_in(State.DATA)
    serve(server, b".\r\n", Reply(451))
    assert (server.state, server.facts.recipients) == (State.READY, 0)


def test_a_refused_data_leaves_the_transaction_open() -> None:
    server = server_in(State.RCPT)
    serve(server, b"DATA\r\n", Reply(451))
    assert (server.state, server.facts.recipients) == (State.RCPT, 1)


@pytest.mark.parametrize("code", [250, 334])
def test_data_is_answered_with_354_or_a_refusal(code: int) -> None:
    server = server_in(State.RCPT)
    assert hear(server, b"DATA\r\n") == [Data()]
    if code == 250:
        with pytest.raises(LocalProtocolError, match="250 does not answer DATA in state RCPT"):
            server.send(Reply(250))
    server.send(Reply(354))
    assert server.state is State.DATA


def test_data_without_a_valid_recipient_is_refused() -> None:
    server = server_in(State.MAIL)
    serve(server, b"RCPT TO:<a@b>\r\n", Reply(550))
    refused = refusal(server, b"DATA\r\n")
    assert refused == Refused(Verb.DATA, Reply(554, "no valid recipients: say RCPT first", "5.5.1"))
    in_lmtp = refusal(server_in(State.MAIL, lmtp=True), b"DATA\r\n")
    assert in_lmtp.reply.code == 503  # RFC 2033 4.2


# -- BDAT


def test_a_message_in_chunks() -> None:
    server = server_in(State.RCPT)
    assert serve(server, b"BDAT 4\r\na\r\nbBDAT 0\r\nBDAT 2 LAST\r\n\r\n") == [
        *(Bdat(4), BodyData(b"a\r\nb"), ChunkEnd(False), Bdat(0), ChunkEnd(False)),
        *(Bdat(2, last=True), BodyData(b"\r\n"), ChunkEnd(True)),
    ]
    assert server.state is State.READY


@pytest.mark.parametrize("state", [State.GREETED, State.READY, State.MAIL])
@pytest.mark.parametrize("last", [b"", b" LAST"])
def test_a_refused_chunk_is_thrown_away_to_the_octet(state: State, last: bytes) -> None:
    server = server_in(state)
    events = serve(server, b"BDAT 27%b\r\nMAIL FROM:<evil@example>\r\nx" % last + b"RSET\r\n")
    assert isinstance(events[0], Refused)
    assert events[0].skip_octets == 27
    assert events[0].verb is (Verb.BDAT_LAST if last else Verb.BDAT)
    assert events[1:] == [Rset()]
    assert server.state is (State.GREETED if state is State.GREETED else State.READY)


def test_a_chunk_that_is_not_offered_is_thrown_away_to_the_octet() -> None:
    server = server_in(State.RCPT, Extensions.of("PIPELINING"))
    events = serve(server, b"BDAT 6 LAST\r\nNOOP\r\nRSET\r\n")
    assert events == [Refused(Verb.BDAT_LAST, Reply(502, "not available here", "5.5.1"), skip_octets=6), Rset()]


def test_an_empty_chunk_that_is_refused_is_answered_at_once() -> None:
    assert refusal(server_in(State.MAIL), b"BDAT 0 LAST\r\n").reply.code == 554


def test_the_limit_on_size_holds_after_a_refused_chunk() -> None:
    server = server_in(State.MAIL, Extensions.of("PIPELINING", "CHUNKING", "SIZE 10"))
    events = serve(server, b"BDAT 3\r\nabcRCPT TO:<bob@example.net>\r\nBDAT 12 LAST\r\n0123456789\r\n")
    assert [type(event) for event in events] == [Refused, Rcpt, Bdat, ChunkEnd]
    assert isinstance(end := events[-1], ChunkEnd)
    assert end.fault is BodyFault.TOO_BIG


def test_a_refused_chunk_is_no_part_of_the_message_that_follows() -> None:
    server = server_in(State.MAIL)
    events = serve(server, b"BDAT 3\r\n\r\r\nRCPT TO:<bob@example.net>\r\nBDAT 3 LAST\r\na\r\n")
    assert events[1:] == [Rcpt(BOB), Bdat(3, last=True), BodyData(b"a\r\n"), ChunkEnd(True)]


@pytest.mark.parametrize("end", [b"RSET\r\n", b"EHLO relay\r\n"])
def test_rset_and_an_introduction_reset_the_chunks(end: bytes) -> None:
    server = server_in(State.RCPT)
    serve(server, b"BDAT 3\r\nab\r" + end)
    again = b"MAIL FROM:<>\r\nRCPT TO:<bob@example.net>\r\nBDAT 3 LAST\r\nc\r\n"
    server_events = serve(server, again, server.hello_reply()) if end.startswith(b"EHLO") else serve(server, again)
    assert server_events[-2:] == [BodyData(b"c\r\n"), ChunkEnd(True)]


def test_a_chunk_that_is_refused_ends_the_transaction_and_resets_the_chunks() -> None:
    server = server_in(State.RCPT)
    serve(server, b"BDAT 3\r\nab\r", Reply(452))
    assert (server.state, server.facts.recipients) == (State.READY, 0)
    events = serve(server, b"BDAT 1 LAST\r\nx")
    assert isinstance(refused := events[0], Refused)
    assert (refused.reply.code, refused.skip_octets) == (503, 1)
    again = serve(server, b"MAIL FROM:<>\r\nRCPT TO:<bob@example.net>\r\nBDAT 3 LAST\r\nc\r\n")
    assert again[-1] == ChunkEnd(True)


def test_a_fault_in_an_early_chunk_refuses_that_chunk() -> None:
    server = server_in(State.RCPT)
    assert isinstance(end := hear(server, b"BDAT 3\r\na\nb")[-1], ChunkEnd)
    assert (end.last, end.fault) == (False, BodyFault.LONE_LF)
    with pytest.raises(LocalProtocolError):
        server.send(OK)


def test_data_within_chunks_is_refused() -> None:
    assert refusal(server_in(State.CHUNK), b"DATA\r\n").reply.code == 503


@pytest.mark.parametrize(
    "line", [b"BDAT", b"BDAT x", b"BDAT -1", b"BDAT 99999999999999999999", b"BDAT 5 X", b"BDAT 5\0"]
)
def test_a_bdat_that_cannot_be_read_ends_the_session_for_nobody_knows_where_its_chunk_ends(line: bytes) -> None:
    server = server_in(State.RCPT)
    events = serve(server, line + b"\r\nRSET\r\n")
    assert [type(event) for event in events] == [Refused, ConnectionClosed]


def test_a_bdat_over_the_line_limit_ends_the_session_too() -> None:
    events = serve(server_in(State.RCPT), b"BDAT 6" + b" " * 600 + b"LAST\r\nRSET\r\n")
    assert [type(event) for event in events] == [Refused, ConnectionClosed]


# -- LMTP, RFC 2033 4.2


@pytest.mark.parametrize("body", [b"a\r\n.\r\n", b".\r\n"])
def test_in_lmtp_the_end_of_data_is_answered_once_for_each_recipient(body: bytes) -> None:
    server = server_in(State.RCPT, lmtp=True)
    serve(server, b"RCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nRCPT TO:<g@h>\r\n", OK, Reply(550), OK)
    serve(server, b"DATA\r\n", Reply(354))
    assert hear(server, body + b"RSET\r\n")[-1] == BodyEnd()
    for code in (250, 550, 450):
        assert server.next_event() is NEED_REPLY
        assert server.state is State.DATA
        server.send(Reply(code))
    assert (server.state, server.next_event()) == (State.READY, Rset())


def test_in_lmtp_only_the_last_chunk_is_answered_for_each_recipient() -> None:
    server = server_in(State.RCPT, lmtp=True)
    serve(server, b"RCPT TO:<c@d>\r\n")
    events = serve(server, b"BDAT 0\r\nBDAT 0 LAST\r\nRSET\r\n")
    assert events == [Bdat(0), ChunkEnd(False), Bdat(0, last=True), ChunkEnd(True), Rset()]


def test_in_lmtp_a_faulty_body_is_refused_for_each_recipient() -> None:
    server = server_in(State.RCPT, lmtp=True)
    serve(server, b"RCPT TO:<c@d>\r\n")
    end = hear(server, b"BDAT 1 LAST\r\n\n")[-1]
    assert isinstance(end, ChunkEnd)
    assert end.refusal is not None
    for _ in range(2):
        with pytest.raises(LocalProtocolError):
            server.send(OK)
        server.send(end.refusal)
    assert server.state is State.READY


def test_421_for_one_recipient_closes_for_all() -> None:
    server = server_in(State.DATA, lmtp=True)
    hear(server, b".\r\n")
    server.send(Reply(421))
    assert (server.state, server.next_event()) == (State.CLOSED, ConnectionClosed())


# -- STARTTLS, RFC 3207


def test_the_handshake_starts_the_session_over() -> None:
    server = server_in(State.TLS)
    assert server.next_event() is NEED_REPLY
    server.tls_established()
    assert (server.state, server.facts, server.next_event()) == (State.GREETED, Facts(tls=True), NEED_DATA)
    assert "STARTTLS" not in server.extensions
    assert refusal(server, b"MAIL FROM:<>\r\n").reply == Reply(503, "say EHLO first", "5.5.1")


@pytest.mark.parametrize(
    "injected", [b"R", b"\r\n", b"RSET\r\n", b"EHLO evil\r\nMAIL FROM:<evil@example>\r\n", b"\x16\x03\x01"]
)
def test_plain_text_behind_starttls_ends_the_session_and_is_never_processed(injected: bytes) -> None:
    together = server_in(State.READY)
    events = serve(together, b"STARTTLS\r\n" + injected, Reply(220))
    assert [type(event) for event in events] == [Refused, ConnectionClosed]
    apart = server_in(State.TLS)
    apart.receive_data(injected)
    assert apart.next_event() is NEED_REPLY
    with pytest.raises(RemoteProtocolError, match="plain text behind STARTTLS"):
        apart.tls_established()
    assert (apart.state, apart.next_event(), apart.unread) == (State.CLOSED, ConnectionClosed(), False)


def test_a_refused_starttls_goes_on_in_clear() -> None:
    server = server_in(State.READY)
    assert serve(server, b"STARTTLS\r\n", Reply(454)) == [StartTls()]
    assert (server.state, server.facts.tls) == (State.READY, False)


def test_nothing_is_said_in_clear_between_220_and_the_handshake() -> None:
    server = server_in(State.TLS)
    for code in (220, 250, 454):
        with pytest.raises(LocalProtocolError, match="nothing to answer"):
            server.send(Reply(code))
    server.tls_established()
    assert server.state is State.GREETED


@pytest.mark.parametrize("state", [state for state in State if state is not State.TLS])
def test_there_is_a_handshake_only_after_220(state: State) -> None:
    with pytest.raises(LocalProtocolError, match="no handshake is on its way"):
        server_in(state).tls_established()


# -- AUTH and XCLIENT


def test_an_exchange_goes_on_with_challenges_until_it_is_decided() -> None:
    server = server_in(State.READY)
    hear(server, b"AUTH LOGIN\r\n")
    for response in (b"YQ==\r\n", b"Yg==\r\n"):
        assert server.send(Reply(334, "VXNlcm5hbWU6")) == b"334 VXNlcm5hbWU6\r\n"
        hear(server, response)
    assert not server.facts.authenticated
    server.send(Reply(235))
    assert (server.state, server.facts.authenticated) == (State.READY, True)


def test_a_refused_exchange_leaves_the_client_unknown() -> None:
    server = server_in(State.AUTH)
    serve(server, b"YQ==\r\n", Reply(535))
    assert (server.state, server.facts.authenticated) == (State.READY, False)


def test_a_challenge_may_be_longer_than_a_reply_line_and_is_not_folded() -> None:
    server = server_in(State.READY)
    hear(server, b"AUTH PLAIN\r\n")
    assert server.send(Reply(334, "A" * 4000)).count(b"\r\n") == 1


def test_a_proxy_starts_the_session_over_but_for_tls() -> None:
    server = server_in(State.READY, tls=True)
    serve(server, b"AUTH PLAIN AGEAYg==\r\n", Reply(235))
    serve(server, b"XCLIENT NAME=relay.example\r\n", Reply(220))
    assert (server.state, server.facts) == (State.GREETED, Facts(tls=True))


def test_a_client_whose_login_a_proxy_vouches_for_is_not_asked_for_it_again() -> None:
    server = server_in(State.READY, tls=True)
    serve(server, b"XCLIENT LOGIN=ann\r\n", Reply(220))
    assert server.facts == Facts(tls=True, authenticated=True)
    assert "AUTH" not in server.extensions
    serve(server, b"EHLO client.example\r\n", server.hello_reply())
    serve(server, b"XCLIENT LOGIN=[UNAVAILABLE]\r\n", Reply(220))
    assert server.facts == Facts(tls=True)


# -- replies


def test_a_reply_is_utf8_only_in_a_transaction_that_asked_for_it() -> None:
    server = server_in(State.READY)
    hear(server, b"MAIL FROM:<> SMTPUTF8\r\n")
    assert server.send(Reply(250, "grüß")) == b"250 gr\\xfc\\xdf\r\n"
    hear(server, b"RCPT TO:<bob@example.net>\r\n")
    assert server.send(Reply(250, "grüß")) == "250 grüß\r\n".encode()
    hear(server, b"RSET\r\n")
    assert server.send(Reply(250, "grüß")) == "250 grüß\r\n".encode()  # the transaction ends with this reply
    hear(server, b"NOOP\r\n")
    assert server.send(Reply(250, "ü")) == b"250 \\xfc\r\n"


def test_an_event_is_answered_exactly_once() -> None:
    server = server_in(State.READY)
    with pytest.raises(LocalProtocolError, match="nothing to answer with 250"):
        server.send(OK)
    assert hear(server, b"NOOP\r\n") == [Noop()]
    assert server.next_event() is NEED_REPLY
    server.send(OK)
    with pytest.raises(LocalProtocolError, match="nothing to answer with 250"):
        server.send(OK)


def test_neither_content_nor_the_start_of_a_chunk_is_answered() -> None:
    in_data, in_chunk = server_in(State.DATA), server_in(State.RCPT)
    assert hear(in_data, b"a\r\n") == [BodyData(b"a\r\n")]
    assert hear(in_chunk, b"BDAT 5\r\nab") == [Bdat(5), BodyData(b"ab")]
    for server in (in_data, in_chunk):
        with pytest.raises(LocalProtocolError, match="nothing to answer"):
            server.send(OK)


def test_a_refusal_by_the_machine_cannot_be_turned_into_a_promise() -> None:
    server = server_in(State.READY)
    refused = refusal(server, b"RCPT TO:<a@b>\r\n")
    for code in (250, 354):
        with pytest.raises(LocalProtocolError, match="RCPT was refused here already"):
            server.send(Reply(code))
    server.send(Reply(450, "a refusal of its own", "4.5.1"))
    assert refused.reply.enhanced == EnhancedCode(5, 5, 1)
    assert server.state is State.READY


def test_a_refusal_that_closes_closes_whatever_refuses() -> None:
    server = server_in(State.READY)
    refusal(server, b"NOOP\n")
    server.send(Reply(450))
    assert server.state is State.CLOSED


def test_a_reply_that_cannot_be_written_changes_nothing() -> None:
    server = server_in(State.READY)
    hear(server, b"MAIL FROM:<>\r\n")
    with pytest.raises(LocalProtocolError, match="cannot be sent"):
        server.send(Reply(250, "a\r\n250 b"))
    assert (server.state, server.next_event(), server.errors) == (State.READY, NEED_REPLY, 0)
    server.send(OK)
    assert server.state is State.MAIL


@pytest.mark.parametrize("state", [state for state in State if state is not State.CLOSED])
def test_421_may_be_said_at_any_time_and_closes(state: State) -> None:
    server = server_in(state)
    assert server.send(Reply(421, "going down", "4.3.2")) == b"421 4.3.2 going down\r\n"
    assert server.state is State.CLOSED
    assert server.next_event() == ConnectionClosed()


def test_421_may_be_said_in_the_middle_of_a_line_a_body_and_a_chunk() -> None:
    for state, octets in ((State.READY, b"NO"), (State.DATA, b"a\r\n."), (State.RCPT, b"BDAT 9\r\nabc")):
        server = server_in(state)
        hear(server, octets)
        server.send(Reply(421))
        assert (server.next_event(), server.unread) == (ConnectionClosed(), False)


def test_after_the_end_nothing_is_said_or_kept() -> None:
    server = server_in(State.CLOSED)
    for code in (250, 421):
        with pytest.raises(LocalProtocolError, match="nothing to answer"):
            server.send(Reply(code))
    server.receive_data(b"NOOP\r\n")
    assert (server.next_event(), server.unread) == (ConnectionClosed(), False)


def test_a_bdat_line_over_every_limit_closes_since_its_chunk_would_be_read_as_commands() -> None:
    server = server_in(State.RCPT)
    server.receive_data(b"BDAT 6" + b" " * 20000 + b"\r\nQUIT\r\n")
    refused = server.next_event()
    assert isinstance(refused, Refused)
    assert (refused.reply.code, refused.closes) == (500, True)


def test_counts_the_refusals() -> None:
    server = server_in(State.READY)
    serve(server, b"FOO\r\nRCPT TO:<a@b>\r\nVRFY x\r\n", Reply(550))
    assert server.errors == 3


def test_want_of_room_is_no_error_of_the_client() -> None:
    server = server_in(State.MAIL)
    serve(server, b"RCPT TO:<a@b>\r\n" * 30, Reply(452))
    assert server.errors == 0


@pytest.mark.parametrize("commands", [(b"DATA\r\n", b".\r\n"), (b"BDAT 0 LAST\r\n",)])
def test_an_accepted_message_wipes_out_the_refusals_before_it(commands: tuple[bytes, ...]) -> None:
    server = server_in(State.RCPT)
    serve(server, b"FOO\r\n")
    assert server.errors == 1
    for octets in commands:
        serve(server, octets, Reply(354) if octets == b"DATA\r\n" else Reply(250))
    assert (server.state, server.errors) == (State.READY, 0)


# -- the end


@pytest.mark.parametrize(
    ("state", "octets"),
    [
        (State.GREETED, b""),
        (State.READY, b"NOOP"),
        (State.DATA, b"a\r\n."),
        (State.RCPT, b"BDAT 9\r\nabc"),
        (State.AUTH, b"AA"),
    ],
)
def test_what_the_client_leaves_unfinished_is_no_event(state: State, octets: bytes) -> None:
    server = server_in(state)
    hear(server, octets)
    server.receive_data(b"")
    assert (server.next_event(), server.state) == (ConnectionClosed(), State.CLOSED)
    assert server.next_event() == ConnectionClosed()


def test_what_came_before_the_end_is_answered_first() -> None:
    server = server_in(State.READY)
    server.receive_data(b"RSET\r\nNOOP\r\n")
    server.receive_data(b"")
    assert server.next_event() == Rset()
    assert server.next_event() is NEED_REPLY
    server.send(OK)
    assert server.next_event() == Noop()
    server.send(OK)
    assert server.next_event() == ConnectionClosed()


def test_knows_whether_more_of_the_group_waits() -> None:
    server = server_in(State.READY)
    known = [server.unread]
    assert hear(server, b"MAIL FROM:<ann@example.org>\r\nRCPT TO:<bob@example.net>\r\n") == [Mail(ANN)]
    known.append(server.unread)
    server.send(OK)
    assert server.next_event() == Rcpt(BOB)
    assert [*known, server.unread] == [False, True, False]


def test_replies_to_a_group_can_leave_together() -> None:
    server = server_in(State.READY)
    server.receive_data(b"MAIL FROM:<ann@example.org>\r\nRCPT TO:<bob@example.net>\r\nDATA\r\n")
    wire = b""
    for reply in (OK, OK, Reply(354, "go on")):
        server.next_event()
        wire += server.send(reply)
    assert wire == b"250 2.0.0 OK\r\n250 2.0.0 OK\r\n354 go on\r\n"
    assert server.next_event() is NEED_DATA


@given(
    st.binary(max_size=200), st.sampled_from([state for state in State if state not in (State.TLS, State.CONNECTED)])
)
def test_no_octets_make_a_server_raise(octets: bytes, state: State) -> None:
    server = server_in(state, ALL, bounds=Bounds(command_line=60, auth_line=80, text_line=30, errors=5))
    serve(server, octets)
    server.receive_data(b"")
    assert server.next_event() == ConnectionClosed()
    assert server.facts.in_force is not NO_EXTENSIONS or server.facts.hello is None
