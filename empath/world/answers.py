"""What DNS says, as values. Names are text in A-label form, in lower case, without the dot at the end."""

from __future__ import annotations

import enum
from typing import Generic, TypeVar

from attrs import field, frozen

T_co = TypeVar("T_co", covariant=True)


class Security(enum.IntEnum):
    """What is known about the authenticity of an answer (RFC 4033 5, RFC 7672 2.1.1). The weaker is the smaller.

    There is no *bogus*: a validating resolver answers SERVFAIL then, which is `DnsTemporary`.
    """

    INDETERMINATE = 0
    """Our resolver is not one whose word on this counts."""
    INSECURE = 1
    """A resolver that we trust has not vouched for it: the zone is not signed."""
    SECURE = 2
    """A resolver that we trust has validated it."""


@frozen
class MxRecord:
    """One mail exchanger of a domain (RFC 5321 5.1). The lower ``preference`` is tried first."""

    preference: int
    host: str
    """``"."``, the root and the one name that keeps its dot: the domain takes no mail (RFC 7505 3)."""


@frozen
class TlsaRecord:
    """What a server's certificate must match (RFC 6698 2.1). The numbers are those on the wire."""

    usage: int
    selector: int
    matching_type: int
    data: bytes


@frozen
class Answer(Generic[T_co]):
    """The records of one name and type; at least one.

    ``canonical_name`` is where a chain of CNAMEs ended; without one, the name that was asked for. ``ttl_s`` is the
    time for which the answer may still be used, in seconds. ``security`` covers the whole chain.
    """

    records: tuple[T_co, ...]
    canonical_name: str
    ttl_s: float = field(kw_only=True)
    security: Security = field(kw_only=True)
