"""Parameters of MAIL and RCPT: good, malformed, given twice, not offered, unknown; and back again."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given

from empath.smtp import (
    EVERYTHING,
    NO_EXTENSIONS,
    Body,
    ByMode,
    DeliverBy,
    Extensions,
    LocalProtocolError,
    MailParams,
    Notify,
    OriginalRecipient,
    RcptParams,
    RemoteProtocolError,
    Reply,
    Return,
)
from empath.smtp.bounds import Bounds, command_limits
from empath.smtp.params_text import MAIL, RCPT, format_params, parse_mail_params, parse_rcpt_params
from empath.smtp.session import Verb
from tests.smtp.strategies import held_params, mail_params, rcpt_params, soup


def refusal(text: bytes, *, rcpt: bool = False, offered: Extensions = EVERYTHING) -> Reply:
    """The reply that refuses these parameters."""
    with pytest.raises(RemoteProtocolError) as caught:
        (parse_rcpt_params if rcpt else parse_mail_params)(text, offered)
    assert caught.value.reply is not None
    return caught.value.reply


# -- identity


@given(mail_params | held_params)
def test_parameters_of_mail_read_as_they_were_written(params: MailParams) -> None:
    assert parse_mail_params(format_params(params, EVERYTHING), EVERYTHING) == params


@given(rcpt_params)
def test_parameters_of_rcpt_read_as_they_were_written(params: RcptParams) -> None:
    assert parse_rcpt_params(format_params(params, EVERYTHING), EVERYTHING) == params


@given(mail_params | held_params | rcpt_params)
def test_no_parameter_is_longer_than_its_extension_adds_to_the_line(params: MailParams | RcptParams) -> None:
    table = MAIL if isinstance(params, MailParams) else RCPT
    for word in format_params(params, EVERYTHING).split():
        assert 1 + len(word) <= table[word.partition(b"=")[0]].longest


@given(
    soup(
        b" ",
        b"SIZE",
        b"=",
        b"5",
        b"BODY=7BIT",
        b"ENVID=",
        b"+2B",
        b"+0A",
        b"AUTH=<>",
        b"a@b",
        b"BY=1;N",
        b"\0",
        b"\xff",
        b"-",
    )
)
def test_any_parameters_are_read_or_refused_with_a_reply(text: bytes) -> None:
    for parse in (parse_mail_params, parse_rcpt_params):
        try:
            params = parse(b" " + text, EVERYTHING)
        except RemoteProtocolError as problem:
            reply = problem.reply
            assert reply is not None
            assert reply.code in (501, 555)
        else:
            assert parse(format_params(params, EVERYTHING), EVERYTHING) == params


# -- good

MOMENT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "params"),
    [
        (b"", MailParams()),
        (b"  ", MailParams()),
        (b" SIZE=0", MailParams(size=0)),
        (b" size=00012345678901234567", MailParams(size=12345678901234567)),
        (b" BODY=7BIT", MailParams(body=Body.SEVEN_BIT)),
        (b" body=8bitmime", MailParams(body=Body.EIGHT_BIT)),
        (b" SMTPUTF8", MailParams(smtputf8=True)),
        (b" AUTH=<>", MailParams(auth="<>")),
        (b" AUTH=e+3Dmc2@example.com", MailParams(auth="e=mc2@example.com")),
        (b" AUTH=+22ann+20lee+22@example.com", MailParams(auth='"ann lee"@example.com')),
        (b" RET=FULL", MailParams(ret=Return.FULL)),
        (b" RET=hdrs", MailParams(ret=Return.HEADERS)),
        (b" ENVID=a+2Bb", MailParams(envid="a+b")),
        (b" ENVID=" + b"x" * 100, MailParams(envid="x" * 100)),
        (b" REQUIRETLS", MailParams(requiretls=True)),
        (b" MT-PRIORITY=0", MailParams(mt_priority=0)),
        (b" MT-PRIORITY=9", MailParams(mt_priority=9)),
        (b" MT-PRIORITY=-9", MailParams(mt_priority=-9)),
        (b" HOLDFOR=86400", MailParams(hold_for_s=86400)),
        (b" HOLDUNTIL=2030-01-02T03:04:05Z", MailParams(hold_until=MOMENT)),
        (b" HOLDUNTIL=2030-01-02t03:04:05z", MailParams(hold_until=MOMENT)),
        (b" HOLDUNTIL=2030-01-02T05:04:05.000+02:00", MailParams(hold_until=MOMENT)),
        (b" HOLDUNTIL=2030-01-01T23:04:05-04:00", MailParams(hold_until=MOMENT)),
        (b" HOLDUNTIL=2030-01-02T03:04:05.123456789Z", MailParams(hold_until=MOMENT.replace(microsecond=123456))),
        (b" BY=120;R", MailParams(by=DeliverBy(120, ByMode.RETURN))),
        (b" BY=+120;R", MailParams(by=DeliverBy(120, ByMode.RETURN))),
        (b" BY=-120;nt", MailParams(by=DeliverBy(-120, ByMode.NOTIFY, trace=True))),
        (b" BY=0;N", MailParams(by=DeliverBy(0, ByMode.NOTIFY))),
        (b"  SIZE=5   SMTPUTF8 ", MailParams(size=5, smtputf8=True)),
    ],
)
def test_reads_the_parameters_of_mail(text: bytes, params: MailParams) -> None:
    assert parse_mail_params(text, EVERYTHING) == params


@pytest.mark.parametrize(
    ("text", "params"),
    [
        (b"", RcptParams()),
        (b" NOTIFY=NEVER", RcptParams(notify=Notify.NEVER)),
        (b" notify=success,Delay", RcptParams(notify=Notify.SUCCESS | Notify.DELAY)),
        (b" NOTIFY=FAILURE", RcptParams(notify=Notify.FAILURE)),
        (b" ORCPT=rfc822;ann+2Bx@example.org", RcptParams(orcpt=OriginalRecipient("rfc822", "ann+x@example.org"))),
        (b" ORCPT=RFC822;a", RcptParams(orcpt=OriginalRecipient("rfc822", "a"))),
        (b" ORCPT=utf-8;b\\x{FC}@x", RcptParams(orcpt=OriginalRecipient("utf-8", "bü@x"))),
        (" ORCPT=UTF-8;bü@x".encode(), RcptParams(orcpt=OriginalRecipient("utf-8", "bü@x"))),
        (b" ORCPT=rfc822;" + b"x" * 493, RcptParams(orcpt=OriginalRecipient("rfc822", "x" * 493))),  # 500 octets
        (b" ORCPT=x400;/a+3Db;c", RcptParams(orcpt=OriginalRecipient("x400", "/a=b;c"))),
    ],
)
def test_reads_the_parameters_of_rcpt(text: bytes, params: RcptParams) -> None:
    assert parse_rcpt_params(text, EVERYTHING) == params


# -- malformed: 501

MALFORMED_MAIL = {
    "SIZE": ["SIZE", "SIZE=", "SIZE=x", "SIZE=-1", "SIZE=+1", "SIZE=1.0", "SIZE=1_0", "SIZE=" + "1" * 21, "SIZE=٣"],
    "BODY": ["BODY", "BODY=9BIT", "BODY=8BIT", "BODY=é"],
    "SMTPUTF8": ["SMTPUTF8=", "SMTPUTF8=1"],
    "AUTH": ["AUTH", "AUTH=", "AUTH=ann", "AUTH=a@b+", "AUTH=a@b+0D+0A", "AUTH=<a@b>", "AUTH=a@b.", "AUTH=postmaster"],
    "RET": ["RET", "RET=HEADERS", "RET=FULL,HDRS"],
    "ENVID": ["ENVID", "ENVID=", "ENVID=" + "x" * 101, "ENVID=a+", "ENVID=+0D+0ABCC", "ENVID=+ff", "ENVID=é"],
    "REQUIRETLS": ["REQUIRETLS=1", "REQUIRETLS="],
    "MT-PRIORITY": [
        "MT-PRIORITY",
        "MT-PRIORITY=10",
        "MT-PRIORITY=-10",
        "MT-PRIORITY=-0",
        "MT-PRIORITY=+1",
        "MT-PRIORITY=-",
    ],
    "HOLDFOR": ["HOLDFOR", "HOLDFOR=-1", "HOLDFOR=1h", "HOLDFOR=1234567890"],
    "HOLDUNTIL": [
        *("HOLDUNTIL", "HOLDUNTIL=tomorrow", "HOLDUNTIL=2030-01-02", "HOLDUNTIL=2030-01-02T03:04:05"),
        *("HOLDUNTIL=2030-W01-3T03:04:05Z", "HOLDUNTIL=2030-01-02T03Z", "HOLDUNTIL=2030-01-02T030405Z"),
        *("HOLDUNTIL=2030-01-02T03:04:05,5Z", "HOLDUNTIL=2030-01-02_03:04:05Z", "HOLDUNTIL=2030-02-30T03:04:05Z"),
        *("HOLDUNTIL=2030-01-02T03:04:05+0200", "HOLDUNTIL=2030-01-02T03:04:05+02:00:30", "HOLDUNTIL=é"),
        *("HOLDUNTIL=2030-01-02T25:04:05Z", "HOLDUNTIL=2030-01-02T03:04:05.Z", "HOLDUNTIL=2030-01-02T03:04:05+24:00"),
        "HOLDUNTIL=0001-01-01T00:00:00+01:00",
    ],
    "BY": [
        *("BY", "BY=5", "BY=5;", "BY=;R", "BY=5;X", "BY=5;RN", "BY=5;RTT", "BY=5;TR", "BY=5;R;T", "BY=+-5;N", "BY=é;N"),
        *("BY=0;R", "BY=-5;R", "BY=1234567890;N", "BY=5;é"),
    ],
}
MALFORMED_RCPT = {
    "NOTIFY": ["NOTIFY", "NOTIFY=", "NOTIFY=ALWAYS", "NOTIFY=NEVER,FAILURE", "NOTIFY=,", "NOTIFY=SUCCESS,", "NOTIFY=é"],
    "ORCPT": [
        *("ORCPT", "ORCPT=ann@example.org", "ORCPT=;a", "ORCPT=rfc822;", "ORCPT=rfc_822;a", "ORCPT=rfc822;a=b"),
        *("ORCPT=rfc822;a+0D+0Ab", "ORCPT=rfc822;é", "ORCPT=rfc822;\\x{41}+", "ORCPT=utf-8;\\x{0A}", "ORCPT=utf-8;"),
        *("ORCPT=utf-8;a+2Bb", "ORCPT=é;a", "ORCPT=rfc822;" + "x" * 494),
        "ORCPT=utf-8;" + "ü" * 83,  # short enough as it is, too long for a host without SMTPUTF8
    ],
}


@pytest.mark.parametrize("word", [word for words in MALFORMED_MAIL.values() for word in words])
def test_a_malformed_parameter_of_mail_is_501(word: str) -> None:
    assert refusal(f" {word}".encode()).code == 501


@pytest.mark.parametrize("word", [word for words in MALFORMED_RCPT.values() for word in words])
def test_a_malformed_parameter_of_rcpt_is_501(word: str) -> None:
    assert refusal(f" {word}".encode(), rcpt=True).code == 501


def test_every_parameter_has_malformed_examples() -> None:
    assert set(MALFORMED_MAIL) == {row.keyword for row in MAIL.values()}
    assert set(MALFORMED_RCPT) == {row.keyword for row in RCPT.values()}


@pytest.mark.parametrize(
    "word", [b"=", b"=5", b"-SIZE=5", b"SI_ZE=5", b"\xc3\xa9=5", b"SIZE==5", b"SIZE=5=5", b"SIZE\x00=5"]
)
def test_a_word_that_is_no_parameter_is_501(word: bytes) -> None:
    assert refusal(b" " + word) == Reply(501, "a parameter is malformed: expected KEYWORD or KEYWORD=value", "5.5.4")


def test_an_octet_that_is_not_utf8_is_501() -> None:
    assert refusal(b" ORCPT=utf-8;\xff", rcpt=True).code == 501


def test_a_time_to_hold_and_a_moment_to_hold_until_contradict_each_other() -> None:
    reply = refusal(b" HOLDFOR=5 HOLDUNTIL=2030-01-02T03:04:05Z")
    assert reply == Reply(501, "HOLDFOR and HOLDUNTIL contradict each other", "5.5.4")


# -- given twice, not offered, unknown

GOOD = {
    word.partition(b"=")[0].decode("ascii"): word
    for word in (
        *(b"SIZE=5", b"BODY=7BIT", b"SMTPUTF8", b"AUTH=<>", b"RET=FULL", b"ENVID=x", b"REQUIRETLS", b"MT-PRIORITY=1"),
        *(b"HOLDFOR=5", b"HOLDUNTIL=2030-01-02T03:04:05Z", b"BY=5;R", b"NOTIFY=NEVER", b"ORCPT=rfc822;a"),
    )
}
EVERY_PARAMETER = [*MAIL.values(), *RCPT.values()]


@pytest.mark.parametrize("row", EVERY_PARAMETER, ids=lambda row: row.keyword)
def test_a_parameter_given_twice_is_501(row: Any) -> None:
    text = b" %b %b" % (GOOD[row.keyword], GOOD[row.keyword].lower())
    assert refusal(text, rcpt=row in RCPT.values()) == Reply(501, f"{row.keyword} is given twice", "5.5.4")


@pytest.mark.parametrize("row", EVERY_PARAMETER, ids=lambda row: row.keyword)
def test_a_parameter_that_is_not_offered_is_555(row: Any) -> None:
    reply = refusal(b" " + GOOD[row.keyword], rcpt=row in RCPT.values(), offered=EVERYTHING.without(row.extension))
    assert reply == Reply(555, f"{row.keyword} is not offered here", "5.5.4")


@pytest.mark.parametrize("row", EVERY_PARAMETER, ids=lambda row: row.keyword)
def test_a_parameter_needs_no_more_than_its_extension(row: Any) -> None:
    parse = parse_rcpt_params if row in RCPT.values() else parse_mail_params
    offered = Extensions({row.extension: ()})
    params = parse(b" " + GOOD[row.keyword], offered)
    assert parse(format_params(params, offered), offered) == params


@pytest.mark.parametrize("word", [b"FOO", b"FOO=bar", b"X-SIZE=5", b"NOTIFY=NEVER", b"SIZES=5"])
def test_an_unknown_parameter_is_555_and_is_not_repeated(word: bytes) -> None:
    assert refusal(b" " + word) == Reply(555, "a parameter is not known here", "5.5.4")


def test_a_parameter_of_mail_is_unknown_to_rcpt() -> None:
    assert refusal(b" SIZE=5", rcpt=True) == Reply(555, "a parameter is not known here", "5.5.4")


def test_a_binary_body_is_understood_and_refused_where_it_is_not_offered() -> None:
    offered = Extensions.of("8BITMIME", "BINARYMIME", "CHUNKING")
    assert parse_mail_params(b" BODY=BINARYMIME", offered) == MailParams(body=Body.BINARY)
    assert refusal(b" BODY=BINARYMIME") == Reply(555, "BODY=BINARYMIME is not offered here", "5.5.4")


# -- what is not written


@pytest.mark.parametrize(
    "params",
    [
        MailParams(size=-1),
        MailParams(size=10**20),
        MailParams(auth="ann"),
        MailParams(auth="a@b> SIZE=5"),
        MailParams(auth="a@b\r\nRSET"),
        MailParams(auth="ü@example.org"),
        MailParams(envid=""),
        MailParams(envid="x" * 101),
        MailParams(envid="+" * 34),
        MailParams(envid="a\r\nRSET"),
        MailParams(envid="ü"),
        MailParams(mt_priority=10),
        MailParams(mt_priority=-10),
        MailParams(hold_for_s=-1),
        MailParams(hold_for_s=10**9),
        MailParams(hold_until=datetime(2030, 1, 2)),
        MailParams(hold_until=datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1)))),
        MailParams(size=True),
        RcptParams(orcpt=OriginalRecipient("rfc822;a\tNOTIFY=NEVER", "b")),
        MailParams(hold_for_s=5, hold_until=MOMENT),
        MailParams(by=DeliverBy(0, ByMode.RETURN)),
        MailParams(by=DeliverBy(10**9, ByMode.NOTIFY)),
        MailParams(body=Body.BINARY),
        RcptParams(orcpt=OriginalRecipient("rfc822", "")),
        RcptParams(orcpt=OriginalRecipient("rfc822", "ü")),
        RcptParams(orcpt=OriginalRecipient("rfc822", "a\nb")),
        RcptParams(orcpt=OriginalRecipient("RFC822", "a")),
        RcptParams(orcpt=OriginalRecipient("rfc822 NOTIFY=NEVER x", "a")),
        RcptParams(orcpt=OriginalRecipient("é", "a")),
        RcptParams(orcpt=OriginalRecipient("utf-8", "a\u2028b")),
        RcptParams(orcpt=OriginalRecipient("utf-8", "\ud800")),
        RcptParams(orcpt=OriginalRecipient("rfc822", "x" * 494)),
    ],
    ids=str,
)
def test_what_a_server_would_read_otherwise_is_not_written(params: MailParams | RcptParams) -> None:
    with pytest.raises(LocalProtocolError, match="cannot be sent"):
        format_params(params, EVERYTHING)


@pytest.mark.parametrize("row", EVERY_PARAMETER, ids=lambda row: row.keyword)
def test_what_the_server_does_not_offer_is_not_written(row: Any) -> None:
    parse = parse_rcpt_params if row in RCPT.values() else parse_mail_params
    params = parse(b" " + GOOD[row.keyword], EVERYTHING)
    with pytest.raises(LocalProtocolError, match=f"{row.keyword} is not offered by the server"):
        format_params(params, NO_EXTENSIONS)


def test_no_parameters_are_written_as_nothing() -> None:
    assert format_params(MailParams(), NO_EXTENSIONS) == b""
    assert format_params(RcptParams(), NO_EXTENSIONS) == b""


# -- room in the line


def test_an_extension_makes_room_for_its_own_parameters_only() -> None:
    bounds = Bounds(command_line=512, auth_line=12288)
    assert command_limits(bounds, NO_EXTENSIONS)[Verb.MAIL] == 512
    assert command_limits(bounds, Extensions.of("SIZE"))[Verb.MAIL] == 512 + 26
    assert command_limits(bounds, Extensions.of("SIZE"))[Verb.RCPT] == 512
    with_dsn = command_limits(bounds, Extensions.of("DSN"))
    assert (with_dsn[Verb.MAIL], with_dsn[Verb.RCPT]) == (512 + 9 + 107, 512 + 29 + 507)
    assert with_dsn[Verb.AUTH] == with_dsn[Verb.RESPONSE] == 12288
