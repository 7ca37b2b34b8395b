"""How this host is named and addressed, as operators write it: the kinds of two keys of ``[delivery]``."""

import ipaddress
from typing import Final

from empath.config.kinds import Kind
from empath.config.refusal import quoted
from empath.config.units import UnitError, parse_host
from empath.smtp.address import Domain


def _own_host(raw: str) -> str:
    host = parse_host(raw)
    if host.port is not None:
        raise UnitError(f"{quoted(raw)} has a port", why="MX records name hosts, and have no ports")
    return host.host.ascii if isinstance(host.host, Domain) else str(host.host)


def _sources(raw: str | list[object]) -> tuple[str, ...]:
    """Read one address, or one of each family."""
    addresses = [_source(item) for item in ([raw] if isinstance(raw, str) else raw)]
    if len({address.version for address in addresses}) < len(addresses):
        raise UnitError(
            f"{', '.join(map(str, addresses))} are of one family",
            why="a connection comes from one address, and which of the two would be left to chance",
            remedy="at most one IPv4 and one IPv6 address",
        )
    return tuple(map(str, addresses))


def _source(raw: object) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        address = ipaddress.ip_address(raw if isinstance(raw, str) else "")
    except ValueError:
        raise UnitError(f"{quoted(raw) if isinstance(raw, str) else raw} is not an IP address") from None
    if address.is_unspecified:
        raise UnitError(f"{address} is any address", why="the system chooses one as it is", remedy="leave the key out")
    return address


OWN_HOST: Final = Kind(
    noun="a host without a port",
    grammar="it is a name or an address",
    example='"mx.example.org"',
    types=(str,),
    convert=_own_host,
    show=quoted,
)
SOURCES: Final = Kind(
    noun="an address to connect from",
    grammar="it is an address of this machine, or an array with one of each family",
    example='"192.0.2.1"',
    types=(str, list),
    convert=_sources,
    show=lambda values: f"[{', '.join(map(quoted, values))}]",
    from_text=lambda text: [part.strip() for part in text.split(",")],
)
