"""What can go wrong in the protocol, and whose fault it was.

::

    ProtocolError
    |- LocalProtocolError     the program that drives the machine broke the rules: a bug on our side
    `- RemoteProtocolError    the peer broke them
       `- AddressError        an address, as a peer or a person wrote it, is not one

Nothing else leaves this package on account of what a peer sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from empath.smtp.reply import Reply


class ProtocolError(Exception):
    """Either end broke the protocol. Abstract: raised only as one of its kinds."""


class LocalProtocolError(ProtocolError):
    """The caller asked for something that must not go over the wire now. Nothing was sent and no state has changed."""


class RemoteProtocolError(ProtocolError):
    """The peer sent what it must not send.

    ``reply`` is what a server may answer. A client has nobody to answer: its connection is of no further use.
    """

    def __init__(self, message: str, reply: Reply | None = None) -> None:
        """``message`` is for people; ``reply`` is for the peer and says no more than the peer should know."""
        super().__init__(message)
        self.reply = reply


class AddressError(RemoteProtocolError):
    """A text is not an address, or not one that may be used here.

    ``reply`` is None: which code fits depends on the command that the address came with.
    """

    def __init__(self, message: str, *, utf8_needed: bool = False) -> None:
        """``utf8_needed``: the address would be fine if SMTPUTF8 had been asked for (RFC 6531 3.5)."""
        super().__init__(message)
        self.utf8_needed = utf8_needed
