"""Networks whose word about other clients is taken: those of proxies, and of filters that stand before this host."""

from typing import Final

from empath.config import units
from empath.config.faults import Code
from empath.config.kinds import Kind
from empath.config.refusal import Refusal, quoted
from empath.config.units import IPNetwork


def _trusted(raw: str) -> IPNetwork:
    network = units.parse_network(raw)
    if units.is_everybody(network):
        raise everybody(f"{network} is everybody")
    return network


def everybody(what: str) -> Refusal:
    """Refuse to believe everybody."""
    why = "anybody could claim to come from anywhere, your own networks included, and would be believed"
    return Refusal(Code.UNSAFE, what, why=why, remedy="name the addresses of your proxies and filters, and no others")


PROXY_NETWORK: Final = Kind(
    noun="a network",
    grammar="a network is an address with the length of its prefix, or one address",
    example='"192.0.2.0/24"',
    types=(str,),
    convert=_trusted,
    show=quoted,
)
