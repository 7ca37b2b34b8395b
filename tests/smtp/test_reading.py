"""The server's judgement on lines: which command is understood where, and what refuses the others."""

import pytest

from empath.smtp import (
    BASIC,
    Auth,
    AuthResponse,
    Bounds,
    ConnectionClosed,
    Extensions,
    Mail,
    MailParams,
    Quit,
    Rcpt,
    Refused,
    Reply,
    ServerConnection,
    ServerEvent,
    State,
    Verb,
)
from empath.smtp.session import hoped
from tests.smtp.stages import ALL, ANN, BOB, hear, refusal, serve, server_in

LINES = {
    Verb.HELO: b"HELO relay",
    Verb.EHLO: b"EHLO relay",
    Verb.LHLO: b"LHLO relay",
    Verb.MAIL: b"MAIL FROM:<ann@example.org>",
    Verb.RCPT: b"RCPT TO:<bob@example.net>",
    Verb.DATA: b"DATA",
    Verb.BDAT: b"BDAT 0",
    Verb.BDAT_LAST: b"BDAT 0 LAST",
    Verb.RSET: b"RSET",
    Verb.NOOP: b"NOOP",
    Verb.VRFY: b"VRFY ann",
    Verb.EXPN: b"EXPN all",
    Verb.HELP: b"HELP",
    Verb.QUIT: b"QUIT",
    Verb.STARTTLS: b"STARTTLS",
    Verb.AUTH: b"AUTH PLAIN",
    Verb.XCLIENT: b"XCLIENT NAME=x",
}
READING = (State.REFUSED, State.GREETED, State.READY, State.MAIL, State.RCPT, State.CHUNK)


@pytest.mark.parametrize("lmtp", [False, True])
@pytest.mark.parametrize("state", READING)
def test_a_command_is_understood_exactly_where_the_table_hopes_for_it(state: State, lmtp: bool) -> None:
    foreign = (Verb.HELO, Verb.EHLO) if lmtp else (Verb.LHLO,)
    for verb, line in LINES.items():
        event = hear(server_in(state, lmtp=lmtp), line + b"\r\n")[0]
        if verb in foreign:
            assert isinstance(event, Refused)
            assert (event.reply.code, str(event.reply.enhanced)) == (500, "5.5.1")
        elif hoped(state, verb) is None:
            assert isinstance(event, Refused)
            assert event.reply.code in (503, 554)
            assert (event.reply.code == 554) == (
                state is State.MAIL and not lmtp and verb in (Verb.DATA, Verb.BDAT, Verb.BDAT_LAST)
            )
        else:
            assert not isinstance(event, Refused)
            assert event is not None
            assert getattr(event, "verb", None) is verb


@pytest.mark.parametrize("line", [b"noop", b"NoOp", b"NOOP  ", b"NOOP\t", b"NOOP x y"])
def test_verbs_are_read_in_any_case_and_white_space_at_the_end_is_nothing(line: bytes) -> None:
    assert [type(event).__name__ for event in hear(server_in(State.READY), line + b"\r\n")] == ["Noop"]


def judged(state: State, line: bytes, offers: Extensions = ALL) -> tuple[int, str, bool]:
    """Code, enhanced code and whether the session ends, of the refusal of a line."""
    return verdict_of(server_in(state, offers), line)


