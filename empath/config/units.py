"""What operators write in one string and programs need as a number or a small value.

Every reader has a writer, and reading what was written gives the same value again. A reader raises `UnitError`.

============ ============================= =====================================================================
duration     ``"1h30m"``, ``"250ms"``      seconds as a float; units w d h m s ms, largest first, each at most once
size         ``"25MiB"``, ``"10MB"``       octets as an int; kB MB GB TB count in 1000, KiB MiB GiB TiB in 1024
data rate    ``"100B/s"``                  octets in a second as an int
rate         ``"200/min"``, ``"10/s"``     `Rate`
network      ``"192.0.2.0/24"``            a network of the standard library's `ipaddress`
endpoint     ``"127.0.0.1:25"``            `TcpEndpoint` of `empath.world`; ``"[::1]:25"`` for IPv6
host         ``"mx.example.org:2525"``     `HostPort`: a host by name or address, the port may be left out
============ ============================= =====================================================================
"""

import ipaddress
import re
from collections.abc import Mapping
from enum import Enum
from typing import Final

from attrs import frozen

from empath.smtp.address import Domain
from empath.smtp.errors import AddressError
from empath.world.endpoint import TcpEndpoint

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class UnitError(ValueError):
    """A text is no value of its kind. ``why`` and ``remedy`` are there when more can be said than the grammar."""

    def __init__(self, what: str, *, why: str = "", remedy: str = "") -> None:
        """``what`` quotes the text."""
        super().__init__(what)
        self.why = why
        self.remedy = remedy


_UNIT_MS: Final[Mapping[str, int]] = {
    "w": 604_800_000,
    "d": 86_400_000,
    "h": 3_600_000,
    "m": 60_000,
    "s": 1000,
    "ms": 1,
}
_DURATION: Final = re.compile("".join(rf"(?:(?P<{unit}>[0-9]{{1,9}}){unit})?" for unit in _UNIT_MS))
_LONGEST_MS: Final = 1000 * 365 * _UNIT_MS["d"]
"""A thousand years: beyond every use, and far below where a float loses milliseconds."""


def parse_duration(text: str) -> float:
    """Return seconds. ``"0"`` needs no unit."""
    if text == "0":
        return 0.0
    found = _DURATION.fullmatch(text)
    if not text or found is None:
        raise UnitError(f'"{text}" is not a duration')
    total_ms = sum(int(found[unit] or 0) * unit_ms for unit, unit_ms in _UNIT_MS.items())
    if total_ms > _LONGEST_MS:
        raise UnitError(f'"{text}" is longer than a thousand years', why="no timer runs that long")
    return total_ms / 1000


def format_duration(duration_s: float) -> str:
    """Write seconds in days and smaller units, to the millisecond."""
    rest_ms = round(duration_s * 1000)
    written = ""
    for unit, unit_ms in list(_UNIT_MS.items())[1:]:
        number, rest_ms = divmod(rest_ms, unit_ms)
        written += f"{number}{unit}" if number else ""
    return written or "0"


