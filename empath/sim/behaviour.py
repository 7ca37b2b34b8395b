"""What a remote server does in place of the usual: rules as data, and what they leave behind."""

from __future__ import annotations

import enum
import math
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

import trio
from attrs import define, field, frozen

from empath.mail import Phase
from empath.smtp import Address, MailParams, RcptParams, Reply, Verb

if TYPE_CHECKING:
    from empath.sim.entropy import SeededEntropy

Moment = Phase | Literal[Verb.QUIT, Verb.HANDSHAKE]
"""When a server is to answer. Nothing hangs on the answer to QUIT, so it is no phase of a delivery; and what comes in
place of a TLS handshake is no reply.
"""


class Fault(enum.Enum):
    """What a server does to a connection where it should answer."""

    CLOSE = "close"
    RESET = "reset"
    STALL = "stall"
    """It says nothing more, until the client has gone."""


@frozen
class Octets:
    """What a server says in place of a reply, be it one or not, and what it does to the connection then."""

    octets: bytes
    endless: bool = field(default=False, kw_only=True)
    """Whether it says that again and again, as long as the client listens."""
    then: Fault | None = field(default=Fault.STALL, kw_only=True)
    """None: it goes on as if it had given the usual answer."""


Reaction = Reply | Fault | Octets


@define(kw_only=True)
class Rule:
    """What happens in place of the usual answer, whenever all of this fits."""

    phase: Moment
    reaction: Reaction
    address: str = "*"
    """A pattern as of shells, for the reverse-path at MAIL (empty for the null one) and the forward-path at RCPT."""
    chance: float = 1.0
    since_s: float = 0.0
    """In time of Trio's clock, like ``until_s``."""
    until_s: float = math.inf
    times: float = math.inf
    """How often it still happens."""
    spares: int = 0
    """How often the usual answer comes before that: 1 at HELLO is for EHLO inside TLS."""

    def fits(self, phase: Moment, address: str, entropy: SeededEntropy) -> bool:
        """Tell whether it happens now, and count that."""
        if phase is not self.phase or self.times < 1 or not self.since_s <= trio.current_time() < self.until_s:
            return False
        if not fnmatchcase(address, self.address) or (self.chance < 1 and entropy.rng.random() >= self.chance):
            return False
        if self.spares:
            self.spares -= 1
            return False
        self.times -= 1
        return True


@frozen(kw_only=True)
class Taken:
    """One message that a server has taken."""

    at: float
    """In time of Trio's clock."""
    host: str
    hello: str
    reverse_path: Address | None
    recipients: tuple[Address, ...]
    params: MailParams
    """What was said with MAIL."""
    wishes: tuple[RcptParams, ...]
    """What was said with RCPT, for each recipient."""
    content: bytes = field(repr=False)
    encrypted: bool = False
    confirmed: bool
    """Whether the client was told so; if not, it may bring the message again (RFC 1047)."""


@frozen
class Overheard:
    """A recipient that a client named outside TLS, where anybody on the way could hear it."""

    host: str
    recipient: Address
