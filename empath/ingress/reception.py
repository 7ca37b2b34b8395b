"""What all sessions of one listener share: what it offers, what it allows, and the doors they go through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import frozen

from empath.config.schema import LimitSettings, ListenerSettings, ListenerTls
from empath.ingress.client import Client
from empath.mail.envelope import Origin, with_keyword
from empath.mail.facts import Fact
from empath.mail.ids import NUMBER_BITS, MessageId, SessionId
from empath.policy.relay import RelayPolicy
from empath.smtp import Bounds, Domain, Ehlo, Extensions, Mail, ServerConnection
from empath.spool.contract import Spool
from empath.world.ports import Clock, Entropy
from empath.world.tls import TlsContext

_ALWAYS: Final = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN")


@frozen(kw_only=True)
class Reception:
    """One listener, as its sessions see it."""

    hostname: Domain
    listener: ListenerSettings
    limits: LimitSettings
    inline_limit_bytes: int
    relay: RelayPolicy
    spool: Spool
    clock: Clock
    entropy: Entropy
    tls: TlsContext | None
    """None: this listener has no certificate."""
    observe: Callable[[Fact], None]
    """Takes note of what happened. Never waits, never fails."""

    def new_machine(self) -> ServerConnection:
        """The server's end of a session, as this listener is configured."""
        size, recipients = self.listener.max_message_size_bytes, self.limits.max_recipients
        lines = [*_ALWAYS, f"SIZE {size}", f"LIMITS RCPTMAX={recipients}"]
        if self.listener.tls is ListenerTls.STARTTLS:
            lines.append("STARTTLS")
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
        hello, tls = machine.facts.hello, client.tls
        return Origin(
            client_ip=client.ip or None,
            hello=hello.name if hello else "",
            protocol=with_keyword(esmtp=isinstance(hello, Ehlo), tls=tls is not None, utf8=mail.params.smtputf8),
            listener=str(self.listener.listen_addr),
            tls_version=tls.version if tls else None,
            tls_cipher=tls.cipher if tls else None,
        )
