"""What a TLS policy does when it meets a host, as a table: TlsPolicy x Situation -> Step.

::

    policy         offered       not offered   refused       handshake failed  untrusted
    disabled       clear         clear
    opportunistic  start         clear         clear         again in clear
    required       start         defer         defer         defer
    verified       start         defer         defer         defer             defer
    dane           start         defer         defer         defer             defer

``refused`` is any answer to STARTTLS but 220 (RFC 3207 4). An empty cell cannot be reached: who does not start TLS is
not refused it, and who does not look at the certificate does not find it wrong. Opportunistic TLS protects from those
who listen and not from those who interfere (RFC 7435 3), so it prefers a message in clear to no message. A handshake
that fails costs the connection: the way back to clear is a new one (RFC 3207 4.1 has both sides give it up). From
``required`` on nothing of the envelope ever goes in clear; the message waits, and its sender hears of it when it
expires. ``required`` does not look at the certificate. ``verified`` wants one of an authority that we trust, for the
name of the host, and ``dane`` one that the domain has published in signed DNS.

What a host has to show in the end depends on what its domain has published, too: `empath.policy.encryption.demand`.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from empath.mail import Diagnosis, Failure, Kind, Phase, failure_of
from empath.smtp import Reply


class TlsPolicy(Enum):
    """Whether TLS is used towards a site. The value is the word in configuration."""

    DISABLED = "disabled"
    OPPORTUNISTIC = "opportunistic"
    REQUIRED = "required"
    VERIFIED = "verified"
    DANE = "dane"

    @property
    def mandatory(self) -> bool:
        """Whether nothing may go in clear."""
        return self not in (TlsPolicy.DISABLED, TlsPolicy.OPPORTUNISTIC)

    __hash__ = object.__hash__


class Situation(Enum):
    """What we found."""

    OFFERED = "offered"
    NOT_OFFERED = "not offered"
    REFUSED = "refused"
    HANDSHAKE_FAILED = "handshake failed"
    UNTRUSTED = "untrusted"
    """The connection is encrypted, and the certificate is not what we want to see."""

    __hash__ = object.__hash__


class Step(Enum):
    """What to do."""

    START = "start"
    """Say STARTTLS."""
    CLEAR = "clear"
    """Go on in clear on this connection."""
    AGAIN_IN_CLEAR = "again in clear"
    """Connect to the same host once more, and do not say STARTTLS."""
    DEFER = "defer"
    """Leave this host; the failure is `refusal`."""


TABLE: Final[dict[tuple[TlsPolicy, Situation], Step]] = {
    (TlsPolicy.DISABLED, Situation.OFFERED): Step.CLEAR,
    (TlsPolicy.DISABLED, Situation.NOT_OFFERED): Step.CLEAR,
    (TlsPolicy.OPPORTUNISTIC, Situation.OFFERED): Step.START,
    (TlsPolicy.OPPORTUNISTIC, Situation.NOT_OFFERED): Step.CLEAR,
    (TlsPolicy.OPPORTUNISTIC, Situation.REFUSED): Step.CLEAR,
    (TlsPolicy.OPPORTUNISTIC, Situation.HANDSHAKE_FAILED): Step.AGAIN_IN_CLEAR,
    (TlsPolicy.REQUIRED, Situation.OFFERED): Step.START,
    (TlsPolicy.REQUIRED, Situation.NOT_OFFERED): Step.DEFER,
    (TlsPolicy.REQUIRED, Situation.REFUSED): Step.DEFER,
    (TlsPolicy.REQUIRED, Situation.HANDSHAKE_FAILED): Step.DEFER,
    (TlsPolicy.VERIFIED, Situation.OFFERED): Step.START,
    (TlsPolicy.VERIFIED, Situation.NOT_OFFERED): Step.DEFER,
    (TlsPolicy.VERIFIED, Situation.REFUSED): Step.DEFER,
    (TlsPolicy.VERIFIED, Situation.HANDSHAKE_FAILED): Step.DEFER,
    (TlsPolicy.VERIFIED, Situation.UNTRUSTED): Step.DEFER,
    (TlsPolicy.DANE, Situation.OFFERED): Step.START,
    (TlsPolicy.DANE, Situation.NOT_OFFERED): Step.DEFER,
    (TlsPolicy.DANE, Situation.REFUSED): Step.DEFER,
    (TlsPolicy.DANE, Situation.HANDSHAKE_FAILED): Step.DEFER,
    (TlsPolicy.DANE, Situation.UNTRUSTED): Step.DEFER,
}


_REFUSALS: Final = {
    Situation.HANDSHAKE_FAILED: (Kind.TLS_FAILED, "the TLS handshake failed"),
    Situation.UNTRUSTED: (Kind.TLS_UNTRUSTED, "the certificate is not the one that is asked for"),
}


def step(policy: TlsPolicy, situation: Situation) -> Step | None:
    """What to do; None: the policy cannot have come there."""
    return TABLE.get((policy, situation))


def refusal(situation: Situation, *, host: str, reply: Reply | None = None, text: str = "") -> Failure:
    """Why a host was left: temporary, 4.7.4 or 4.7.5 (RFC 3463 3.8), and the site's."""
    kind, words = _REFUSALS.get(situation, (Kind.TLS_UNAVAILABLE, "TLS is required and not available"))
    return failure_of(Diagnosis(kind=kind, phase=Phase.STARTTLS, host=host, reply=reply, text=text or words))


def diagram() -> str:
    """The table as text, in the form that stands in the docstring of this module."""
    widths = {situation: max(14, len(situation.value) + 2) for situation in Situation}
    lines = ["policy         " + "".join(situation.value.ljust(width) for situation, width in widths.items())]
    for policy in TlsPolicy:
        cells = ((step(policy, situation), width) for situation, width in widths.items())
        lines.append(
            f"{policy.value:<15}" + "".join((cell.value if cell else "").ljust(width) for cell, width in cells)
        )
    return "\n".join(line.rstrip() for line in lines)
