"""Commands as lines: RFC 5321 4.1.1, and the extensions that add some.

``parse`` reads the argument of a verb and refuses it with the reply that fits: 501 for a wrong argument, 504 and 555
for what is not available. ``encode`` writes a command and reads back what it wrote, since an address that brings a line
end or a parameter along would say something else to the server.

Read leniently, since clients do these and no harm can come of it: white space at the end of a line (RFC 5321 4.1.1),
and space between the colon of MAIL and RCPT and the path.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Container
from typing import Final

from empath.smtp import grammar, xtext
from empath.smtp.address import Address, parse_path
from empath.smtp.bounds import MAX_CHUNK_DIGITS
from empath.smtp.errors import AddressError, LocalProtocolError, RemoteProtocolError
from empath.smtp.events import (
    Auth,
    AuthResponse,
    Bdat,
    Command,
    Data,
    Ehlo,
    Expn,
    Helo,
    Help,
    Lhlo,
    Mail,
    Noop,
    Quit,
    Rcpt,
    Rset,
    StartTls,
    Vrfy,
    Xclient,
)
from empath.smtp.params_text import format_params, parse_mail_params, parse_rcpt_params
from empath.smtp.reply import Reply
from empath.smtp.session import Verb

_Parser = Callable[[bytes, Container[str]], Command]


def parse(verb: Verb, argument: bytes, offered: Container[str]) -> Command:
    """The command of ``verb`` with ``argument``; ``offered`` are the extensions in force.

    A RemoteProtocolError carries the reply that refuses it.
    """
    return _PARSERS[verb](argument, offered)


def _refusal(code: int, text: str, enhanced: str) -> RemoteProtocolError:
    return RemoteProtocolError(text, Reply(code, text, enhanced))


def _bare(command: Command) -> _Parser:
    def parser(argument: bytes, _offered: Container[str]) -> Command:
        if argument:
            raise _refusal(501, f"{command.verb.value} takes no argument", "5.5.4")
        return command

    return parser


def _hello(kind: type[Helo | Ehlo | Lhlo]) -> _Parser:
    def parser(argument: bytes, _offered: Container[str]) -> Command:
        if grammar.HELLO_NAME.fullmatch(argument) is None:
            raise _refusal(501, f"say who you are: {kind.verb.value} host.example", "5.5.4")
        return kind(argument.decode("ascii"))

    return parser


def _text(argument: bytes) -> str:
    try:
        return argument.decode()
    except UnicodeDecodeError:
        raise _refusal(501, "neither ASCII nor UTF-8", "5.5.4") from None


def _path(argument: bytes, keyword: bytes, syntax: str, status: str, *, utf8: bool) -> tuple[Address | None, bytes]:
    """The path behind ``FROM:`` or ``TO:``, and what follows it."""
    if argument[: len(keyword)].upper() != keyword:
        raise _refusal(501, f"expected {syntax}", "5.5.4")
    rest = argument[len(keyword) :].lstrip(b" ")
    try:
        address, end = parse_path(rest, utf8=utf8)
    except AddressError as problem:
        code, enhanced = (553, "5.6.7") if problem.utf8_needed else (501, status)
        raise _refusal(code, f"{problem}; expected {syntax}", enhanced) from None
    if rest[end : end + 1] not in (b"", b" "):
        raise _refusal(501, f"something stands behind the path; expected {syntax}", "5.5.4")
    return address, rest[end:]


def _mail(argument: bytes, offered: Container[str]) -> Command:
    # The path stands before the parameter that allows UTF-8 in it (RFC 6531 3.4): read the line twice if need be.
    utf8 = argument.isascii() or b" SMTPUTF8" in argument.upper()
    address, rest = _path(argument, b"FROM:", "MAIL FROM:<address>", "5.1.7", utf8=utf8)
    if address is not None and address.domain is None:
        raise _refusal(501, "the sender needs a domain: MAIL FROM:<local@domain>", "5.1.7")
    params = parse_mail_params(rest, offered)
    if not (params.smtputf8 or argument.isascii()):
        raise _refusal(553, "the address is not ASCII and SMTPUTF8 was not asked for", "5.6.7")
    return Mail(address, params)


def _rcpt(argument: bytes, offered: Container[str]) -> Command:
    if not argument.isascii() and "SMTPUTF8" not in offered:
        raise _refusal(553, "not ASCII, and SMTPUTF8 was not asked for with MAIL", "5.6.7")
    address, rest = _path(argument, b"TO:", "RCPT TO:<address>", "5.1.3", utf8="SMTPUTF8" in offered)
    if address is None:
        raise _refusal(501, "a recipient cannot be empty: RCPT TO:<address>", "5.1.3")
    return Rcpt(address, parse_rcpt_params(rest, offered))


def _bdat(argument: bytes, _offered: Container[str]) -> Command:
    size, _, last = argument.partition(b" ")
    # int() takes more than digits; 18 of them are enough for any message (RFC 3030 2: chunk-size = 1*DIGIT).
    if not size.isdigit() or len(size) > MAX_CHUNK_DIGITS or last.strip(b" ").upper() not in (b"", b"LAST"):
        raise _refusal(501, "expected BDAT size or BDAT size LAST", "5.5.4")
    return Bdat(int(size), bool(last.strip(b" ")))


def _asking(kind: type[Vrfy | Expn]) -> _Parser:
    def parser(argument: bytes, _offered: Container[str]) -> Command:
        if not argument:
            raise _refusal(501, f"{kind.verb.value} takes a name", "5.5.4")
        return kind(_text(argument))

    return parser


def _auth(argument: bytes, _offered: Container[str]) -> Command:
    mechanism, _, initial = argument.partition(b" ")
    mechanism = mechanism.upper()
    if grammar.MECHANISM.fullmatch(mechanism) is None:
        raise _refusal(501, "expected AUTH mechanism", "5.5.4")
    # RFC 4954 4: "=" is the initial response of no octets; no initial response at all is another thing.
    data = None if not initial else b"" if initial == b"=" else decode_base64(initial)
    return Auth(mechanism.decode("ascii"), data)


def decode_base64(text: bytes) -> bytes:
    """The octets behind ``text``; a RemoteProtocolError with 501 (RFC 4954 4) if it is not exactly base64."""
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise _refusal(501, "cannot decode the response: not base64", "5.5.2") from None


def _xclient(argument: bytes, _offered: Container[str]) -> Command:
    attributes = []
    for word in argument.split():
        name, separator, value = word.partition(b"=")
        try:
            if not separator or grammar.PARAM.fullmatch(name) is None:
                raise ValueError("expected NAME=value")
            attributes.append((name.upper().decode("ascii"), xtext.decode(value).decode("ascii")))
        except ValueError:
            raise _refusal(501, "expected XCLIENT NAME=value ...", "5.5.4") from None
    if not attributes:
        raise _refusal(501, "expected XCLIENT NAME=value ...", "5.5.4")
    return Xclient(tuple(attributes))


_PARSERS: Final[dict[Verb, _Parser]] = {
    Verb.HELO: _hello(Helo),
    Verb.EHLO: _hello(Ehlo),
    Verb.LHLO: _hello(Lhlo),
    Verb.MAIL: _mail,
    Verb.RCPT: _rcpt,
    Verb.DATA: _bare(Data()),
    Verb.BDAT: _bdat,
    Verb.RSET: _bare(Rset()),
    Verb.NOOP: lambda _argument, _offered: Noop(),  # RFC 5321 4.1.1.9: an argument is allowed and means nothing
    Verb.VRFY: _asking(Vrfy),
    Verb.EXPN: _asking(Expn),
    Verb.HELP: lambda argument, _offered: Help(_text(argument)),
    Verb.QUIT: _bare(Quit()),
    Verb.STARTTLS: _bare(StartTls()),
    Verb.AUTH: _auth,
    Verb.XCLIENT: _xclient,
}

VERBS: Final = {verb.value.encode("ascii"): verb for verb in _PARSERS}
"""The commands that there are, by their names in upper case."""


def encode(command: Command, offered: Container[str], limit: int) -> bytes:
    """The line of ``command``, CRLF included. A LocalProtocolError: it cannot be said, or not within ``limit`` octets.

    ``offered`` are the extensions in force, SMTPUTF8 among them only if addresses may be UTF-8 now.
    """
    try:
        line = _line(command, offered)
    except UnicodeEncodeError as problem:
        raise LocalProtocolError(f"{command.verb.value} cannot be written: {problem}") from problem
    if grammar.CONTROL.search(line):
        raise LocalProtocolError(f"{command.verb.value} would hold a control character")
    if len(line) + 2 > limit:
        raise LocalProtocolError(f"{command.verb.value} would be longer than {limit} octets")
    return line + b"\r\n"


def _line(command: Command, offered: Container[str]) -> bytes:
    match command:
        case Mail(path, params):
            if path is not None and path.domain is None:
                raise LocalProtocolError("the sender needs a domain")
            utf8 = params.smtputf8 and "SMTPUTF8" in offered
            return b"MAIL FROM:<%b>%b" % (_written(path, utf8=utf8), format_params(params, offered))
        case Rcpt(path, rcpt_params):
            return b"RCPT TO:<%b>%b" % (_written(path, utf8="SMTPUTF8" in offered), format_params(rcpt_params, offered))
        case AuthResponse(data):
            return b"*" if data is None else base64.b64encode(data)
        case Data() | Rset() | Quit() | StartTls():
            return command.verb.value.encode("ascii")
    verb, argument = Verb.BDAT if isinstance(command, Bdat) else command.verb, _argument(command)
    try:
        faithful = parse(verb, argument.strip(b" "), offered) == command
    except RemoteProtocolError as problem:
        raise LocalProtocolError(f"{verb.value} cannot be sent: {problem}") from problem
    if not faithful:
        raise LocalProtocolError(f"{verb.value} cannot be sent: a server would read something else")
    return b" ".join([verb.value.encode("ascii"), argument] if argument else [verb.value.encode("ascii")])


def _argument(command: Command) -> bytes:
    """What follows the verb of a command without a path."""
    match command:
        case Helo(name) | Ehlo(name) | Lhlo(name):
            return name.encode()
        case Bdat(size_octets, last):
            return b"%d%b" % (size_octets, b" LAST" if last else b"")
        case Vrfy(argument) | Expn(argument) | Help(argument):
            return argument.encode()
        case Auth(mechanism, initial):
            return mechanism.encode() + (b"" if initial is None else b" " + (base64.b64encode(initial) or b"="))
        case Xclient(attributes):
            return b" ".join(name.encode() + b"=" + xtext.encode(value.encode()) for name, value in attributes)
    return b""


def _written(path: Address | None, *, utf8: bool) -> bytes:
    """The address as it is sent, once it reads as what it is meant to be."""
    wire = b"" if path is None else path.wire
    if path is not None and not utf8 and not wire.isascii() and path.domain is not None:
        wire = b"%b@%b" % (path.local, path.domain.ascii.encode("ascii"))
    try:
        if parse_path(b"<%b>" % wire, utf8=utf8) != (path, len(wire) + 2):
            raise LocalProtocolError(f"{wire!r} is not an address")
    except AddressError as problem:
        raise LocalProtocolError(f"{wire!r} cannot be sent: {problem}") from problem
    return wire
