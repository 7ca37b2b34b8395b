"""The kinds of value that ``[relay]`` has and nothing else: relay domains, patterns, aliases, rules for senders."""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from empath.config import units
from empath.config.faults import Code
from empath.config.kinds import DOMAIN, FOREIGN, Kind
from empath.config.refusal import Refusal, found, quoted
from empath.config.units import UnitError
from empath.policy.reception.access import Pattern
from empath.policy.reception.aliases import AliasName
from empath.policy.reception.rewriting import SenderDomain
from empath.smtp.address import Address, Domain
from empath.smtp.errors import AddressError

K = TypeVar("K")
V = TypeVar("V")


def _relay_domain(raw: str) -> Domain:
    if "*" in raw or raw.startswith((".", "@")):
        raise Refusal(
            Code.UNSAFE,
            f"{quoted(raw)} is not one domain",
            why="relay domains are exact: whoever owns a name that a pattern lets in could send through this host",
            remedy=f"name each domain and subdomain that takes mail: {quoted(raw.lstrip('*.@') or 'example.org')}",
        )
    return units.parse_domain(raw)


def _pattern(raw: str) -> Pattern:
    try:
        return Pattern.parse(raw)
    except ValueError as problem:
        raise UnitError(f"{quoted(raw)} is no pattern", why=f"{problem}; {_PATTERNS}") from None


def _address(raw: str) -> Address:
    try:
        return Address.parse(raw)
    except AddressError as problem:
        raise UnitError(f"{quoted(raw)} is no address", why=str(problem)) from None


def _goals(raw: object) -> tuple[Address, ...]:
    """One address, or a list of them: each that is none is refused."""
    one_or_many = [raw] if isinstance(raw, str) else raw
    if not isinstance(one_or_many, list) or not one_or_many:
        what = f"expected one address or an array of them, found {found(raw)}"
        why = "an alias without an address would take mail and lose it"
        raise Refusal(Code.WRONG_TYPE, what, why=why, remedy=f"write it like {ADDRESS.example}")
    return tuple(map(ADDRESS.read, one_or_many))


def _name(raw: str) -> AliasName:
    try:
        return AliasName.parse(raw)
    except ValueError as problem:
        why = f"{problem}; a name is an address, a local part, or @ with a domain"
        remedy = 'write it like "sales@example.org"'
        raise Refusal(Code.BAD_VALUE, f"{quoted(raw)} is no name of an alias", why=why, remedy=remedy) from None


def _sender_domain(raw: str) -> SenderDomain:
    try:
        return SenderDomain.parse(raw)
    except ValueError as problem:
        why = f"{problem}; it is a domain, or a dot with one for its subdomains"
        remedy = 'write it like ".internal"'
        raise Refusal(Code.BAD_VALUE, f"{quoted(raw)} is no sender domain", why=why, remedy=remedy) from None


def _table(key: Callable[[str], K], value: Callable[[object], V]) -> Callable[[Mapping[str, object]], dict[K, V]]:
    """Make the reader of a table with free keys, which refuses every bad entry, not only the first."""

    def convert(raw: Mapping[str, object]) -> dict[K, V]:
        entries: dict[K, V] = {}
        refusals: list[Refusal] = []
        for name, content in raw.items():
            try:
                known = key(name)
                if known in entries:
                    why, remedy = "capital letters and quotes make no difference", "put both into one entry"
                    raise Refusal(Code.CONTRADICTION, "the same as an entry before it", why=why, remedy=remedy)
                entries[known] = value(content)
            except Refusal as refusal:
                refusal.at = (name, *refusal.at)
                refusals.append(refusal)
        if refusals:
            raise ExceptionGroup("entries", refusals)
        return entries

    return convert


def _shown(entries: Mapping[Any, Any], show: Callable[[Any], str]) -> str:
    # Any: the two tables have different keys and values, and each is shown by its own function.
    return f"{{ {', '.join(f'{quoted(name)} = {show(value)}' for name, value in entries.items())} }}"


_PATTERNS: Final = 'patterns are "ann@example.org", "@example.org", ".example.org" for its subdomains, and "*"'

RELAY_DOMAIN: Final[Kind[Domain]] = Kind(
    noun="a domain name",
    grammar=DOMAIN.grammar,
    example=DOMAIN.example,
    types=(str,),
    convert=_relay_domain,
    show=quoted,
)
PATTERN: Final[Kind[Pattern]] = Kind(
    noun="a pattern of addresses",
    grammar=_PATTERNS,
    example='"@example.org"',
    types=(str,),
    convert=_pattern,
    show=quoted,
)
ADDRESS: Final[Kind[Address]] = Kind(
    noun="an address",
    grammar="an address is local@domain",
    example='"ann@example.org"',
    types=(str,),
    convert=_address,
    show=quoted,
)
ALIASES: Final[Kind[Mapping[AliasName, tuple[Address, ...]]]] = Kind(
    noun="a table of aliases",
    grammar="each name has the address, or the array of addresses, that it stands for",
    example='{ "sales@example.org" = ["ann@example.org"] }',
    types=(dict,),
    convert=_table(_name, _goals),
    show=lambda entries: _shown(entries, lambda goals: f"[{', '.join(map(quoted, goals))}]"),
    from_text=FOREIGN.from_text,
)
SENDER_DOMAINS: Final[Kind[Mapping[SenderDomain, Domain]]] = Kind(
    noun="a table of sender domains",
    grammar="each domain, or dot with a domain, has the domain that takes its place",
    example='{ ".internal" = "example.org" }',
    types=(dict,),
    convert=_table(_sender_domain, DOMAIN.read),
    show=lambda entries: _shown(entries, quoted),
    from_text=FOREIGN.from_text,
)
