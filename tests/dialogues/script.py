"""A dialogue as values: what is said in it, in which order, and to which server it is said.

How a file is read into these is in ``reading``; how they are played is in ``runner``.
"""

from attrs import field, frozen

from empath.smtp import NO_EXTENSIONS, Bounds, Extensions, Reply, Verb


@frozen
class Answer:
    """What the owner of the server has it say, where it would have said yes."""

    verb: Verb
    path: str | None
    """The one address that it is about, without angle brackets; None: any."""
    reply: Reply


@frozen(kw_only=True)
class Settings:
    """The server that a dialogue is meant for."""

    offers: Extensions = NO_EXTENSIONS
    lmtp: bool = False
    implicit_tls: bool = False
    bounds: Bounds = field(factory=Bounds)
    auth_in_clear: bool = False
    strict_groups: bool = True
    answers: tuple[Answer, ...] = ()
    users: tuple[tuple[str, str], ...] = ()
    """Names with their passwords, or with their tokens for the mechanisms that have those."""
    together: bool = True
    """Whether the dialogue holds when each group of the client comes in one segment."""
    in_pieces: bool = True
    """Whether it holds when a group comes octet by octet, so that a command is answered before the next has come."""


@frozen
class Group:
    """What the client sends without waiting for a reply."""

    line: int
    octets: bytes


@frozen
class Expect:
    """One line of a reply."""

    line: int
    text: bytes
    whole: bool
    """Whether ``text`` is all of the line, or its beginning."""

    def met_by(self, said: bytes | None) -> bool:
        """Whether ``said``, without its CRLF, is such a line."""
        return said is not None and (said == self.text if self.whole else said.startswith(self.text))


@frozen
class Handshake:
    """TLS begins here."""

    line: int


@frozen
class HangUp:
    """The client closes its end."""

    line: int


@frozen
class Closed:
    """The server has closed its end, and has said nothing more before."""

    line: int


Step = Group | Expect | Handshake | HangUp | Closed


@frozen
class Message:
    """What a server has taken charge of. In a script ``content`` is None where it does not matter."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes | None

    def __str__(self) -> str:
        """The message in one line."""
        return f"<{self.sender}> to {', '.join(f'<{path}>' for path in self.recipients)}: {self.content!r}"

    def met_by(self, accepted: "Message") -> bool:
        """Whether ``accepted`` is what this one says."""
        same_envelope = (self.sender, self.recipients) == (accepted.sender, accepted.recipients)
        return same_envelope and self.content in (None, accepted.content)


@frozen
class Dialogue:
    """One file."""

    name: str
    """Its path below the directory of all dialogues."""
    title: str
    """The comment at its top, as one line."""
    settings: Settings
    steps: tuple[Step, ...]
    messages: tuple[Message, ...]
    """All messages that the server accepts in the course of it."""
