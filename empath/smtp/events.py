"""What the machines say to those who drive them, and are told by them.

A command is the same value on both ends: a client sends ``Mail(...)``, a server receives ``Mail(...)``. Each carries
its ``verb``, the key under which it stands in the table of ``session``.
"""

from __future__ import annotations

from enum import Enum, Flag, auto
from typing import ClassVar, Final

from attrs import frozen

from empath.smtp.address import Address
from empath.smtp.params import NO_MAIL_PARAMS, NO_RCPT_PARAMS, MailParams, RcptParams
from empath.smtp.reply import Reply
from empath.smtp.session import Verb


@frozen
class Helo:
    """RFC 5321 4.1.1.1, the old form: no extensions."""

    verb: ClassVar = Verb.HELO
    name: str
    """What the client calls itself: of harmless characters, and not to be believed."""


@frozen
class Ehlo:
    """RFC 5321 4.1.1.1."""

    verb: ClassVar = Verb.EHLO
    name: str


@frozen
class Lhlo:
    """RFC 2033 4.1: EHLO of LMTP."""

    verb: ClassVar = Verb.LHLO
    name: str


@frozen
class Mail:
    """RFC 5321 4.1.1.2: opens a transaction."""

    verb: ClassVar = Verb.MAIL
    reverse_path: Address | None
    """None is the null reverse-path ``<>``: a report, which is never reported on."""
    params: MailParams = NO_MAIL_PARAMS


@frozen
class Rcpt:
    """RFC 5321 4.1.1.3: names one recipient."""

    verb: ClassVar = Verb.RCPT
    forward_path: Address
    params: RcptParams = NO_RCPT_PARAMS


@frozen
class Data:
    """RFC 5321 4.1.1.4: asks to send the body."""

    verb: ClassVar = Verb.DATA


@frozen
class Bdat:
    """RFC 3030 2: announces one chunk of ``size_octets``. It is answered once the chunk has come, see ``ChunkEnd``."""

    size_octets: int
    last: bool = False

    @property
    def verb(self) -> Verb:
        """BDAT or BDAT_LAST: they lead to different states."""
        return Verb.BDAT_LAST if self.last else Verb.BDAT


@frozen
class Rset:
    """RFC 5321 4.1.1.5: forgets the transaction."""

    verb: ClassVar = Verb.RSET


@frozen
class Noop:
    """RFC 5321 4.1.1.9."""

    verb: ClassVar = Verb.NOOP


@frozen
class Vrfy:
    """RFC 5321 4.1.1.6."""

    verb: ClassVar = Verb.VRFY
    argument: str


@frozen
class Expn:
    """RFC 5321 4.1.1.7."""

    verb: ClassVar = Verb.EXPN
    argument: str


@frozen
class Help:
    """RFC 5321 4.1.1.8."""

    verb: ClassVar = Verb.HELP
    argument: str = ""


@frozen
class Quit:
    """RFC 5321 4.1.1.10."""

    verb: ClassVar = Verb.QUIT


@frozen
class StartTls:
    """RFC 3207 4: 220 hands the connection to a TLS handshake; ``tls_established`` takes it back."""

    verb: ClassVar = Verb.STARTTLS


@frozen
class Auth:
    """RFC 4954 4: opens an exchange. ``initial`` is the decoded initial response; None: there was none."""

    verb: ClassVar = Verb.AUTH
    mechanism: str
    initial: bytes | None = None


@frozen
class AuthResponse:
    """RFC 4954 4: the client's decoded answer to a challenge; None cancels the exchange (``*``)."""

    verb: ClassVar = Verb.RESPONSE
    data: bytes | None


@frozen
class Xclient:
    """Postfix's XCLIENT: what a trusted proxy says of the client behind it. Names in upper case, values decoded."""

    verb: ClassVar = Verb.XCLIENT
    attributes: tuple[tuple[str, str], ...]


@frozen
class BodyData:
    """Some octets of the message as it is meant, without dot-stuffing. Never empty on a server."""

    data: bytes


class BodyFault(Flag):
    """What is wrong with a body; no flag: nothing. Such a body is read to its true end and then refused."""

    NONE = 0
    LONE_CR = auto()
    LONE_LF = auto()
    NUL = auto()
    LONG_LINE = auto()
    TOO_BIG = auto()


@frozen
class BodyEnd:
    """The final dot. A server is to answer it, once, or in LMTP once for each recipient it accepted (RFC 2033 4.2).

    With a ``fault`` the answer is ``refusal``, and what came as ``BodyData`` before is to be thrown away.
    """

    verb: ClassVar = Verb.END
    fault: BodyFault = BodyFault.NONE
    refusal: Reply | None = None


@frozen
class ChunkEnd:
    """All octets of a chunk have come (RFC 3030 2). As ``BodyEnd``; the message is complete only if ``last``."""

    last: bool
    fault: BodyFault = BodyFault.NONE
    refusal: Reply | None = None

    @property
    def verb(self) -> Verb:
        """BDAT or BDAT_LAST."""
        return Verb.BDAT_LAST if self.last else Verb.BDAT


@frozen
class Refused:
    """The machine has judged what came: the server is to send ``reply``, or a refusal of its own."""

    verb: Verb
    reply: Reply
    closes: bool = False
    """Whether the session ends with the reply, since what the client will send next can no longer be told."""
    skip_octets: int = 0
    """Octets of a refused chunk. The machine has thrown them away before it hands this event out (RFC 3030 2)."""


@frozen
class ConnectionClosed:
    """The peer has closed, or the session has ended: nothing more will come."""


@frozen
class ReplyReceived:
    """The server's answer to ``command``."""

    reply: Reply
    command: Command | BodyEnd | None
    """None: the greeting, or a 421 that answers nothing."""
    recipient: Rcpt | None = None
    """In LMTP, whose outcome this answer to the final dot is."""
    void: bool = False
    """The answer to a lone dot, sent because all recipients were refused: it says nothing about any message."""


class Pause(Enum):
    """Why there is no event."""

    NEED_DATA = "NEED_DATA"
    """More octets are needed from the peer."""
    NEED_REPLY = "NEED_REPLY"
    """The server owes a reply, and reads on when it is sent; or TLS is to begin."""


NEED_DATA: Final = Pause.NEED_DATA
NEED_REPLY: Final = Pause.NEED_REPLY

Hello = Helo | Ehlo | Lhlo
Side = Rset | Noop | Vrfy | Expn | Help | Quit
Command = Hello | Mail | Rcpt | Data | Bdat | Side | StartTls | Auth | AuthResponse | Xclient
ServerEvent = Command | BodyData | BodyEnd | ChunkEnd | Refused | ConnectionClosed
ClientEvent = ReplyReceived | ConnectionClosed
