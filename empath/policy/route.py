"""Which hosts take the mail of a domain (RFC 5321 5.1), given what configuration and DNS say.

First configuration: an override for the domain, then the smart host. Else the MX records:

- The lowest preference first; equals in an order drawn by chance for every attempt, so that they share the load.
- No MX record at all (NODATA) makes the domain its own host. Nothing else does: a lookup that failed says nothing about
  what is there, and must not lead mail astray.
- A null MX says that the domain takes no mail (RFC 7505 3): permanent, 5.1.10, without looking any further.
- Ourselves in the list: it goes, and so does every host that is no better, since those would send the mail back to us.
  With nothing left it is a loop: permanent, 5.4.6. Names are compared here, and what they lead to, when that is known,
  in `empath.policy.approach`.

Answers are arguments. One is either the records or the reason why there are none (`Unresolved`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Final, Protocol, TypeAlias

from attrs import Factory, field, frozen

from empath.mail import Diagnosis, Failure, Kind, Phase, failure_of
from empath.smtp import AddressLiteral, Domain

MAX_HOSTS: Final = 5
_ROOT: Final = "."


class Mx(Protocol):
    """An MX record: the host as A-labels without a dot at its end, ``.`` for the root."""

    @property
    def preference(self) -> int:
        """The lower, the better."""

    @property
    def host(self) -> str:
        """The exchange."""


class Absent(Enum):
    """What is not there, by the word of DNS."""

    NO_SUCH_DOMAIN = "no such domain"
    NO_DATA = "no data"
    """The name exists and has no record of that type."""


@frozen
class Undecided:
    """Nobody can tell now, or nobody whose word counts. ``reason``: the name, and what became of the question."""

    reason: str
    kind: Kind = Kind.DNS


Unresolved: TypeAlias = Absent | Undecided
"""Why there are no records."""


@frozen
class Exchange:
    """A host that takes the mail of a domain; the lower ``preference`` is tried first."""

    host: str
    preference: int = 0


@frozen(kw_only=True)
class OwnHost:
    """What this host goes by in DNS: names as A-labels in lower case, and IP addresses."""

    names: frozenset[str] = frozenset()
    addresses: frozenset[str] = frozenset()


@frozen
class NextHop:
    """A host that configuration names: a name as A-labels, or an IP address."""

    host: str
    port: int

    def __str__(self) -> str:
        """``host:port``, with brackets around an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@frozen
class Target:
    """One address that an attempt may connect to."""

    host: str
    """What the address belongs to: the name that TLS and reports go by."""
    address: str
    port: int
    source: str | None = field(default=None, kw_only=True)
    """The address of ours to connect from; None: whichever the system takes."""
    canonical_name: str = field(default=Factory(lambda self: self.host, takes_self=True), kw_only=True)
    """Where the aliases of the host led (RFC 7672 2.2.2); without any, the host."""
    host_secure: bool = field(default=False, kw_only=True)
    """Whether it is beyond doubt that this host takes the mail: by DNSSEC, or since configuration says so."""
    address_secure: bool = field(default=False, kw_only=True)
    """Whether DNSSEC vouches for the addresses, aliases included."""


@frozen(kw_only=True)
class Routes:
    """What configuration says about next hops."""

    smart_host: NextHop | None = None
    overrides: Mapping[str, NextHop] = field(factory=dict)
    """By recipient domain, as A-labels. Subdomains are not included."""

    def next_hop(self, domain: Domain | AddressLiteral) -> NextHop | None:
        """The next hop that is configured for a domain; None: DNS decides."""
        return self.overrides.get(domain.ascii, self.smart_host)


def mx_hosts(
    domain: str,
    answer: Sequence[Mx] | Unresolved,
    *,
    own: OwnHost,
    draw: Callable[[], float],
    max_hosts: int = MAX_HOSTS,
) -> tuple[Exchange, ...]:
    """The hosts for the mail of a domain, the best first; at least one. Else a `Failure` is raised.

    ``answer``, if it is records, is at least one. ``draw`` gives chance, evenly from 0 to 1.
    """
    if answer is Absent.NO_DATA:
        if domain in own.names:
            raise no_route(Kind.LOOP, f"{domain} is this host, and its mail is not kept here")
        return (Exchange(domain),)
    if isinstance(answer, Absent):
        raise no_route(Kind.NO_SUCH_DOMAIN, f"{domain} does not exist")
    if isinstance(answer, Undecided):
        raise undecided(domain, answer)
    best: dict[str, int] = {}
    for record in answer:
        host = record.host.lower()
        if host != _ROOT:
            best[host] = min(record.preference, best.get(host, record.preference))
    if not best:
        raise no_route(Kind.NULL_MX, f"{domain} takes no mail (null MX)")
    ours = min((preference for host, preference in best.items() if host in own.names), default=None)
    ranked = [(preference, draw(), host) for host, preference in best.items() if ours is None or preference < ours]
    if not ranked:
        raise loop(domain)
    return tuple([Exchange(host, preference) for preference, _, host in sorted(ranked)[:max_hosts]])


def literal_address(literal: AddressLiteral) -> str:
    """The IP address that a recipient at an address literal is to be sent to. Else a `Failure` is raised."""
    if literal.ip is None:
        raise no_route(Kind.NO_HOST, f"{literal.ascii} is not an IP address")
    return str(literal.ip)


def loop(domain: str) -> Failure:
    """The failure of mail that would come back to us."""
    return no_route(Kind.LOOP, f"the best mail host of {domain} is this one, and its mail is not kept here")


def undecided(domain: str, answer: Undecided) -> Failure:
    """The failure of mail that must wait for DNS."""
    return no_route(answer.kind, f"{domain} could not be looked up: {answer.reason}")


def no_route(kind: Kind, text: str) -> Failure:
    """The failure of mail that has nowhere to go."""
    return failure_of(Diagnosis(kind=kind, phase=Phase.ROUTE, text=text))
