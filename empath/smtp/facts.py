"""The facts beside the state: what both ends know of a session that the table does not say.

They belong together because they are forgotten together. TLS starts a session over (RFC 3207 4.2): the connection
then makes a new ``Facts`` and keeps nothing of the old.
"""

from __future__ import annotations

from attrs import define

from empath.smtp.events import Hello
from empath.smtp.extensions import NO_EXTENSIONS, Extensions


@define
class Facts:
    """What is known of a session now."""

    tls: bool = False
    """Whether all that comes is encrypted."""
    authenticated: bool = False
    """Whether AUTH has succeeded."""
    hello: Hello | None = None
    """How the client introduced itself; None: it has not, or has to do so again."""
    in_force: Extensions = NO_EXTENSIONS
    """The extensions that both ends may use now: none before EHLO, none after HELO."""
    utf8: bool = False
    """Whether the open transaction may use UTF-8 in addresses and replies (SMTPUTF8 was said with MAIL)."""
    recipients: int = 0
    """Recipients accepted in the open transaction."""

    @property
    def usable(self) -> Extensions:
        """As ``in_force``, without SMTPUTF8 where the transaction did not ask for it (RFC 6531 3.4)."""
        return self.in_force if self.utf8 else self.in_force.in_ascii

    def forget_transaction(self) -> None:
        """No transaction is open any more."""
        self.utf8 = False
        self.recipients = 0
