"""Parameters of MAIL and RCPT, and the encodings inside them: read, judged by the productions of the RFCs, written."""

import re
from typing import Final

from empath.smtp import (
    EVERYTHING,
    NO_EXTENSIONS,
    LocalProtocolError,
    MailParams,
    RcptParams,
    RemoteProtocolError,
    Reply,
    xtext,
)
from empath.smtp.params_text import MAIL, RCPT, format_params, parse_mail_params, parse_rcpt_params

OFFERS: Final = (EVERYTHING, EVERYTHING.without("DSN", "SIZE", "SMTPUTF8"), NO_EXTENSIONS)

_XTEXT = r"([!-*,-<>-~]|\+[0-9A-F]{2})"
_UTF8_ADDRESS = r"([!-*,-<>-\[\]-~\x80-\U0010ffff]|\\x\{[0-9A-F]+\})"
PRODUCTIONS: Final = {
    "SIZE": r"[0-9]{1,20}",  # RFC 1870 3
    "BODY": r"7BIT|8BITMIME",  # RFC 6152 2
    "SMTPUTF8": r"",  # RFC 6531 3.4
    "AUTH": rf"{_XTEXT}+",  # RFC 4954 5
    "RET": r"FULL|HDRS",  # RFC 3461 4.3
    "ENVID": rf"{_XTEXT}*",  # RFC 3461 4.4
    "NOTIFY": r"NEVER|(SUCCESS|FAILURE|DELAY)(,(SUCCESS|FAILURE|DELAY))*",  # RFC 3461 4.1
    "ORCPT": rf"utf-8;{_UTF8_ADDRESS}+|[a-z0-9-]+;{_XTEXT}+",  # RFC 3461 4.2, RFC 6533 3
    "REQUIRETLS": r"",  # RFC 8689 4
    "MT-PRIORITY": r"-?[1-9]|0",  # RFC 6710 5
    "HOLDFOR": r"[0-9]{1,9}",  # RFC 4865 4
    "HOLDUNTIL": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",  # RFC 4865 4, RFC 3339 5.6
    "BY": r"[+-]?[0-9]{1,9};[RN]T?",  # RFC 2852 4
}
"""What the RFCs allow as values; letters match in either case."""


def fuzz(data: bytes) -> None:
    """What parses is what the RFCs allow, and is written so that it parses to the same within its lawful length.

    Anything else is a RemoteProtocolError with a 5xx reply. The octets are what follows the path, after MAIL and after
    RCPT; also taken as xtext and as an address of RFC 6533.
    """
    for offered in OFFERS:
        for parse in (parse_mail_params, parse_rcpt_params):
            try:
                params = parse(data, offered)
            except RemoteProtocolError as problem:
                _check_refusal(problem.reply)
            else:
                _check_grammar(data.decode())
                _check_params(params)
    _check_xtext(data)


def _check_refusal(reply: Reply | None) -> None:
    assert reply is not None
    assert reply.code in (501, 555)
    assert reply.encode()


def _check_grammar(text: str) -> None:
    words = [word for word in re.split(r"[ \t\n\r\f\v]+", text) if word]
    keywords = [word.partition("=")[0].upper() for word in words]
    assert len(set(keywords)) == len(keywords), "a parameter was taken twice"
    for keyword, word in zip(keywords, words, strict=True):
        assert re.fullmatch(PRODUCTIONS[keyword], word.partition("=")[2], re.IGNORECASE), f"{word!r} was taken"


def _check_params(params: MailParams | RcptParams) -> None:
    table, parse = (MAIL, parse_mail_params) if isinstance(params, MailParams) else (RCPT, parse_rcpt_params)
    text = format_params(params, EVERYTHING)
    assert parse(text, EVERYTHING) == params
    rows = [table[word.partition(b"=")[0]] for word in text.split(b" ")[1:]]
    assert len(text) <= sum(row.longest for row in rows), "longer than what a server must take"
    assert not any(octet < 32 or octet == 127 for octet in text)
    _check_grammar(text.decode())
    for row in rows:
        try:
            format_params(params, EVERYTHING.without(row.extension))
        except LocalProtocolError:
            continue
        raise AssertionError(f"{row.keyword} was written although it is not offered")


def _check_xtext(data: bytes) -> None:
    assert re.fullmatch(f"{_XTEXT}*".encode(), xtext.encode(data))
    try:
        plain = xtext.decode(data)
    except ValueError:
        pass
    else:
        assert all(32 <= octet <= 126 for octet in plain)
        assert xtext.decode(xtext.encode(plain)) == plain
    try:
        address = xtext.decode_address(data)
    except ValueError:
        return
    assert xtext.encode_address(address).isascii()
    assert xtext.decode_address(xtext.encode_address(address)) == address
