"""Parameters as they stand in MAIL and RCPT: read, checked, written again.

Each parameter is one row of a table: its keyword, the field it fills, the extension that allows it, how to read and how
to write it. A refusal names the parameter, and its code says what is wrong: 555 for what was never offered (RFC 5321
4.1.1.11), 501 for what is malformed or given twice.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from attrs import field, frozen

from empath.smtp import grammar, xtext
from empath.smtp.address import Address
from empath.smtp.errors import LocalProtocolError, RemoteProtocolError
from empath.smtp.params import (
    NO_MAIL_PARAMS,
    NO_RCPT_PARAMS,
    Body,
    ByMode,
    DeliverBy,
    MailParams,
    Notify,
    OriginalRecipient,
    RcptParams,
    Return,
)
from empath.smtp.reply import Reply

MAX_ENVID_OCTETS: Final = 100
"""RFC 3461 4.4."""
MAX_ORCPT_OCTETS: Final = 500
"""RFC 3461 4.2."""


@frozen
class _Param:
    """One row. ``read`` raises ValueError on a malformed value; ``read`` of None: the parameter takes no value."""

    keyword: str
    name: str
    extension: str
    longest: int = field(kw_only=True)
    """Octets that the parameter may add to its command, the space before it included."""
    # The values of the rows have different types, and each row reads and writes its own.
    read: Callable[[bytes], Any] | None = field(kw_only=True, default=None)
    write: Callable[[Any], bytes] = field(kw_only=True, default=lambda value: str(value).encode("ascii"))


def _number(text: bytes, digits: int) -> int:
    if not text.isdigit() or len(text) > digits:
        raise ValueError(f"expected a number of at most {digits} digits")
    return int(text)


def _signed(text: bytes, digits: int) -> int:
    return -_number(text[1:], digits) if text.startswith(b"-") else _number(text, digits)


def _priority(text: bytes) -> int:
    if text == b"-0":
        raise ValueError("expected -9 to 9")
    return _signed(text, 1)


def _auth(text: bytes) -> str:
    plain = xtext.decode(text)
    return plain.decode("ascii") if plain == b"<>" else str(Address.parse(plain))


def _envid(text: bytes) -> str:
    if len(text) > MAX_ENVID_OCTETS:
        raise ValueError(f"more than {MAX_ENVID_OCTETS} octets")
    return xtext.decode(text).decode("ascii")


def _notify(text: bytes) -> Notify:
    names = text.upper().split(b",")
    if names == [b"NEVER"]:
        return Notify.NEVER
    wish = Notify.NEVER
    for name in names:
        if name not in (b"SUCCESS", b"FAILURE", b"DELAY"):
            raise ValueError("expected NEVER, or SUCCESS, FAILURE and DELAY between commas")
        wish |= Notify[name.decode("ascii")]
    return wish


def _orcpt(text: bytes) -> OriginalRecipient:
    kind, separator, address = text.partition(b";")
    if not separator or grammar.ADDR_TYPE.fullmatch(kind) is None or len(text) > MAX_ORCPT_OCTETS:
        raise ValueError(f"expected type;address in at most {MAX_ORCPT_OCTETS} octets")
    name = kind.decode("ascii").lower()
    plain = xtext.decode_address(address) if name == "utf-8" else xtext.decode(address).decode("ascii")
    if not plain:
        raise ValueError("the address is empty")
    value = OriginalRecipient(name, plain)
    # Written for a host without SMTPUTF8 it is longer, and must not fail there once it was accepted here.
    if len(_write_orcpt(value)) > MAX_ORCPT_OCTETS:
        raise ValueError(f"more than {MAX_ORCPT_OCTETS} octets in ASCII")
    return value


def _write_orcpt(value: OriginalRecipient) -> bytes:
    kind = value.kind.encode("ascii")
    address = xtext.encode_address(value.address) if kind == b"utf-8" else xtext.encode(value.address.encode("ascii"))
    return kind + b";" + address


def _moment(text: bytes) -> datetime:
    # RFC 4865 4 takes the date-time of RFC 3339; fromisoformat reads much more than that.
    if grammar.DATE_TIME.fullmatch(text) is None:
        raise ValueError("expected a date and time with its time zone, as RFC 3339 has it")
    return _in_utc(datetime.fromisoformat(text.upper().decode("ascii")))


def _write_moment(moment: datetime) -> bytes:
    return _in_utc(moment).isoformat().replace("+00:00", "Z").encode("ascii")


def _in_utc(moment: datetime) -> datetime:
    """RFC 4865 4: the moment is said in UTC."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC the year is none of 1 to 9999") from None


def _by(text: bytes) -> DeliverBy:
    seconds, _, mode = text.upper().partition(b";")
    trace = len(mode) == 2 and mode.endswith(b"T")
    # RFC 2852 4: by-time = ["-" / "+"] 1*9digit
    due_s = _number(seconds[1:], 9) if seconds.startswith(b"+") else _signed(seconds, 9)
    value = DeliverBy(due_s, ByMode(mode[:1].decode("ascii")), trace)
    if mode not in (b"R", b"N", b"RT", b"NT") or (value.mode is ByMode.RETURN and value.seconds <= 0):
        raise ValueError("expected seconds;R or seconds;N, with more than 0 seconds for R")
    return value


def _write_by(value: DeliverBy) -> bytes:
    return b"%d;%s%s" % (value.seconds, value.mode.value.encode("ascii"), b"T" if value.trace else b"")