def verdict_of(server: ServerConnection, line: bytes) -> tuple[int, str, bool]:
    """As ``judged``."""
    refused = refusal(server, line + b"\r\n")
    return refused.reply.code, str(refused.reply.enhanced), refused.closes


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (b"", (500, "5.5.2", False)),
        (b" NOOP", (500, "5.5.2", False)),
        (b"NOOPX", (500, "5.5.2", False)),
        (b"TURN", (500, "5.5.2", False)),
        (b"END", (500, "5.5.2", False)),
        (b"BDAT_LAST 5", (500, "5.5.2", False)),
        (b"NOOP\x00", (500, "5.5.2", False)),
        (b"MAIL\tFROM:<>", (500, "5.5.2", False)),
        (b"\xef\xbb\xbfNOOP", (500, "5.5.2", False)),
        (b"GET / HTTP/1.1", (500, "5.5.1", True)),
        (b"POST / HTTP/1.1", (500, "5.5.1", True)),
        (b"PRI * HTTP/2.0", (500, "5.5.1", True)),
        (b"NOOP \x00", (501, "5.5.4", False)),
        (b"NOOP a\rb", (501, "5.5.4", False)),
        (b"VRFY \x1b[2J", (501, "5.5.4", False)),
        (b"MAIL FROM:<a\x00@b>", (501, "5.5.4", False)),
        (b"MAIL FROM:<a@b\x7f>", (501, "5.5.4", False)),
        (b"RSET x", (501, "5.5.4", False)),
        (b"MAIL FROM:<a@b.>", (501, "5.1.7", False)),
        (b"MAIL FROM:<\xc3\xbc@b>", (553, "5.6.7", False)),
        (b"MAIL FROM:<a@b> FOO=bar", (555, "5.5.4", False)),
        (b"MAIL FROM:<a@b> SIZE=1001", (552, "5.3.4", False)),
        (b"AUTH GSSAPI", (504, "5.5.4", False)),
        (b"AUTH PLAIN !", (501, "5.5.2", False)),
        (b"BDAT x", (501, "5.5.4", True)),
        (b"BDAT 5\x00", (501, "5.5.4", True)),
    ],
)
def test_a_line_that_is_refused_gets_the_code_that_fits(line: bytes, verdict: tuple[int, str, bool]) -> None:
    assert judged(State.READY, line) == verdict


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (b"RCPT TO:<a@b.>", (501, "5.1.3", False)),
        (b"RCPT TO:<>", (501, "5.1.3", False)),
        (b"RCPT TO:<\xc3\xbc@b>", (553, "5.6.7", False)),
        (b"RCPT TO:<a@b> SIZE=5", (555, "5.5.4", False)),
        (b"RCPT TO:<a@b> NOTIFY=X", (501, "5.5.4", False)),
    ],
)
def test_a_recipient_that_is_refused_gets_the_code_that_fits(line: bytes, verdict: tuple[int, str, bool]) -> None:
    assert judged(State.MAIL, line) == verdict


def test_a_recipient_may_be_utf8_where_mail_asked_for_it() -> None:
    server = server_in(State.READY)
    serve(server, "MAIL FROM:<ü@b> SMTPUTF8\r\n".encode())
    assert [type(event) for event in serve(server, "RCPT TO:<ü@b>\r\n".encode())] == [Rcpt]
    serve(server, b"RSET\r\nMAIL FROM:<a@b>\r\n")
    assert refusal(server, "RCPT TO:<ü@b>\r\n".encode()).reply.code == 553


# -- extensions


@pytest.mark.parametrize("line", [b"STARTTLS", b"AUTH PLAIN"])
def test_what_was_never_offered_is_not_available(line: bytes) -> None:
    assert judged(State.READY, line, BASIC) == (502, "5.5.1", False)


def test_a_stranger_may_not_speak_for_others() -> None:
    assert judged(State.READY, b"XCLIENT NAME=x", BASIC) == (550, "5.7.0", False)


def test_what_is_not_available_is_said_in_a_way_that_helps() -> None:
    assert verdict_of(server_in(State.READY, auth_in_clear=False), b"AUTH PLAIN") == (538, "5.7.11", False)
    assert verdict_of(server_in(State.READY, tls=True), b"STARTTLS") == (503, "5.5.1", False)
    assert judged(State.GREETED, b"STARTTLS") == (503, "5.5.1", False)
    after_helo = server_in(State.GREETED)
    serve(after_helo, b"HELO relay\r\n")
    for line in (b"STARTTLS\r\n", b"AUTH PLAIN\r\n", b"XCLIENT NAME=x\r\n"):
        assert serve(after_helo, line) == [
            Refused(Verb[line.split()[0].decode()], Reply(503, "say EHLO first", "5.5.1"))
        ]


