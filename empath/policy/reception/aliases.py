"""Aliases: addresses of ours that stand for others.

====================  ====================================================================
``sales@example.org``  this address
``sales``              this local part at every domain of ours
``@example.org``       every address of the domain that has no alias of its own: a catch-all
====================  ====================================================================

The first of these that fits decides. What an alias stands for may be an alias again. One that names its own address
keeps a copy there; one that comes back to itself over others is a loop, and a fault. All of that is known when the
configuration is read, so a loop and an alias that grows too large are refused at the start: no message ever meets them.
A catch-all holds for what other aliases lead to as well, unless that has an alias of its own, for itself if need be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from attrs import Factory, field, frozen

from empath.policy.reception.mailbox import Mailbox, local_of, mailbox_of
from empath.smtp import Address, AddressError, Domain

_ANY_DOMAIN: Final = ""
_ANY_LOCAL: Final = b""


class AliasFault(ValueError):
    """An alias that cannot be used: a loop, or more recipients than are allowed."""

    def __init__(self, name: AliasName, problem: str) -> None:
        """``problem`` goes on from the name."""
        super().__init__(f"{name} {problem}")
        self.name = name
        self.problem = problem


@frozen
class AliasName:
    """What stands on the left of an alias. Equal to another if it names the same addresses."""

    text: str = field(eq=False)
    """As it was written."""
    key: Mailbox = field(repr=False)
    """The empty local part and the empty domain, which no address has, stand for any."""

    @classmethod
    def parse(cls, text: str) -> AliasName:
        """Read a name. A ValueError says why it is none."""
        local, at, domain = text.rpartition("@")
        try:
            if local:
                return cls(text, mailbox_of(Address.parse(text)))
            if at:
                return cls(text, Mailbox(_ANY_LOCAL, Domain.parse(domain).ascii))
            # Any domain does, to have the local part read by the rules for one.
            return cls(text, Mailbox(local_of(Address.parse(f"{text}@localhost").local), _ANY_DOMAIN))
        except AddressError as problem:
            raise ValueError(str(problem)) from None

    @property
    def domain(self) -> str | None:
        """The domain as A-labels; None: all of ours."""
        return self.key.domain or None

    @property
    def is_catch_all(self) -> bool:
        """Whether it names all of a domain."""
        return self.key.local == _ANY_LOCAL

    def __str__(self) -> str:
        """As it was written."""
        return self.text


@frozen(kw_only=True)
class Aliases:
    """All aliases there are. ``faults`` says whether they can be used."""

    entries: Mapping[AliasName, tuple[Address, ...]] = field(factory=dict)
    domains: frozenset[str] = frozenset()
    """The domains of ours, as A-labels: where a name without a domain counts."""
    max_recipients: int = 1000
    """How many recipients one address may come to, and how many addresses may be looked at to find them."""
    _by_key: dict[Mailbox, AliasName] = field(
        init=False,
        repr=False,
        eq=False,
        default=Factory(lambda aliases: {name.key: name for name in aliases.entries}, takes_self=True),
    )
    _expanded: dict[AliasName, tuple[Address, ...]] = field(init=False, repr=False, eq=False, factory=dict)

    def name_for(self, address: Address) -> AliasName | None:
        """The alias that an address falls under; None: it stands for itself."""
        if not self._by_key:
            return None
        exact = mailbox_of(address)
        ours = exact.domain in self.domains
        anywhere = self._by_key.get(Mailbox(exact.local, _ANY_DOMAIN)) if ours else None
        return self._by_key.get(exact) or anywhere or self._by_key.get(Mailbox(_ANY_LOCAL, exact.domain))

    def expand(self, address: Address) -> tuple[Address, ...]:
        """Whom mail for an address goes to, each once: itself if no alias fits. Raises AliasFault."""
        name = self.name_for(address)
        if name is None:
            return (address,)
        if name not in self._expanded:
            self._expanded[name] = self._follow(name)
        return self._expanded[name]

    def faults(self) -> Iterator[AliasFault]:
        """Every alias that cannot be used."""
        for name in self.entries:
            try:
                self._expanded[name] = self._follow(name)
            except AliasFault as fault:
                yield fault

    def _follow(self, start: AliasName) -> tuple[Address, ...]:
        """Go down to the addresses that stand for themselves. Not recursive, so that no chain is too long for it."""
        found: dict[Mailbox, Address] = {}
        seen, looked_at = {start}, 0
        path = [(start, iter(self.entries[start]))]
        while path:
            parent, targets = path[-1]
            target = next(targets, None)
            if target is None:
                path.pop()
                continue
            looked_at += 1
            if looked_at > self.max_recipients:
                raise AliasFault(start, f"stands for more than {self.max_recipients} addresses")
            name = self.name_for(target)
            if name is None or name == parent:
                found.setdefault(mailbox_of(target), target)
            elif any(name == above for above, _ in path):
                raise AliasFault(start, f"leads in a circle: {target} leads back to {name}")
            elif name not in seen:
                seen.add(name)
                path.append((name, iter(self.entries[name])))
        return tuple(found.values())


NO_ALIASES: Final = Aliases()
