"""Names of things: messages, deliveries, sessions.

A message is called ``6911c5b5-2a``: the second in which it came, then a number, both in hexadecimal. Such names sort by
age (until the year 2106), can be found with grep, and need no quotes in a shell, a URL, a file name or a header field.
The number has 40 bits of chance, so that names differ over restarts, over shards and over nodes without anybody to ask.
Chance is no proof: the spool has a unique key on them, and refuses the second of two that are equal.

A name has exactly one spelling: no capitals, no zeros in front of the number. What ``parse`` takes, ``str`` gives back.
"""

from __future__ import annotations

import re
from typing import Final, Self

from attrs import field, frozen

NUMBER_BITS: Final = 40
"""At a thousand messages in every second, two of the same second draw the same number about once in a month."""
_MAX_SECONDS: Final = (1 << 32) - 1
_STAMP: Final = re.compile(r"([0-9a-f]{8})-(0|[1-9a-f][0-9a-f]{0,9})", re.ASCII)
_MAX_ORDINAL_DIGITS: Final = 6


def _in_stamp(instance: _Stamp, attribute: object, value: int) -> None:
    if not (0 <= instance.seconds <= _MAX_SECONDS and 0 <= instance.number < 1 << NUMBER_BITS):
        raise ValueError(f"no name can be made of second {instance.seconds} and number {instance.number}")


@frozen(order=True)
class _Stamp:
    seconds: int
    """The second of its making, counted from 1970-01-01 UTC."""
    number: int = field(validator=_in_stamp)
    """Of `NUMBER_BITS` bits."""

    @classmethod
    def make(cls, now: float, number: int) -> Self:
        """Name something made at ``now``, in seconds since 1970; ``number`` is `NUMBER_BITS` bits of chance.

        A clock outside 1970 to 2106 is cut to that range: a wrong clock must not stop mail.
        """
        return cls(min(max(int(now), 0), _MAX_SECONDS), number)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a name; anything else is a ValueError that says what one looks like."""
        match = _STAMP.fullmatch(text)
        if match is None:
            raise ValueError(f"{text[:40]!r} is not a name such as 6911c5b5-2a")
        return cls(int(match[1], 16), int(match[2], 16))

    def __str__(self) -> str:
        """The name as it stands in logs, replies, URLs and Received fields."""
        return f"{self.seconds:08x}-{self.number:x}"


class MessageId(_Stamp):
    """The name of a message: the *mid*."""

    __slots__ = ()


class SessionId(_Stamp):
    """The name of a session with a client, which logs and facts repeat."""

    __slots__ = ()


@frozen(order=True)
class DeliveryId:
    """The name of a delivery: ``6911c5b5-2a.0`` is the first recipient of that message's envelope."""

    message: MessageId
    ordinal: int
    """The place of the recipient in the envelope, from 0."""

    @classmethod
    def parse(cls, text: str) -> DeliveryId:
        """Read a name; anything else is a ValueError that says what one looks like."""
        message, _, ordinal = text.partition(".")
        plain = ordinal.isascii() and ordinal.isdigit() and len(ordinal) <= _MAX_ORDINAL_DIGITS
        if not plain or (ordinal[0] == "0" and ordinal != "0"):
            raise ValueError(f"{text[:48]!r} is not a name such as 6911c5b5-2a.0")
        return cls(MessageId.parse(message), int(ordinal))

    def __str__(self) -> str:
        """The name as it stands in logs and URLs."""
        return f"{self.message}.{self.ordinal}"