def test_parameters_are_not_offered_after_helo() -> None:
    server = server_in(State.GREETED)
    serve(server, b"HELO relay\r\n")
    assert refusal(server, b"MAIL FROM:<a@b> SIZE=5\r\n").reply.code == 555


def test_a_second_authentication_is_503_and_a_mail_may_name_its_submitter() -> None:
    server = server_in(State.READY)
    serve(server, b"AUTH PLAIN AGEAYg==\r\n", Reply(235))
    assert server.facts.authenticated
    assert serve(server, b"AUTH PLAIN AGEAYg==\r\n") == [
        Refused(Verb.AUTH, Reply(503, "already authenticated", "5.5.1"))
    ]
    assert serve(server, b"MAIL FROM:<ann@example.org> AUTH=<>\r\n") == [Mail(ANN, MailParams(auth="<>"))]


# -- the order of the gates


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"FOO" + b"x" * 600 + b"\0\n", 500),  # a line end outweighs its length
        (b"FOO" + b"x" * 600 + b"\0\r\n", 500),  # its length outweighs what it says
        (b"DATA x\0\r\nNOOP\r\n", 503),  # its place outweighs its company and its grammar
        (b"STARTTLS x\r\nNOOP\r\n", 502),  # what is not there outweighs its company
        (b"EHLO\r\nNOOP\r\n", 503),  # its company outweighs its grammar
        (b"MAIL FROM:<a@b.> SIZE=9999\r\n", 501),  # its grammar outweighs the limits
    ],
)
def test_the_first_gate_that_a_line_does_not_pass_answers_it(line: bytes, code: int) -> None:
    event = hear(server_in(State.READY, Extensions.of("PIPELINING", "SIZE 1000")), line)[0]
    assert isinstance(event, Refused)
    assert event.reply.code == code
    assert event.closes == (line.endswith(b"\0\n"))


def test_after_too_many_errors_every_line_is_421() -> None:
    server = server_in(State.READY, bounds=Bounds(errors=2))
    serve(server, b"FOO\r\nBAR\r\n")
    assert server.errors == 2
    events = serve(server, b"NOOP\r\n")
    assert events[0] == Refused(Verb.NOOP, Reply(421, "too many errors, closing", "4.7.0"), closes=True)
    assert server.state is State.CLOSED


# -- groups, RFC 2920 3.1

MUST_END_A_GROUP = [b"EHLO relay", b"HELO relay", b"NOOP", b"VRFY ann", b"EXPN all"]
ENDS_A_SESSION = [b"STARTTLS", b"AUTH PLAIN", b"AUTH PLAIN AGEAYg==", b"XCLIENT NAME=x"]


@pytest.mark.parametrize("behind", [b"R", b"RSET\r\n", b"\r\n"])
@pytest.mark.parametrize("line", MUST_END_A_GROUP)
def test_a_command_that_must_end_a_group_is_refused_when_something_follows(line: bytes, behind: bytes) -> None:
    refused = refusal(server_in(State.READY), line + b"\r\n" + behind)
    assert (refused.reply, refused.closes) == (Reply(503, "wait for the reply before sending more", "5.5.0"), False)


@pytest.mark.parametrize("line", MUST_END_A_GROUP)
def test_a_lenient_server_lets_it_pass(line: bytes) -> None:
    assert not isinstance(hear(server_in(State.READY, strict_groups=False), line + b"\r\nRSET\r\n")[0], Refused)


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("line", ENDS_A_SESSION)
def test_behind_a_command_that_changes_what_octets_mean_nothing_may_follow_on_any_server(
    line: bytes, strict: bool
) -> None:
    server = server_in(State.READY, strict_groups=strict)
    events = serve(server, line + b"\r\nMAIL FROM:<evil@example.org>\r\n")
    assert isinstance(events[0], Refused)
    assert events[0].closes
    assert events[1:] == [ConnectionClosed()]


