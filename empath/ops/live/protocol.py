"""The words of ``empath.live.v1``: what a viewer says, and the frames that he gets. One JSON object each."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Annotated, Final

import msgspec
from attrs import define

SUBPROTOCOL: Final = "empath.live.v1"
_MAX_ID: Final = 2**53
"""What every reader of JSON takes for a whole number (RFC 8259 6)."""

Id = Annotated[int, msgspec.Meta(ge=0, le=_MAX_ID)]
Value = str | int | float | bool


class Code(Enum):
    """What is wrong with what a viewer has said. Those from LIVE001 to LIVE002 are said in HTTP."""

    TOPIC = "LIVE003"
    """There is no such topic."""
    MESSAGE = "LIVE004"
    """The message is not understood."""
    ID = "LIVE005"
    """The id is in use already, or it is nobody's."""
    TOO_MANY = "LIVE006"
    """More subscriptions than ``api.live.max_subscriptions``."""


class Close(Enum):
    """Why a connection is closed (RFC 6455 7.4)."""

    NONSENSE = 1008
    RESTART = 1012
    TOO_SLOW = 1013
    NO_LONGER_KNOWN = 4401


class Subscribe(msgspec.Struct, frozen=True, tag_field="op", tag="sub", forbid_unknown_fields=True):
    """I want to see this."""

    id: Id
    topic: str
    every: Annotated[float, msgspec.Meta(ge=0.25, le=3600)] | None = None
    """Seconds between frames; None: as often as there is something new."""
    sort: str = ""
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    filter: Mapping[str, Value | list[Value]] = {}


class Unsubscribe(msgspec.Struct, frozen=True, tag_field="op", tag="unsub", forbid_unknown_fields=True):
    """I have seen enough of this."""

    id: Id


class Resync(msgspec.Struct, frozen=True, tag_field="op", tag="resync", forbid_unknown_fields=True):
    """Tell me all of this again."""

    id: Id


Message = Subscribe | Unsubscribe | Resync
_DECODER: Final[msgspec.json.Decoder[Message]] = msgspec.json.Decoder(Message)


@define(eq=False)
class Misunderstanding(Exception):
    """What a viewer has said cannot be done."""

    code: Code
    why: str
    remedy: str
    id: int | None = None

    def frame(self) -> str:
        """Return what the viewer is told."""
        said = {"t": "error", "id": self.id, "code": self.code.value, "why": self.why, "try": self.remedy}
        return msgspec.json.encode(said).decode()


def parse(text: str | bytes) -> Message:
    """Read what a viewer has said. Raises Misunderstanding."""
    try:
        return _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeError) as error:
        remedy = 'for example {"op":"sub","id":1,"topic":"stats"}'
        raise Misunderstanding(Code.MESSAGE, f"the message is not understood: {error}", remedy) from None


def frame(kind: str, number: int, seq: int, inside: str) -> str:
    """Return a frame of a subscription. ``inside`` is JSON without its braces, and may serve many viewers."""
    return f'{{"t":"{kind}","id":{number},"seq":{seq},{inside}}}'


def gap(number: int, dropped: int) -> str:
    """Return what tells that events are missing here."""
    return f'{{"t":"gap","id":{number},"dropped":{dropped}}}'


def bye(reason: str, retry_after_s: float) -> str:
    """Return the last frame before we close."""
    return msgspec.json.encode({"t": "bye", "reason": reason, "retry_after": retry_after_s}).decode()
