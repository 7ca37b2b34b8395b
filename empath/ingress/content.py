"""What can speak against content that has come in whole and is well-formed SMTP."""

from __future__ import annotations

from typing import Final

from empath.config.schema import LimitSettings, ListenerSettings
from empath.ingress import replies
from empath.mail.header_section import SectionFault, SectionGate
from empath.smtp import Reply

_FAULTS: Final = {
    SectionFault.TOO_LARGE: Reply(552, "the header section is larger than this server takes", "5.3.4"),
    SectionFault.TOO_MANY_FIELDS: Reply(552, "there are more header fields than this server takes", "5.3.4"),
}
_NOT_ONE_FROM: Final = Reply(550, "a message has exactly one From field", "5.6.0")
"""RFC 5322 3.6: people are shown one of several, and filters may look at another one."""


def objection(gate: SectionGate, listener: ListenerSettings, limits: LimitSettings) -> Reply | None:
    """Why a message is refused for its header section; None: it is not. ``gate``: it has let the whole message pass."""
    section = gate.section
    if gate.fault is not None or section is None:
        return _FAULTS[gate.fault or SectionFault.TOO_LARGE]
    if section.hops > limits.max_hops:
        return replies.LOOPING
    if listener.require_single_from and section.count(b"from") != 1:
        return _NOT_ONE_FROM
    return None
