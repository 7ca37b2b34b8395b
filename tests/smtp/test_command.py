"""Commands as lines: what is written reads as what was meant, and every other line has its refusal."""

from typing import Any

import pytest
from hypothesis import given

from empath.smtp import (
    EVERYTHING,
    NO_EXTENSIONS,
    Address,
    AddressLiteral,
    Auth,
    AuthResponse,
    Bdat,
    Command,
    Data,
    Domain,
    Ehlo,
    Expn,
    Extensions,
    Helo,
    Help,
    Lhlo,
    LocalProtocolError,
    Mail,
    MailParams,
    Noop,
    OriginalRecipient,
    Quit,
    Rcpt,
    RcptParams,
    RemoteProtocolError,
    Reply,
    Rset,
    StartTls,
    Verb,
    Vrfy,
    Xclient,
)
from empath.smtp import command as codec
from empath.smtp.bounds import Bounds, command_limits
from tests.smtp.strategies import ascii_mail, commands, responses, soup, utf8_addresses

LONG = 10**6
ANN, BOB = Address.parse("ann@example.org"), Address.parse("bob@example.net")


def read(line: bytes, offered: Extensions = EVERYTHING) -> Command:
    """The command of a line, as a server finds verb and argument in it."""
    word, _, argument = line.removesuffix(b"\r\n").partition(b" ")
    return codec.parse(codec.VERBS[word.upper()], argument.strip(b" "), offered)


def refusal(line: bytes, offered: Extensions = EVERYTHING) -> Reply:
    """The reply that refuses a line."""
    with pytest.raises(RemoteProtocolError) as caught:
        read(line, offered)
    assert caught.value.reply is not None
    return caught.value.reply


# -- identity


@given(commands)
def test_a_command_reads_as_it_was_written(command: Command) -> None:
    wire = codec.encode(command, EVERYTHING, LONG)
    assert wire.endswith(b"\r\n")
    assert wire.count(b"\r") == wire.count(b"\n") == 1
    assert read(wire) == command


@given(responses)
def test_a_response_reads_as_it_was_written(response: AuthResponse) -> None:
    wire = codec.encode(response, NO_EXTENSIONS, LONG)
    assert AuthResponse(codec.decode_base64(wire.removesuffix(b"\r\n"))) == response


def test_an_exchange_is_cancelled_with_an_asterisk() -> None:
    assert codec.encode(AuthResponse(None), NO_EXTENSIONS, LONG) == b"*\r\n"


@given(ascii_mail)
def test_a_server_that_offers_all_has_room_for_any_mail(mail: Mail) -> None:
    codec.encode(mail, EVERYTHING, command_limits(Bounds(), EVERYTHING)[Verb.MAIL])


@given(utf8_addresses)
def test_an_address_goes_without_smtputf8_if_its_domain_has_a_labels(address: Address) -> None:
    try:
        wire = codec.encode(Rcpt(address), NO_EXTENSIONS, LONG)
    except LocalProtocolError:
        assert address.needs_utf8
    else:
        assert wire.isascii()
        assert read(wire, NO_EXTENSIONS) == Rcpt(address)


command_soup = soup(
    *(
        b"MAIL FROM:",
        b"RCPT TO:",
        b"<a@b>",
        b"<>",
        b"<",
        b">",
        b" ",
        b"SMTPUTF8",
        b"BDAT ",
        b"LAST",
        b"5",
        b"AUTH ",
        b"PLAIN",
    ),
    *(
        b"=",
        b"AAAA",
        b"XCLIENT ",
        b"NAME=",
        b"+41",
        b"EHLO ",
        b"[",
        b"]",
        b"VRFY ",
        b"\xc3\xa9",
        b"\xff",
        b"\0",
        b"postmaster",
    ),
)


@given(command_soup)
def test_any_line_is_read_or_refused_with_a_reply(argument: bytes) -> None:
    for verb in codec.VERBS.values():
        try:
            codec.parse(verb, argument, EVERYTHING)
        except RemoteProtocolError as problem:
            reply = problem.reply
            assert reply is not None
            assert reply.encode(limit=LONG).isascii()
            assert reply.code in (501, 553, 555)


