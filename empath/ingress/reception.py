"""What all sessions of one listener share: what it offers, what it allows, and the doors they go through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import field, frozen

from empath.config.schema import LimitSettings, ListenerAuth, ListenerSettings, ListenerTls, Profile
from empath.hooks import NO_HOOKS, Chain
from empath.ingress.client import Client
from empath.ingress.entrance import TlsEntrance
from empath.ingress.limits.quotas import Quotas
from empath.ingress.logins.users import Users
from empath.mail.dialogue import Tap
from empath.mail.envelope import Origin, with_keyword
from empath.mail.facts import Fact
from empath.mail.ids import NUMBER_BITS, MessageId, SessionId
from empath.policy.reception import wishes
from empath.policy.reception.logins import ALL_SENDERS, SenderLogins
from empath.policy.reception.pace import Penalty
from empath.policy.reception.relay import RelayPolicy
from empath.policy.scheduling import Classing
from empath.smtp import Bounds, Domain, Ehlo, Extensions, Introduction, Mail, ServerConnection
from empath.smtp.xclient import OFFER as XCLIENT_OFFER
from empath.spool.contract import Spool
from empath.world.free_space import FreeSpace
from empath.world.ports import Clock, Entropy

_ALWAYS: Final = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN")


@frozen(kw_only=True)
class Reception:
    """One listener, as its sessions see it."""

    hostname: Domain
    listener: ListenerSettings
    limits: LimitSettings
    inline_limit_bytes: int
    deduplication_window_s: float = 0.0
    """How long ago a message may have come for the same one to be taken for it; 0: each is a message of its own."""
    quotas: Quotas = field(factory=Quotas)
    """Messages and recipients in a given time; what all listeners share."""
    penalty: Penalty = field(init=False)
    """For clients that err."""
    classing: Classing = field(factory=Classing)
    """Which class a message is of."""
    heeds_tls_required: bool = True
    """Whether a message may say that TLS is optional (RFC 8689 3)."""
    users: Users | None = None
    """Those who can log in here; None: nobody can."""
    sender_logins: SenderLogins = ALL_SENDERS
    hooks: Chain = NO_HOOKS
    """Whom to ask before anything is accepted."""
    relay: RelayPolicy
    spool: Spool
    clock: Clock
    entropy: Entropy
    tls: TlsEntrance | None
    """None: this listener has no certificate."""
    observe: Callable[[Fact], None]
    """Takes note of what happened. Never waits, never fails."""
    free_space: FreeSpace | None = None
    """Of the disk of the spool; None: nobody looks."""
    traces: float | None = None
    """Which part of messages is traced; None: none belongs to any trace."""
    tap: Tap = field(factory=Tap)
    """Who is told what is said."""

    listener_name: str = field(init=False)
    """Its address as text, which each message carries along."""

    @listener_name.default
    def _name(self) -> str:
        return str(self.listener.listen_addr)

    @penalty.default
    def _new_penalty(self) -> Penalty:
        return Penalty(self.limits.error_delay_after, self.limits.error_delay_s)

    def new_machine(self, client: Client) -> ServerConnection:
        """The server's end of a session, as this listener is configured."""
        size, recipients = self.listener.max_message_size_bytes, self.limits.max_recipients
        lines = [*_ALWAYS, f"SIZE {size}", f"LIMITS RCPTMAX={recipients}"]
        if self.listener.profile is not Profile.MX:
            lines += wishes.offers(now=self.clock.now(), max_hold_s=self.limits.max_future_release_s)
        if self.listener.tls is ListenerTls.STARTTLS:
            lines.append("STARTTLS")
        if self.users is not None and self.listener.auth is not ListenerAuth.NONE:
            lines.append(" ".join(("AUTH", *self.users.mechanisms)))
        if client.comes_from(self.listener.xclient_from):
            lines.append(XCLIENT_OFFER)
        return ServerConnection(
            self.hostname.ascii,
            Extensions.of(*lines),
            tls=self.listener.tls is ListenerTls.IMPLICIT,
            bounds=Bounds(text_line=self.limits.max_line_bytes, errors=self.limits.max_errors),
        )

    def new_mid(self) -> MessageId:
        """A name for a message that begins now."""
        return MessageId.make(self.clock.now(), self.entropy.rng.getrandbits(NUMBER_BITS))

    def new_session_id(self) -> SessionId:
        """A name for a session that begins now."""
        return SessionId.make(self.clock.now(), self.entropy.rng.getrandbits(NUMBER_BITS))

    def origin(self, machine: ServerConnection, mail: Mail, client: Client) -> Origin:
        """Where the message of the open transaction comes from."""
        hello, tls, said = machine.facts.hello, client.tls, client.introduction or Introduction()
        # Who speaks for another one says EHLO for himself: what that one had said is known from XCLIENT.
        esmtp = isinstance(hello, Ehlo) if said.esmtp is None else said.esmtp
        return Origin(
            client_ip=client.ip or None,
            hello=client.said_hello or (hello.name if hello else ""),
            protocol=with_keyword(
                esmtp=esmtp, tls=tls is not None, auth=client.login is not None, utf8=mail.params.smtputf8
            ),
            listener=self.listener_name,
            tls_version=tls.version if tls else None,
            tls_cipher=tls.cipher if tls else None,
            user=client.login,
        )
