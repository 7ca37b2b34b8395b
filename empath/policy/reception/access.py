"""Lists of addresses that are let through or refused: what a pattern is, and which of two wins.

====================  ==================================================
``ann@example.org``   this address
``@example.org``      all addresses of this domain; the @ may be left out
``.example.org``      all addresses of its subdomains, at any depth
``*``                 everybody
====================  ==================================================

The most specific pattern that matches decides, in the order of this table; of subdomains, the longer one. Where one
stands in both lists, it refuses. Where none matches, an address is let through unless there is an allow list: who lists
some means no others. Addresses are compared by `Mailbox`, so neither capital letters nor quotes make a difference.

Why not the first match, as firewalls have it: two lists have no common order. Why no regular expressions: a dot that
was meant as a dot lets somebody else in, and nobody sees it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import Factory, field, frozen

from empath.policy.reception.mailbox import Mailbox, mailbox_of
from empath.smtp import Address, AddressError, AddressLiteral, Domain

EVERYBODY: Final = "*"

_Key = Mailbox | str
"""A mailbox; a domain; a domain behind a dot; or the asterisk. No two of them can be equal."""


@frozen
class Pattern:
    """One entry of a list. Made by ``Pattern.parse``; equal to another if it matches the same addresses."""

    text: str = field(eq=False)
    """As it was written."""
    key: _Key = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read an entry. A ValueError says why it is none."""
        return cls(text, _read(text))

    def __str__(self) -> str:
        """As it was written."""
        return self.text


def _read(text: str) -> _Key:
    if text == EVERYBODY:
        return EVERYBODY
    if text in ("", "<>"):
        # RFC 5321 4.5.5: reports come from there, and a host that refuses them never hears what became of its mail.
        raise ValueError("the null reverse-path is always let through")
    local, at, domain = text.rpartition("@")
    try:
        if local:
            return mailbox_of(Address.parse(text))
        if domain.startswith(".") and not at:
            return f".{Domain.parse(domain[1:]).ascii}"
        return AddressLiteral.parse(domain).ascii if domain.startswith("[") else Domain.parse(domain).ascii
    except AddressError as problem:
        raise ValueError(str(problem)) from None


def _table(lists: AccessList) -> dict[_Key, bool]:
    return {pattern.key: True for pattern in lists.allow} | {pattern.key: False for pattern in lists.deny}


@frozen
class AccessList:
    """Whom an allow list and a deny list let through together. Both empty: everybody."""

    allow: tuple[Pattern, ...] = ()
    deny: tuple[Pattern, ...] = ()
    _verdicts: dict[_Key, bool] = field(init=False, repr=False, eq=False, default=Factory(_table, takes_self=True))
    """Both lists as one table, so that their length costs nothing."""

    def permits(self, address: Address | None) -> bool:
        """Whether an address is let through. The null reverse-path always is."""
        if address is None or not self._verdicts:
            return True
        found = (self._verdicts.get(key) for key in _keys(mailbox_of(address)))
        return next((verdict for verdict in found if verdict is not None), not self.allow)


def _keys(mailbox: Mailbox) -> Iterator[_Key]:
    """What a pattern that matches may look like, the most specific first."""
    yield mailbox
    yield mailbox.domain
    rest = mailbox.domain
    while "." in rest and not rest.startswith("["):
        rest = rest.partition(".")[2]
        yield f".{rest}"
    yield EVERYBODY


OPEN_TO_ALL: Final = AccessList()
