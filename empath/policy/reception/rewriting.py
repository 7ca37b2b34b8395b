"""Rewriting of sender domains: hosts that send under names of their own are given the one that the world knows.

It is the reverse-path that is rewritten, to which reports go. The From field is content and stays as it is: to change
it would break signatures, and is for whoever writes the message.

====================  =====================================
``app1.internal``     this domain
``.internal``         all of its subdomains, at any depth
====================  =====================================

The most specific one that fits decides, and what it gives is not looked at again: there are no loops.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import Factory, evolve, field, frozen

from empath.smtp import Address, AddressError, Domain


@frozen
class SenderDomain:
    """What stands on the left of a rule. Equal to another if it matches the same domains."""

    text: str = field(eq=False)
    """As it was written."""
    key: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> SenderDomain:
        """Read a domain, or a dot with one. A ValueError says why it is neither."""
        dot = "." if text.startswith(".") else ""
        try:
            return cls(text, dot + Domain.parse(text.removeprefix(".")).ascii)
        except AddressError as problem:
            raise ValueError(str(problem)) from None

    def __str__(self) -> str:
        """As it was written."""
        return self.text


@frozen
class SenderRewriting:
    """All rules."""

    rules: Mapping[SenderDomain, Domain] = field(factory=dict)
    _by_key: dict[str, Domain] = field(
        init=False,
        repr=False,
        eq=False,
        default=Factory(lambda all_of_it: {one.key: goal for one, goal in all_of_it.rules.items()}, takes_self=True),
    )

    def rewritten(self, sender: Address | None) -> Address | None:
        """The sender to go on with. The null reverse-path, and an address literal, are nobody's to rewrite."""
        if not self._by_key or sender is None or not isinstance(sender.domain, Domain):
            return sender
        key, rest = sender.domain.ascii, sender.domain.ascii
        while key not in self._by_key and "." in rest:
            rest = rest.partition(".")[2]
            key = f".{rest}"
        goal = self._by_key.get(key)
        return sender if goal is None else evolve(sender, domain=goal)


NO_REWRITING: Final = SenderRewriting()
