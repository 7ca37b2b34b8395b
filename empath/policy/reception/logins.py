"""What a login is called, and which login may use which sender (RFC 6409 6.1).

Without a rule everybody who has logged in may use every sender. As soon as there is one, a login may use what some rule
grants it, and nothing else. Two things need no rule: a login that is itself an address may use that address, and
everybody may use the null reverse-path, since user agents send their receipts with it (RFC 8098 3).

Senders are patterns of `empath.policy.reception.access`, and are compared as lists compare them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from attrs import Factory, field, frozen

from empath.policy.reception.access import AccessList, Pattern
from empath.policy.reception.mailbox import mailbox_of, one_spelling
from empath.smtp import Address, AddressError

ANYBODY: Final = "*"
"""Any login, in a rule."""
MAX_LOGIN_OCTETS: Final = 255
_NO_LOGIN: Final = re.compile(r"[\s:]")


def login_name(text: str) -> str:
    """The one spelling of a login: composed (NFC) and in lower case, as people take it to be the same."""
    return one_spelling(text)


def parse_login(text: str) -> str:
    """The one spelling of a login that a user can be given. A ValueError says why ``text`` is none."""
    name = login_name(text)
    if not name or name == ANYBODY or name.startswith("#"):
        raise ValueError("it is empty, begins with # or is *")
    if _NO_LOGIN.search(name) or not name.isprintable():
        raise ValueError("it holds a space, a colon or a character that cannot be printed")
    if len(name.encode()) > MAX_LOGIN_OCTETS:
        raise ValueError(f"it is longer than {MAX_LOGIN_OCTETS} octets")
    return name


def _spelled(logins: Iterable[str]) -> frozenset[str]:
    return frozenset(map(login_name, logins))


def _allow(rule: SenderRule) -> AccessList:
    return AccessList(allow=rule.senders)


@frozen
class SenderRule:
    """These logins may use these senders."""

    senders: tuple[Pattern, ...]
    logins: frozenset[str] = field(converter=_spelled)
    """`ANYBODY` stands for all."""
    _granted: AccessList = field(init=False, repr=False, eq=False, default=Factory(_allow, takes_self=True))

    def grants(self, login: str, sender: Address) -> bool:
        """Whether ``login`` may use ``sender`` by this rule."""
        applies = bool(self.senders) and not self.logins.isdisjoint((login, ANYBODY))
        return applies and self._granted.permits(sender)


@frozen
class SenderLogins:
    """All rules."""

    rules: tuple[SenderRule, ...] = ()

    def allows(self, login: str, sender: Address | None) -> bool:
        """Whether somebody who has logged in as ``login`` may send as ``sender``; None is the null reverse-path."""
        if not self.rules or sender is None:
            return True
        return _is_own(login, sender) or any(rule.grants(login, sender) for rule in self.rules)


ALL_SENDERS: Final = SenderLogins()
"""No rule: every login may use every sender."""


def _is_own(login: str, sender: Address) -> bool:
    try:
        return mailbox_of(Address.parse(login)) == mailbox_of(sender)
    except AddressError:
        return False
