"""What happened on the way to next hops: questions to DNS, and connections. These too are `empath.mail.facts`."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class NameLookedUp:
    """DNS servers were asked something. What the cache knew is not among these."""

    at: float
    kind: str
    """The type of record, as ``MX``."""
    result: str
    """``ok``, ``nodata``, ``nxdomain``, or ``temporary``: nobody could tell."""
    security: str | None
    """``secure``, ``insecure`` or ``indeterminate`` (RFC 4033 5); None: there was no answer to say it of."""
    took_s: float


@frozen(kw_only=True)
class HostDialled:
    """A connection to a next hop was made ready for mail, or could not be."""

    at: float
    site: str
    result: str
    """``ok``, or the kind of the failure."""
    stages: tuple[tuple[str, float], ...]
    """How long its stages took, in seconds: ``dns``, ``connect``, ``tls``, as far as it came."""
    tls_version: str | None
    tls_verified: bool
    """Whether the host has proved who it is: by an authority that we trust, or by DANE."""


@frozen(kw_only=True)
class AttemptFaulted:
    """An attempt came to nothing by a fault on this side: of its disk, or of Empath. It is made again, and not counted.

    What its hosts had said by then is kept: this is about the other recipients.
    """

    at: float
    site: str
    deliveries: int


@frozen(kw_only=True)
class HostLeft:
    """A connection to a next hop has ended."""

    at: float
    site: str
    messages: int
    """Transactions that were tried over it."""