@pytest.mark.parametrize("strict", [True, False])
def test_behind_data_nothing_may_follow_on_any_server(strict: bool) -> None:
    server = server_in(State.RCPT, strict_groups=strict)
    events = serve(server, b"DATA\r\nevil\r\n.\r\nMAIL FROM:<evil@example.org>\r\n")
    assert [type(event) for event in events] == [Refused, ConnectionClosed]


def test_what_stands_behind_quit_is_thrown_away() -> None:
    server = server_in(State.READY)
    assert serve(server, b"QUIT\r\nNOOP\r\n", Reply(221)) == [Quit(), ConnectionClosed()]
    assert not server.unread


@pytest.mark.parametrize("first", [b"MAIL FROM:<a@b>", b"RSET", b"HELP"])
def test_a_client_without_pipelining_waits_for_every_reply(first: bytes) -> None:
    server = server_in(State.READY, Extensions.of("SIZE"))
    assert refusal(server, first + b"\r\nRSET\r\n").reply.code == 503
    lenient = server_in(State.READY, Extensions.of("SIZE"), strict_groups=False)
    assert not isinstance(hear(lenient, first + b"\r\nRSET\r\n")[0], Refused)


# -- AUTH, RFC 4954 4


def in_exchange(octets: bytes) -> ServerEvent:
    """What a server makes of this in the middle of an exchange."""
    return hear(server_in(State.AUTH, bounds=Bounds(auth_line=40)), octets)[0]


def test_a_response_is_read_as_base64() -> None:
    assert in_exchange(b"AGEAYg==\r\n") == AuthResponse(b"\0a\0b")
    assert in_exchange(b"\r\n") == AuthResponse(b"")


@pytest.mark.parametrize(
    ("line", "code", "enhanced", "closes"),
    [
        (b"*\r\n", 501, "5.7.0", False),
        (b"!\r\n", 501, "5.5.2", False),
        (b"=\r\n", 501, "5.5.2", False),
        (b"AAA\r\n", 501, "5.5.2", False),
        (b"AAAA AAAA\r\n", 501, "5.5.2", False),
        (b" AAAA\r\n", 501, "5.5.2", False),
        (b"A" * 40 + b"\r\n", 500, "5.5.6", False),
        (b"AAAA\n", 500, "5.5.2", True),
        (b"AAAA\r\nRSET\r\n", 503, "5.5.0", True),
        (b"NOOP\0\r\n", 501, "5.5.2", False),
    ],
)
def test_a_line_that_is_no_response_is_refused_and_ends_the_exchange(
    line: bytes, code: int, enhanced: str, closes: bool
) -> None:
    refused = in_exchange(line)
    assert isinstance(refused, Refused)
    assert (refused.reply.code, str(refused.reply.enhanced), refused.closes) == (code, enhanced, closes)
    server = server_in(State.AUTH, bounds=Bounds(auth_line=40))
    serve(server, line)
    assert server.state is (State.CLOSED if closes else State.READY)


def test_an_initial_response_comes_decoded() -> None:
    assert hear(server_in(State.READY), b"AUTH PLAIN AGEAYg==\r\n") == [Auth("PLAIN", b"\0a\0b")]
    assert hear(server_in(State.READY), b"AUTH LOGIN =\r\n") == [Auth("LOGIN", b"")]


def test_an_authentication_over_the_limit_has_a_code_of_its_own() -> None:
    refused = refusal(server_in(State.READY, bounds=Bounds(auth_line=600)), b"AUTH PLAIN " + b"A" * 600 + b"\r\n")
    assert (refused.reply.code, str(refused.reply.enhanced)) == (500, "5.5.6")


def test_a_recipient_is_understood_with_what_was_offered() -> None:
    assert hear(server_in(State.MAIL), b"RCPT TO:<bob@example.net> NOTIFY=NEVER\r\n")[0] != Rcpt(BOB)