# -- what is read


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (b"helo relay.example.org", Helo("relay.example.org")),
        (b"EHLO [192.0.2.1]", Ehlo("[192.0.2.1]")),
        (b"EhLo my_host:8", Ehlo("my_host:8")),
        (b"LHLO x", Lhlo("x")),
        (b"MAIL FROM:<>", Mail(None)),
        (b"mail from:<ann@example.org>", Mail(ANN)),
        (b"MAIL FROM: <ann@example.org> SIZE=5 ", Mail(ANN, MailParams(size=5))),
        (b"MAIL FROM:<@a:ann@example.org>", Mail(ANN)),
        (
            "MAIL FROM:<ü@example.org> SMTPUTF8".encode(),
            Mail(Address.parse("ü@example.org"), MailParams(smtputf8=True)),
        ),
        (
            "MAIL FROM:<ü@example.org> size=5 smtputf8".encode(),
            Mail(Address.parse("ü@example.org"), MailParams(smtputf8=True, size=5)),
        ),
        (b"RCPT TO:<bob@example.net>", Rcpt(BOB)),
        (b"RCPT TO:<Postmaster>", Rcpt(Address(b"Postmaster", None))),
        (b"RCPT TO:   <bob@example.net>", Rcpt(BOB)),
        (b"DATA", Data()),
        (b"BDAT 0", Bdat(0)),
        (b"BDAT 007 last", Bdat(7, last=True)),
        (b"BDAT 7  LAST ", Bdat(7, last=True)),
        (b"BDAT 999999999999999999", Bdat(10**18 - 1)),
        (b"RSET", Rset()),
        (b"NOOP", Noop()),
        (b"NOOP whatever", Noop()),
        (b"VRFY ann lee", Vrfy("ann lee")),
        ("EXPN büro".encode(), Expn("büro")),
        (b"HELP", Help()),
        (b"HELP mail", Help("mail")),
        (b"QUIT", Quit()),
        (b"STARTTLS", StartTls()),
        (b"AUTH PLAIN", Auth("PLAIN")),
        (b"AUTH plain =", Auth("PLAIN", b"")),
        (b"AUTH SCRAM-SHA-1 YQ==", Auth("SCRAM-SHA-1", b"a")),
        (b"XCLIENT name=a+20b  Addr=192.0.2.1", Xclient((("NAME", "a b"), ("ADDR", "192.0.2.1")))),
        (b"XCLIENT NAME=", Xclient((("NAME", ""),))),
    ],
)
def test_reads_what_clients_send(line: bytes, command: Command) -> None:
    assert read(line) == command


# -- what is refused


@pytest.mark.parametrize(
    "line",
    [
        *(
            b"HELO",
            b"EHLO",
            b"EHLO  ",
            b"EHLO a b",
            b"EHLO (x)",
            b"EHLO a\x00",
            b"EHLO \xc3\xa9",
            b'EHLO "a"',
            b"EHLO []",
        ),
        *(b"LHLO", b"EHLO " + b"x" * 256, b"EHLO <a>"),
        *(b"MAIL", b"MAIL <a@b>", b"MAIL FROM", b"MAIL FROM:", b"MAIL FROM:a@b", b"MAIL FROM <a@b>", b"MAIL TO:<a@b>"),
        *(
            b"MAIL FROM:<a>",
            b"MAIL FROM:<a@b",
            b"MAIL FROM:<a@b>SIZE=5",
            b"MAIL FROM:<a@b>>",
            b"MAIL FROM:<postmaster>",
        ),
        *(b"MAIL FROM:<a@b> =", b"MAIL FROM :<a@b>", b"MAIL FROM:\t<a@b>", b"MAIL FROM:<\xff@b> SMTPUTF8"),
        *(b"RCPT", b"RCPT TO", b"RCPT TO:", b"RCPT TO:<>", b"RCPT TO:<a@b", b"RCPT FROM:<a@b>", b"RCPT TO:<a@b>x"),
        *(b"DATA x", b"RSET x", b"QUIT x", b"STARTTLS x"),
        *(b"BDAT", b"BDAT x", b"BDAT -1", b"BDAT +1", b"BDAT 1 FIRST", b"BDAT LAST", b"BDAT 1 LAST LAST", b"BDAT 1.0"),
        *(b"BDAT 1000000000000000000", b"BDAT 1_0", b"BDAT 0x1", b"BDAT \xb2", b"BDAT 1\tLAST"),
        *(b"VRFY", b"EXPN", b"VRFY \xff", b"EXPN \xff", b"HELP \xff"),
        *(b"AUTH", b"AUTH PL+IN", b"AUTH " + b"X" * 21, b"AUTH PLAIN a", b"AUTH PLAIN *", b"AUTH PLAIN YQ==YQ=="),
        *(
            b"AUTH PLAIN YQ",
            b"AUTH PLAIN  YQ==",
            b"AUTH PLAIN YQ== YQ==",
            b"AUTH PLAIN Y-_=",
            b"AUTH PLAIN \xc3\xa9",
            b"AUTH =PLAIN",
        ),
        *(
            b"XCLIENT",
            b"XCLIENT NAME",
            b"XCLIENT =x",
            b"XCLIENT NAME=+",
            b"XCLIENT NAME=+00",
            b"XCLIENT N_M=x",
            b"XCLIENT A=b c",
        ),
    ],
)
def test_a_wrong_argument_is_501(line: bytes) -> None:
    reply = refusal(line)
    assert reply.code == 501
    assert reply.enhanced is not None


