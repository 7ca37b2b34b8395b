"""The shape of a check: a function from what was read to what is wrong between keys."""

import ipaddress
from collections.abc import Callable, Iterator
from typing import Final

from attrs import frozen

from empath.config.faults import Code
from empath.config.places import KeyPath, dotted
from empath.config.schema import Config, DeliverySettings, DomainSettings

UNSPECIFIED: Final = frozenset({str(ipaddress.IPv4Address(0)), str(ipaddress.IPv6Address(0))})
"""What stands for all addresses of the host."""


@frozen(kw_only=True)
class Finding:
    """Something wrong between keys."""

    code: Code
    about: tuple[KeyPath, ...]
    """The one to look at comes first."""
    what: str
    why: str
    remedy: str
    is_error: bool = True
    names_key: bool = True
    """Whether ``what`` is about the first key, or about all of them alike."""


@frozen
class Subject:
    """What the checks look at: the configuration, and which parts of it an operator wrote."""

    config: Config
    is_given: Callable[[KeyPath], bool]


def own_tables(delivery: DeliverySettings) -> Iterator[tuple[KeyPath, DomainSettings]]:
    """Yield the tables of domains and of sites, which have the same keys, with their places."""
    for domain, settings in delivery.domains.items():
        yield ("delivery", "domains", domain.text), settings
    for name, site in delivery.sites.items():
        yield ("delivery", "sites", name.text), site


def below_rfc(key: KeyPath, value: str, minimum: str, section: str) -> Finding:
    """Warn of a value below what RFC 5321 asks for in a section."""
    return Finding(
        code=Code.BELOW_RFC,
        about=(key,),
        what=f"{value} is less than the {minimum} of RFC 5321 {section}",
        why="hosts that are slow or have much to say, and do as the RFC says, will be cut off",
        remedy=f"{minimum} or more, unless you know all hosts on the other side",
        is_error=False,
    )


def no_effect(subject: Subject, key: KeyPath, stricter: KeyPath) -> Iterator[Finding]:
    """Warn of a limit that an operator set above another one that holds for the same thing."""
    if subject.is_given(key):
        yield Finding(
            code=Code.NO_EFFECT,
            about=(key, stricter),
            what=f"never reached, since {dotted(stricter)} is lower",
            why="of two limits the stricter one decides",
            remedy=f"lower this one, or raise {dotted(stricter)}",
            is_error=False,
        )
