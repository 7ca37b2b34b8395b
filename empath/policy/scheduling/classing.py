"""Which class a message is of: by what it says of itself, who sent it, and where it came in.

The first of these that tells of a class decides: MT-PRIORITY, a header field, the user who logged in, the listener. If
none does, the destination may (its site, its domain), which is known later, and at last the class is normal.

======================  ==========
MT-PRIORITY (RFC 6710)  class
======================  ==========
4 to 9                  critical
1 to 3                  high
0                       normal
-9 to -1                low
======================  ==========

A client can be kept from asking for the highest: what is above the cap is the cap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from attrs import field, frozen

from empath.mail.headers import fields
from empath.mail.priority import Priority

_ORDER: Final = {priority: place for place, priority in enumerate(Priority)}
_CRITICAL_FROM: Final = 4


def at_most(priority: Priority, cap: Priority) -> Priority:
    """The lower of two classes."""
    return max(priority, cap, key=_ORDER.__getitem__)


def class_of_mt_priority(number: int, *, cap: Priority = Priority.CRITICAL) -> Priority:
    """The class that a priority of RFC 6710 asks for, -9 to 9."""
    if number < 0:
        return Priority.LOW
    if number == 0:
        return at_most(Priority.NORMAL, cap)
    return at_most(Priority.CRITICAL if number >= _CRITICAL_FROM else Priority.HIGH, cap)


@frozen(kw_only=True)
class HeaderRule:
    """A header field that names a class."""

    name: bytes
    """Of the field, in lower case."""
    value: bytes | None = None
    """What it must hold, in lower case and without blanks around it; None: anything."""
    priority: Priority


def header_class(section: bytes, rules: Sequence[HeaderRule], *, trusted: bool) -> Priority | None:
    """The class that the first rule gives which matches; None: no rule does.

    Who is not known cannot raise mail above others in this way: such a rule is passed over.
    """
    if not rules:
        return None
    found: dict[bytes, set[bytes]] = {}
    for one in fields(section):
        found.setdefault(one.name, set()).add(one.unfolded.lower())
    for rule in rules:
        values = found.get(rule.name)
        if values is None or (rule.value is not None and rule.value not in values):
            continue
        if trusted or _ORDER[rule.priority] >= _ORDER[Priority.NORMAL]:
            return rule.priority
    return None


@frozen(kw_only=True)
class Classing:
    """How reception finds the class of a message."""

    listener: Priority | None = None
    users: Mapping[str, Priority] = field(factory=dict)
    headers: Sequence[HeaderRule] = ()
    cap: Priority = Priority.HIGH
    """Of MT-PRIORITY."""

    def of(self, mt_priority: int | None, section: bytes, *, user: str | None, trusted: bool) -> Priority | None:
        """The class; None: nothing tells of one. ``section``: the header section."""
        if mt_priority is not None:
            return class_of_mt_priority(mt_priority, cap=self.cap)
        by_header = header_class(section, self.headers, trusted=trusted)
        if by_header is not None:
            return by_header
        by_user = None if user is None else self.users.get(user)
        return by_user or self.listener