def _write_notify(value: Notify) -> bytes:
    return ",".join(flag.name or "" for flag in value).encode("ascii") or b"NEVER"


def _text(value: Body | Return) -> bytes:
    name: str = value.value
    return name.encode("ascii")


_Table = Mapping[bytes, _Param]


def _table(*rows: _Param) -> _Table:
    return {row.keyword.encode("ascii"): row for row in rows}


MAIL: Final = _table(
    _Param("SIZE", "size", "SIZE", longest=26, read=lambda text: _number(text, 20)),
    _Param("BODY", "body", "8BITMIME", longest=17, read=lambda text: Body(text.upper().decode("ascii")), write=_text),
    _Param("SMTPUTF8", "smtputf8", "SMTPUTF8", longest=10),
    _Param("AUTH", "auth", "AUTH", longest=500, read=_auth, write=lambda value: xtext.encode(value.encode())),
    _Param("RET", "ret", "DSN", longest=9, read=lambda text: Return(text.upper().decode("ascii")), write=_text),
    _Param("ENVID", "envid", "DSN", longest=107, read=_envid, write=lambda value: xtext.encode(value.encode("ascii"))),
    _Param("REQUIRETLS", "requiretls", "REQUIRETLS", longest=11),
    _Param("MT-PRIORITY", "mt_priority", "MT-PRIORITY", longest=15, read=_priority),
    _Param("HOLDFOR", "hold_for_s", "FUTURERELEASE", longest=18, read=lambda text: _number(text, 9)),
    _Param("HOLDUNTIL", "hold_until", "FUTURERELEASE", longest=46, read=_moment, write=_write_moment),
    _Param("BY", "by", "DELIVERBY", longest=17, read=_by, write=_write_by),
)
RCPT: Final = _table(
    _Param("NOTIFY", "notify", "DSN", longest=29, read=_notify, write=_write_notify),
    _Param("ORCPT", "orcpt", "DSN", longest=507, read=_orcpt, write=_write_orcpt),
)


def parse_mail_params(text: bytes, offered: Container[str]) -> MailParams:
    """Read what follows the path of MAIL. ``offered``: keywords in force. A RemoteProtocolError carries the reply."""
    if not text.strip(b" "):
        return NO_MAIL_PARAMS
    values = _parse(text, MAIL, offered)
    if "hold_for_s" in values and "hold_until" in values:
        raise _refusal(501, "HOLDFOR and HOLDUNTIL contradict each other")
    return MailParams(**values)


def parse_rcpt_params(text: bytes, offered: Container[str]) -> RcptParams:
    """Read what follows the path of RCPT; as ``parse_mail_params``."""
    return RcptParams(**_parse(text, RCPT, offered)) if text.strip(b" ") else NO_RCPT_PARAMS


def _parse(text: bytes, table: _Table, offered: Container[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for word in text.split():
        match = grammar.PARAM.fullmatch(word)
        if match is None:
            raise _refusal(501, "a parameter is malformed: expected KEYWORD or KEYWORD=value")
        row = table.get(match["keyword"].upper())
        if row is None or row.extension not in offered:
            # Unknown ones are not repeated to the peer: what it sent need not be fit to print.
            raise _refusal(555, f"{row.keyword} is not offered here" if row else "a parameter is not known here")
        if row.name in values:
            raise _refusal(501, f"{row.keyword} is given twice")
        values[row.name] = _read(row, match["value"])
        if values[row.name] is Body.BINARY and "BINARYMIME" not in offered:
            raise _refusal(555, "BODY=BINARYMIME is not offered here")
    return values


def _read(row: _Param, text: bytes | None) -> Any:
    if (row.read is None) != (text is None):
        raise _refusal(501, f"{row.keyword} takes {'no value' if row.read is None else 'a value'}")
    if row.read is None or text is None:
        return True
    try:
        return row.read(text)
    except (ValueError, RemoteProtocolError) as problem:
        raise _refusal(501, f"{row.keyword} is malformed") from problem


def _refusal(code: int, text: str) -> RemoteProtocolError:
    return RemoteProtocolError(text, Reply(code, text, "5.5.4"))


def format_params(params: MailParams | RcptParams, offered: Container[str]) -> bytes:
    """What follows the path, with the space before it. A LocalProtocolError: one that is not offered, or malformed."""
    if params is NO_MAIL_PARAMS or params is NO_RCPT_PARAMS:
        return b""
    table, parse = (MAIL, parse_mail_params) if isinstance(params, MailParams) else (RCPT, parse_rcpt_params)
    words = [b""]
    for keyword, row in table.items():
        value = getattr(params, row.name)
        if value is None or value is False:
            continue
        if row.extension not in offered:
            raise LocalProtocolError(f"{row.keyword} is not offered by the server")
        words.append(keyword if row.read is None else keyword + b"=" + _written(row, value))
    text = b" ".join(words)
    # What the server will read must be what was meant: nothing can be smuggled into the command by a value.
    try:
        faithful = parse(text, offered) == params
    except RemoteProtocolError as problem:
        raise LocalProtocolError(f"the parameters cannot be sent: {problem}") from problem
    if not faithful:
        raise LocalProtocolError(f"{params} cannot be sent")
    return text


def _written(row: _Param, value: Any) -> bytes:
    try:
        return row.write(value)
    except ValueError as problem:
        raise LocalProtocolError(f"{row.keyword} cannot be sent: {problem}") from problem