_BINARY_OCTETS: Final = {"TiB": 1 << 40, "GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10}
_UNIT_OCTETS: Final = _BINARY_OCTETS | {"TB": 10**12, "GB": 10**9, "MB": 10**6, "kB": 1000, "B": 1}
_SIZE: Final = re.compile(rf"([0-9]{{1,15}}) ?({'|'.join(_UNIT_OCTETS)})")


def parse_size(text: str) -> int:
    """Return octets. ``"0"`` needs no unit."""
    if text == "0":
        return 0
    found = _SIZE.fullmatch(text)
    if found is None:
        raise UnitError(f'"{text}" is not a size')
    return int(found[1]) * _UNIT_OCTETS[found[2]]


def format_size(size_octets: int) -> str:
    """Write octets in the largest unit of 1024 that divides them, else in ``B``."""
    if not size_octets:
        return "0"
    unit = next((unit for unit, octets in _BINARY_OCTETS.items() if size_octets % octets == 0), "B")
    return f"{size_octets // _UNIT_OCTETS[unit]}{unit}"


def parse_data_rate(text: str) -> int:
    """Read ``"100B/s"``. ``"0"`` needs no unit."""
    if text != "0" and not text.endswith("/s"):
        raise UnitError(f'"{text}" is not a data rate')
    return parse_size(text.removesuffix("/s").rstrip(" "))


def format_data_rate(octets_per_s: int) -> str:
    """Write it as it is read."""
    return f"{format_size(octets_per_s)}/s" if octets_per_s else "0"


class Period(Enum):
    """What a rate counts in."""

    SECOND = "s"
    MINUTE = "min"
    HOUR = "h"
    DAY = "d"


_PERIOD_S: Final = {Period.SECOND: 1, Period.MINUTE: 60, Period.HOUR: 3600, Period.DAY: 86_400}
_RATE: Final = re.compile(
    rf"([0-9]{{1,9}}) ?/ ?({'|'.join(period.value for period in Period)})(?: burst ([0-9]{{1,9}}))?"
)


@frozen
class Rate:
    """So many in each period: 200 a minute. At least one."""

    count: int
    period: Period
    burst: int | None = None
    """How many may go at once after a pause; None: whatever is usual where the rate is used."""

    @property
    def per_second(self) -> float:
        """The same, in one second."""
        return self.count / _PERIOD_S[self.period]

    @property
    def at_once(self) -> int:
        """How many may go at once where nothing has to be smooth: the burst, else the count of a whole period."""
        return self.burst or self.count


def parse_rate(text: str) -> Rate:
    """Read ``"200/min"`` or ``"10/s burst 20"``; the periods are s, min, h, d."""
    found = _RATE.fullmatch(text)
    if found is None:
        raise UnitError(f'"{text}" is not a rate')
    rate = whole_rate(int(found[1]), Period(found[2]))
    if found[3] is None:
        return rate
    if not int(found[3]):
        raise UnitError("a burst of 0 lets nothing through", remedy=f'"{format_rate(rate)}", which is evenly spaced')
    return Rate(rate.count, rate.period, int(found[3]))


def whole_rate(count: int, period: Period) -> Rate:
    """Make a rate of a bare number; one that lets nothing through, ever, is refused."""
    if count < 1:
        raise UnitError(
            f"a rate of {count} lets nothing through",
            why="what waits for it would wait until it expires",
            remedy="delivery.frozen = true stops all attempts; leave the key out for no limit",
        )
    return Rate(count, period)


def format_rate(rate: Rate) -> str:
    """Write it as it is read."""
    burst = "" if rate.burst is None else f" burst {rate.burst}"
    return f"{rate.count}/{rate.period.value}{burst}"


def parse_network(text: str) -> IPNetwork:
    """Read a network; a single address is the network of itself. Bits to the right of the mask must be 0."""
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise UnitError(f'"{text}" is not a network') from None
    raise UnitError(
        f'"{text}" is an address inside a network',
        why="it is not clear whether the host or the whole network was meant",
        remedy=f'"{network}" for the network, "{text.partition("/")[0]}" for the host',
    )


_ALL_OVER_IPV6: Final = (ipaddress.IPv6Network("::ffff:0:0/96"), ipaddress.IPv6Network("2000::/3"))
"""All of IPv4 as an IPv6 socket shows it (RFC 4291 2.5.5.2), and all global unicast addresses (RFC 4291 2.4)."""


def is_everybody(network: IPNetwork) -> bool:
    """Tell whether every host of the Internet that speaks IPv4, or every one that speaks IPv6, is in a network."""
    if isinstance(network, ipaddress.IPv4Network):
        return network.prefixlen == 0
    return any(network.supernet_of(everybody) for everybody in _ALL_OVER_IPV6)


@frozen
class HostPort:
    """A host that configuration names. None as port: the usual one of where it is used."""

    host: Domain | IPAddress
    port: int | None = None

    def __str__(self) -> str:
        """As it is read."""
        host = self.host.text if isinstance(self.host, Domain) else _bracketed(self.host)
        return host if self.port is None else f"{host}:{self.port}"


def parse_endpoint(text: str, *, default_port: int | None = None) -> TcpEndpoint:
    """Read ``ip:port`` or ``[v6]:port``. Port 0 lets the system choose, where one listens."""
    host, port = _split(text)
    address = _address(host)
    if address is None:
        raise UnitError(
            f'"{text}" does not start with an IP address',
            why="a name would have to be looked up before anything else can start",
            remedy=f'"127.0.0.1{text[len(host) :]}" or another address of this host',
        )
    if port is None and default_port is None:
        raise UnitError(f'"{text}" has no port', remedy=f'"{_bracketed(address)}:25", with the port you mean')
    return TcpEndpoint(str(address), port if port is not None else default_port or 0)


def parse_host(text: str) -> HostPort:
    """Read ``host``, ``host:port``, an address in place of the host; with a port, IPv6 stands in brackets."""
    host, port = _split(text)
    if port == 0:
        raise UnitError(f'"{text}" has port 0', why="nobody can be reached there")
    return HostPort(_address(host) or parse_domain(host), port)


def parse_domain(text: str) -> Domain:
    """Read a domain name, as `empath.smtp.address` defines it."""
    try:
        return Domain.parse(text)
    except AddressError as error:
        raise UnitError(f'"{text}" is not a domain name', why=str(error)) from None


_HOST_AND_PORT: Final = re.compile(r"\[([^\[\]]*)\](?::([0-9]+))?|([^:\[\]]*)(?::([0-9]+))?")


def _split(text: str) -> tuple[str, int | None]:
    found = _HOST_AND_PORT.fullmatch(text)
    if found is None:  # more than one colon and no brackets: a bare IPv6 address, or nothing
        return text, None
    host, port = found[1] or found[3] or "", found[2] or found[4]
    if port is not None and (len(port) > 5 or int(port) > 65_535):
        raise UnitError(f'"{text}" has a port above 65535', why="ports have 16 bits (RFC 9293 3.1)")
    return host, None if port is None else int(port)


def _address(text: str) -> IPAddress | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _bracketed(address: IPAddress) -> str:
    return f"[{address}]" if address.version == 6 else str(address)
