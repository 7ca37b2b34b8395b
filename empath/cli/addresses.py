"""Addresses as people and header fields write them."""

import os
import pwd
import re
from collections.abc import Iterator
from typing import Final

from empath.cli.complaint import Code, Complaint
from empath.mail.headers import fields, split
from empath.smtp import Address, AddressError, Domain

# RFC 5322 3.2.4 (quoted strings), 3.4.1 (domain literals), 3.2.3 (the specials that part addresses), and all else.
_PART: Final = re.compile(r'"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[(),:;<>]|[^"\[(),:;<>]+|.', re.DOTALL)

_RECIPIENT_FIELDS: Final = frozenset({b"to", b"cc", b"bcc"})
_RESENT_FIELDS: Final = frozenset({b"resent-to", b"resent-cc", b"resent-bcc"})


def qualified(text: str, host: Domain) -> Address:
    """Read an address; a name without a domain is a mailbox of this host. Raises `Complaint`."""
    try:
        return Address.parse(text if "@" in text else f"{text}@{host.ascii}")
    except AddressError as error:
        raise Complaint(
            Code.UNSENDABLE,
            f"{text!r} is not an address: {error}",
            why="without it the message would miss somebody it is meant for; it went to nobody",
            remedy="write local@domain",
            status=os.EX_DATAERR,
        ) from error


def reverse_path(text: str | None, host: Domain) -> Address | None:
    """Read a sender: an address, nothing or ``<>`` for the null reverse-path, None for the user who runs this."""
    if text is None:
        return own_address(host)
    return None if text in ("", "<>") else qualified(text, host)


def own_address(host: Domain) -> Address:
    """Return the mailbox of the user who runs this, on this host."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # as in containers that run under a number
        name = f"uid{os.getuid()}"
    return qualified(name, host)


def named_in_header(message: bytes) -> Iterator[str]:
    """Yield the addresses that a message names as its recipients, as they are written (RFC 5322 3.6.3).

    When it was sent on, those it was sent on to are meant, and no others (RFC 5322 3.6.6).
    """
    found = list(fields(split(message)[0]))
    resent = any(field.name in _RESENT_FIELDS for field in found)
    for field in found:
        if field.name in (_RESENT_FIELDS if resent else _RECIPIENT_FIELDS):
            yield from listed(field.unfolded.decode("utf-8", "replace"))


def listed(text: str) -> Iterator[str]:
    """Yield each address of a list, without display name, comments and the names of groups (RFC 5322 3.4).

    Nothing is passed over: what is no address is yielded too, for `qualified` to complain about. That is why this is
    not `email.utils.getaddresses`, which drops what it does not understand, some more in each version of Python.
    """
    plain, angle = "", None
    depth, inside = 0, False
    for part in [*_PART.findall(text), ","]:
        if part == "(":
            depth += 1
        elif part == ")":
            depth -= 1
        elif depth > 0:
            continue
        elif part in ",;":
            if address := (plain if angle is None else angle).strip():
                yield address
            plain, angle, inside = "", None, False
        elif part in "<>":
            inside = part == "<"
            angle = "" if inside else angle
        elif part == ":" and not inside:
            plain = ""
        elif inside:
            angle = f"{angle or ''}{part}"
        else:
            plain += part
    if depth:
        yield text  # a comment that does not end may have swallowed somebody
