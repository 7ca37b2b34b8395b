"""What a hook may answer, and how a refusal has to look at each place.

An answer is checked where it is made, so that a mistake shows in the hook and not in the session of a client.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeAlias

from attrs import field, frozen

from empath.mail import added
from empath.smtp import Reply

MAX_FIELDS_OCTETS: Final = 32 * 1024
"""All fields that one hook adds to one message, together."""


def _refusing(_: object, __: object, reply: Reply) -> None:
    if not 400 <= reply.code <= 559:
        raise ValueError(f"{reply} refuses nothing: its code must be from 400 to 559")
    if reply.enhanced is not None and reply.enhanced.kind != reply.code // 100:
        raise ValueError(f"{reply} contradicts itself: RFC 2034 3 wants codes of one class")
    reply.encode()


@frozen
class Refuse:
    """Say no, with this reply: for now (4yz) or for good (5yz). A 421 also ends the session (RFC 5321 3.8)."""

    reply: Reply = field(validator=_refusing)


def _encoded(fields: Iterable[tuple[str, str]]) -> bytes:
    return b"".join([added.written(name, value) for name, value in fields])


def _bounded(_: object, __: object, octets: bytes) -> None:
    if len(octets) > MAX_FIELDS_OCTETS:
        raise ValueError(f"{len(octets)} octets of header fields are more than {MAX_FIELDS_OCTETS}")


@frozen
class AddFields:
    """Put header fields on top of the message, in this order: ``AddFields([("X-Spam", "Yes")])``.

    Values are ASCII. One of several lines has each further one begin with white space; nothing is folded here.
    """

    octets: bytes = field(converter=_encoded, validator=_bounded)
    """The fields as they go into the message."""


Answer: TypeAlias = Refuse | AddFields | None
"""None: go on. It is what a hook without an opinion says."""


def as_greeting(reply: Reply) -> Reply:
    """A refusal in place of the greeting: 554 for good (RFC 5321 3.1), 421 for now (3.8), with the same words."""
    return Reply(421 if reply.code < 500 else 554, reply.lines, reply.enhanced)