@pytest.mark.parametrize(
    "line", ["MAIL FROM:<ü@b>", "RCPT TO:<ü@b>", "MAIL FROM:<a@ü.example> SIZE=5", "RCPT TO:<a@b> ORCPT=utf-8;ü"]
)
def test_utf8_where_it_was_not_asked_for_is_553(line: str) -> None:
    reply = refusal(line.encode(), EVERYTHING.without("SMTPUTF8"))
    assert (reply.code, str(reply.enhanced)) == (553, "5.6.7")
    if line.startswith("MAIL"):
        assert refusal(line.encode()).code == 553


def test_utf8_in_mail_where_smtputf8_is_only_part_of_a_word_is_553() -> None:
    assert refusal("MAIL FROM:<ü@b> SMTPUTF8X".encode()).code == 555
    assert refusal('MAIL FROM:<" SMTPUTF8ü"@b>'.encode()).code == 553


def test_smtputf8_where_it_is_not_offered_is_555() -> None:
    offered = EVERYTHING.without("SMTPUTF8")
    assert refusal("MAIL FROM:<ü@b> SMTPUTF8".encode(), offered).code == 555
    assert refusal(b"MAIL FROM:<a@b> SMTPUTF8", offered).code == 555


def test_the_refusal_of_an_address_says_what_is_wrong_and_what_was_expected() -> None:
    assert refusal(b"MAIL FROM:<a@b.>") == Reply(
        501, "a domain in an address does not end with a dot; expected MAIL FROM:<address>", "5.1.7"
    )
    assert refusal(b"RCPT TO:bob") == Reply(
        501, "the address must stand in angle brackets: <local@domain>; expected RCPT TO:<address>", "5.1.3"
    )


def test_a_refusal_does_not_repeat_what_the_client_sent() -> None:
    for line in (b"EHLO evil\x07evil", b"MAIL FROM:<evil evil@b>", b"BDAT evil", b"AUTH PLAIN evil!", b"XCLIENT evil"):
        assert "evil" not in str(refusal(line))


# -- what is not written


def smuggled(text: str) -> list[Command]:
    """Commands that would say more than they are, if ``text`` were let through."""
    domain = Domain(f"example.org{text}", f"example.org{text}")
    return [
        Helo(f"a{text}"),
        Ehlo(f"a{text}"),
        Lhlo(f"a{text}"),
        Mail(Address(b"a", domain)),
        Mail(Address(f"a{text}@b".encode(), domain)),
        Mail(Address(b"a", Domain(f"example.org{text}", "example.org"))),
        Mail(Address(f"a{text}".encode(), Domain.parse("b"))),
        Rcpt(Address(f"a{text}".encode(), Domain.parse("b"))),
        Rcpt(Address(b"a", AddressLiteral(f"[x:{text}]", f"[x:{text}]", None))),
        Rcpt(BOB, RcptParams(orcpt=OriginalRecipient(f"rfc822{text}", "a"))),
        Auth(f"PLAIN{text}"),
        Xclient(((f"NAME{text}", "x"),)),
    ]


@pytest.mark.parametrize("text", ["\r\nRSET", "\nRSET", "\r", ">\r\nRSET", "> SIZE=1", " SIZE=1", "\0", "\x7f"])
def test_nothing_can_be_smuggled_into_a_command(text: str) -> None:
    for command in smuggled(text):
        with pytest.raises(LocalProtocolError):
            codec.encode(command, EVERYTHING, LONG)


@pytest.mark.parametrize("text", ["a\r\nRSET", "\r", "a\0", "\x7f"])
def test_no_line_end_can_be_smuggled_into_a_parameter(text: str) -> None:
    for params in (MailParams(envid=text), MailParams(auth=f'"{text}"@b'), MailParams(auth=f"a@b{text}")):
        with pytest.raises(LocalProtocolError):
            codec.encode(Mail(None, params), EVERYTHING, LONG)


