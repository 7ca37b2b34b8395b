"""Which addresses our own lists take for the same mailbox.

What a local part means is known to the host of its domain alone (RFC 5321 2.3.11), so mail is always passed on with the
local part as it was written. A list of ours is another matter: who is on it shall not get around it with a capital
letter, nor with a letter that is composed in another way (RFC 6532 3.1), and a quoted local part means the same as the
one inside the quotes (RFC 5321 4.1.2).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final, NamedTuple

from empath.smtp import Address

_QUOTED_PAIR: Final = re.compile(rb"\\(.)", re.DOTALL)

POSTMASTER: Final = b"postmaster"
"""The local part that every host has to know (RFC 5321 4.5.1)."""


class Mailbox(NamedTuple):
    """An address in the form in which lists compare it. Never to be sent."""

    local: bytes
    domain: str
    """A-labels in lower case, or an address literal with its brackets; empty for the bare postmaster."""


def mailbox_of(address: Address) -> Mailbox:
    """The mailbox that an address names."""
    return Mailbox(local_of(address.local), address.domain.ascii if address.domain else "")


def local_of(local: bytes) -> bytes:
    """A local part without quotes, in its one spelling."""
    if local.startswith(b'"'):
        local = _QUOTED_PAIR.sub(rb"\1", local[1:-1])
    return local.lower() if local.isascii() else one_spelling(local.decode()).encode()


def one_spelling(text: str) -> str:
    """Text as people take it to be the same: composed (NFC) and in lower case."""
    return unicodedata.normalize("NFC", text.lower())
