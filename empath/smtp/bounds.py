"""Every bound of the two machines, with the figures of the RFCs."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from empath.smtp import params_text
from empath.smtp.extensions import Extensions
from empath.smtp.session import Verb


@frozen(kw_only=True)
class Bounds:
    """Lengths in octets, with CRLF where there is one. RFC 5321 4.5.3.1 gives minima, and these are the defaults."""

    command_line: int = 512
    """RFC 5321 4.5.3.1.4. What the extensions in force add to MAIL and RCPT is allowed on top."""
    auth_line: int = 12288
    """RFC 4954 4: the AUTH command and the responses."""
    text_line: int = 65536
    """Of a body. RFC 5321 4.5.3.1.6 asks for 1000 at least; a longer line is refused, never folded."""
    reply_line: int = 512
    """RFC 5321 4.5.3.1.5. A client that meets servers at large may want more."""
    reply_lines: int = 128
    """Lines of one reply; the RFCs have no figure."""
    errors: int = 20
    """Refusals without a message accepted in between, after which a server answers 421 and closes."""


MAX_CHUNK_DIGITS: Final = 18
"""A BDAT size of more digits cannot be meant: 10^18 octets take three years at 10 GB/s."""


def command_limits(bounds: Bounds, offered: Extensions) -> dict[Verb, int]:
    """The longest line of each verb that may be longer than ``command_line``.

    An extension adds what its parameters take at their longest (RFC 1870 3, 6152 2, 6531 3.4, 3461 4, 4954 3, ...).
    """
    room = {
        verb: bounds.command_line + sum(row.longest for row in table.values() if row.extension in offered)
        for verb, table in ((Verb.MAIL, params_text.MAIL), (Verb.RCPT, params_text.RCPT))
    }
    return {**room, Verb.AUTH: bounds.auth_line, Verb.RESPONSE: bounds.auth_line}
