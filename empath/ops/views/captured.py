"""The mail of the sandbox, as people read it."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal

import msgspec
from attrs import frozen

from empath.capture import Captured, CapturedMessage, listing, load
from empath.mail.showing import Shown, shown
from empath.world.ports import Disk, Offload


class CapturedRow(msgspec.Struct, frozen=True, kw_only=True):
    """One captured message, in a list."""

    number: int
    time: float
    sender: str
    """Empty: the null reverse-path."""
    recipients: tuple[str, ...]
    subject: str
    size_bytes: int
    mid: str | None
    """The name that the daemon had for it; None: it came from elsewhere."""


class CapturedList(msgspec.Struct, frozen=True, kw_only=True):
    """The captured messages, the newest first."""

    schema: Literal["empath.captured-list/1"] = "empath.captured-list/1"
    messages: tuple[CapturedRow, ...]


class FieldView(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a header, decoded."""

    name: str
    value: str


class PartView(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment, or what cannot be shown."""

    name: str
    media_type: str
    size_bytes: int


class CapturedView(msgspec.Struct, frozen=True, kw_only=True):
    """One captured message. What is in it is asked for by itself."""

    schema: Literal["empath.captured-message/1"] = "empath.captured-message/1"
    message: CapturedRow
    header: tuple[FieldView, ...]
    text: bool
    """Whether there is a text."""
    html: bool
    parts: tuple[PartView, ...]


@frozen(kw_only=True)
class CapturedMail:
    """Makes these views from the archive. Each may raise DiskError."""

    disk: Disk
    offload: Offload
    """Messages may be large: they are taken apart where that holds nobody up."""
    directory: PurePath

    async def list(self, limit: int) -> CapturedList:
        """Up to ``limit`` messages."""
        records = await listing(self.disk, self.directory)
        return CapturedList(messages=tuple([_row(record) for record in reversed(records[-limit:])]))

    async def content(self, number: int) -> CapturedMessage | None:
        """A message as it came; None: there is none with this number."""
        return await load(self.disk, self.directory, number)

    async def parts(self, content: bytes) -> Shown:
        """A message, taken apart."""
        return await self.offload.run(lambda: shown(content))

    async def view(self, found: CapturedMessage) -> CapturedView:
        """See `CapturedView`."""
        parts = await self.parts(found.content)
        return CapturedView(
            message=_row(found.record),
            header=tuple([FieldView(name=name, value=value) for name, value in parts.header]),
            text=parts.text is not None,
            html=parts.html is not None,
            parts=tuple(
                [PartView(name=one.name, media_type=one.media_type, size_bytes=one.size_bytes) for one in parts.parts]
            ),
        )


def _row(record: Captured) -> CapturedRow:
    return CapturedRow(
        number=record.number,
        time=record.time.timestamp(),
        sender=record.sender or "",
        recipients=record.recipients,
        subject=record.subject,
        size_bytes=record.size_bytes,
        mid=record.mid,
    )