@pytest.mark.parametrize("text", ["a> SIZE=1", "a SIZE=1", "+0D+0A", "a=b"])
def test_what_would_end_a_parameter_is_written_so_that_it_does_not(text: str) -> None:
    for params in (MailParams(envid=text), MailParams(auth=f'"{text}"@b')):
        assert read(codec.encode(Mail(None, params), EVERYTHING, LONG)) == Mail(None, params)


@pytest.mark.parametrize("text", ["a\r\nRSET", "a\nb", "a\rb", "\0", "", " a", "a ", "\ud800"])
def test_nothing_can_be_smuggled_into_a_question(text: str) -> None:
    for kind in (Vrfy, Expn):
        with pytest.raises(LocalProtocolError):
            codec.encode(kind(text), EVERYTHING, LONG)
    if text:
        with pytest.raises(LocalProtocolError):
            codec.encode(Help(text), EVERYTHING, LONG)


@pytest.mark.parametrize("text", ["a\r\nRSET", "\0", "ü", "\ud800"])
def test_nothing_can_be_smuggled_into_what_a_proxy_says(text: str) -> None:
    with pytest.raises(LocalProtocolError):
        codec.encode(Xclient((("NAME", text),)), EVERYTHING, LONG)


def test_a_command_without_an_argument_ends_with_its_verb() -> None:
    assert codec.encode(Help(), NO_EXTENSIONS, LONG) == b"HELP\r\n"
    assert codec.encode(Noop(), NO_EXTENSIONS, LONG) == b"NOOP\r\n"


@pytest.mark.parametrize(
    "command",
    [
        Mail(Address(b"postmaster", None)),
        Mail(Address(b"", None)),
        Rcpt(Address(b"", None)),
        Rcpt(Address(b"root", None)),
        Rcpt(Address(b"", Domain.parse("example.org"))),
        Rcpt(Address(b"x" * 65, Domain.parse("example.org"))),
        Rcpt(Address(b"\xff", Domain.parse("example.org"))),
        Ehlo(""),
        Ehlo("ü"),
        Ehlo("\ud800"),
        Auth(""),
        Auth("plain"),
        Auth("ü"),
        Xclient(()),
        Xclient((("name", "x"),)),
        Xclient((("", "x"),)),
        Xclient((("NAME=x ADDR", "x"),)),
        Bdat(-1),
        Bdat(10**18),
        Mail(Address.parse("ü@example.org")),
        Rcpt(Address.parse("a@example.org"), RcptParams(orcpt=OriginalRecipient("rfc822", "ü"))),
    ],
    ids=str,
)
def test_a_command_that_no_server_would_read_is_not_written(command: Command) -> None:
    with pytest.raises(LocalProtocolError):
        codec.encode(command, EVERYTHING, LONG)


def test_a_utf8_address_is_written_as_it_is_where_smtputf8_was_asked_for() -> None:
    sender = Mail(Address.parse("ü@bücher.example"), MailParams(smtputf8=True))
    assert codec.encode(sender, EVERYTHING, LONG) == "MAIL FROM:<ü@bücher.example> SMTPUTF8\r\n".encode()
    assert (
        codec.encode(Mail(Address.parse("u@bücher.example")), EVERYTHING, LONG)
        == b"MAIL FROM:<u@xn--bcher-kva.example>\r\n"
    )


def test_a_utf8_local_part_is_not_written_where_smtputf8_is_not_offered() -> None:
    with pytest.raises(LocalProtocolError, match="SMTPUTF8 was not asked for"):
        codec.encode(Rcpt(Address.parse("ü@example.org")), EVERYTHING.without("SMTPUTF8"), LONG)


@pytest.mark.parametrize(
    ("command", "octets"),
    [(Rcpt(BOB), 27), (Ehlo("x" * 10), 17), (Auth("PLAIN", b"x" * 30), 53), (AuthResponse(b"x" * 30), 42), (Quit(), 6)],
    ids=str,
)
def test_a_line_is_as_long_as_the_limit_and_no_longer(command: Any, octets: int) -> None:
    assert len(codec.encode(command, EVERYTHING, octets)) == octets
    with pytest.raises(LocalProtocolError, match=f"longer than {octets - 1} octets"):
        codec.encode(command, EVERYTHING, octets - 1)


def test_no_secret_stands_in_the_message_of_an_error() -> None:
    for command in (Auth("plain", b"hunter2"), AuthResponse(b"hunter2" * 99)):
        with pytest.raises(LocalProtocolError) as caught:
            codec.encode(command, EVERYTHING, 20)
        assert "hunter2" not in str(caught.value)
