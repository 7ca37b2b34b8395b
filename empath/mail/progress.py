"""What is known of a delivery between two attempts, and its form as a record.

Every attempt that does not end a delivery leaves its `Progress` in the row, in the same transaction that plans the next
attempt. What must not be done twice, however often the process dies, is noted here.
"""

from __future__ import annotations

from typing import Final

import msgspec
from attrs import frozen

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.sealing import seal, unseal
from empath.smtp import EnhancedCode, Reply


@frozen(kw_only=True)
class Progress:
    """What the attempts so far have left behind."""

    last: Diagnosis
    """Why the latest one did not deliver."""
    warned: bool = False
    """The sender was told that it takes longer: a report of it was accepted together with this."""


class _Progress(msgspec.Struct, array_like=True, frozen=True, gc=False):
    kind: Kind
    phase: Phase
    status: tuple[int, int, int]
    host: str | None
    text: str
    reply: tuple[int, tuple[str, ...], tuple[int, int, int] | None] | None
    warned: bool = False


_DECODER: Final = msgspec.msgpack.Decoder(_Progress)


def encode_progress(progress: Progress) -> bytes:
    """The progress as a record."""
    last, reply = progress.last, progress.last.reply
    return seal(
        _Progress(
            last.kind,
            last.phase,
            last.status,
            last.host,
            last.text,
            None if reply is None else (reply.code, reply.lines, reply.enhanced),
            progress.warned,
        )
    )


def decode_progress(record: bytes) -> Progress:
    """The progress that ``encode_progress`` was given. Anything else is a `DamagedRecord`."""
    packed = unseal(record, _DECODER)
    reply = None
    if packed.reply is not None:
        code, lines, enhanced = packed.reply
        reply = Reply(code, lines, None if enhanced is None else EnhancedCode(*enhanced))
    last = Diagnosis(
        kind=packed.kind,
        phase=packed.phase,
        status=EnhancedCode(*packed.status),
        host=packed.host,
        text=packed.text,
        reply=reply,
    )
    return Progress(last=last, warned=packed.warned)
