"""Why a key has the value that it has: everything that was said about it, and what of that counts.

For one key the sources stand in the order in which they outrank each other. For a domain the keys do: what its site
says, then what it says itself, then what holds for all (`empath.config.rollup`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import attrs
from attrs import evolve, frozen

from empath.config.load import Loaded
from empath.config.places import DEFAULT, KeyPath, Origin, dotted
from empath.config.refusal import Refusal
from empath.config.rollup import members
from empath.config.schema import ALIASES, Config
from empath.config.schema.keys import Key, Table, find, key_name
from empath.smtp.address import Domain

_FOR_ALL: Final[Mapping[str, tuple[KeyPath, ...]]] = {
    "max_connections": (("delivery", "max_connections_per_host"),),
    "rate_limit": (("delivery", "rate_limits", "per_site"),),
    "connection_rate": (("delivery", "rate_limits", "connections", "per_site"),),
    "priority": (),
    "require_tls": (("delivery", "tls", "default_policy"),),
    "tls_policy": (("delivery", "tls", "default_policy"),),
    "accept_invalid_certs": (("delivery", "accept_invalid_certs"),),
    "mx_override": (("delivery", "smart_host"),),
    "ip": (("delivery", "ip"),),
    "source": (("delivery", "source"),),
}
"""Which keys hold for a domain where neither its site nor its own table has the key."""
_HOLDS_TWICE: Final = "rate_limit"
_DEFAULT_RATE: Final[KeyPath] = ("delivery", "rate_limits", "default")
_PER_NAME: Final = (("delivery", "sites"), ("delivery", "domains"))
_NOT_SET: Final = "not set"


class NoSuchKey(Exception):
    """There is no such key, or none that a domain can have. The text says so, and what there is."""


@frozen(kw_only=True)
class Said:
    """One thing that was said about a key."""

    key: KeyPath
    value: str
    """As a file would have it; ``not set`` for a key that has no value."""
    origin: Origin
    counts: bool = False
    """Whether this is the one that holds."""

    @property
    def place(self) -> str:
        """The key in the form of a file."""
        return dotted(self.key)


def why(loaded: Loaded, path: KeyPath) -> tuple[Said, ...]:
    """All that was said about a key, what counts first. Raises NoSuchKey."""
    path = ALIASES.get(path, path)
    declared = _key(path)
    said = [Said(key=path, value=_shown(declared, given.value), origin=given.origin) for given in loaded.history(path)]
    return _first_counts([*reversed(said), _default(declared, path)])


def why_for_domain(loaded: Loaded, name: str, domain: Domain) -> tuple[Said, ...]:
    """All that was said about a key of a domain, what counts first. Raises NoSuchKey."""
    if name not in _FOR_ALL:
        raise NoSuchKey(f"a domain has no key {name}; it has {', '.join(_FOR_ALL)}")
    site, own = _of_site(loaded.config, name, domain), _of_domain(loaded.config, name, domain)
    if name == _HOLDS_TWICE:
        # The site's holds for all its domains together and the domain's for itself, so neither outranks the other.
        by_domain = [own] if loaded.history(site) else [own, _DEFAULT_RATE]
        chains = [_said(loaded, [site, *_FOR_ALL[name]]), _said(loaded, by_domain)]
    else:
        overrides = _overrides(loaded.config, domain) if name == "tls_policy" else ()
        chains = [_said(loaded, [site, own, *overrides, *_FOR_ALL[name]])]
    said = [one for chain in chains if chain for one in _first_counts(chain)]
    return tuple(said) or (Said(key=own, value=_NOT_SET, origin=DEFAULT, counts=True),)


def _of_site(config: Config, name: str, domain: Domain) -> KeyPath:
    sites = (site for site, settings in config.delivery.sites.items() if domain in members(site, settings))
    return ("delivery", "sites", next(sites, domain).text, name)


def _of_domain(config: Config, name: str, domain: Domain) -> KeyPath:
    own = next((known for known in config.delivery.domains if known == domain), domain)
    return ("delivery", "domains", own.text, name)


def _overrides(config: Config, domain: Domain) -> Iterator[KeyPath]:
    for place, override in enumerate(config.delivery.tls.domain_overrides):
        if domain in override.domains:
            yield ("delivery", "tls", "domain_overrides", place, "policy")


def _said(loaded: Loaded, paths: Iterable[KeyPath]) -> list[Said]:
    """What was said of several keys that outrank each other in this order. Keys for all have their defaults too."""
    said: list[Said] = []
    for path in paths:
        if path[:2] in _PER_NAME:
            key = _key(path)
            given = reversed(loaded.history(path))
            said += [Said(key=path, value=_shown(key, one.value), origin=one.origin) for one in given]
        else:
            said += [evolve(one, counts=False) for one in why(loaded, path) if one.value != _NOT_SET]
    return said


def _key(path: KeyPath) -> Key:
    declared = find(Config, path)[1]
    if not isinstance(declared, Key):
        what = "is a table" if declared else "is no key"
        raise NoSuchKey(f"{dotted(path)} {what}; `empath config check` knows how keys are spelled")
    return declared


def _shown(key: Key, raw: object) -> str:
    try:
        return key.kind.show(key.read(raw))
    except (Refusal, ExceptionGroup):
        return str(raw)


def _default(key: Key, path: KeyPath) -> Said:
    above = find(Config, path[:-1])[1] if len(path) > 1 else Table(Config)
    fields = attrs.fields(above.of) if isinstance(above, Table) else ()
    default = next(field.default for field in fields if key_name(field) == path[-1])
    return Said(key=path, value=_NOT_SET if default is None else key.kind.show(default), origin=DEFAULT)


def _first_counts(said: list[Said]) -> tuple[Said, ...]:
    first, *others = said
    return (evolve(first, counts=True), *others)
