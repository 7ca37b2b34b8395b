"""Messages that are handed in by a program, and not by SMTP: what it says, and what it is told."""

from __future__ import annotations

from attrs import define, field, frozen

from empath.mail.failure import EmpathError
from empath.mail.trace_context import TraceContext


@frozen(kw_only=True)
class HandedIn:
    """Who sends to whom, as text that nobody has looked at yet."""

    sender: str
    """The reverse-path; empty: the null one."""
    recipients: tuple[str, ...]
    user: str
    """Who hands it in, as logs and trace fields call him."""
    client_ip: str | None = None
    """None: a program on this machine."""
    trace_context: TraceContext | None = None
    """What the program calls what it is about; None: nothing."""


@define(eq=False)
class NotTaken(EmpathError):
    """A message is not taken, and nothing is kept of it."""

    what: str
    why: str = field(kw_only=True)
    remedy: str = field(kw_only=True)
    is_passing: bool = field(kw_only=True, default=False)
    """Whether the same message may be taken later."""

    def __str__(self) -> str:
        """What happened."""
        return self.what
