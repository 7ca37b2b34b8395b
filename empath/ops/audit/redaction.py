"""Addresses in the audit log, for those who may not keep them.

``none`` writes them as they are, ``local`` hides the part before the @, ``hash`` writes a keyed hash in place of all of
it: equal addresses stay equal, so the story of one recipient can still be found by who has the key and the address, and
nobody can go through a list of addresses to see whose hash it is.

Hosts repeat addresses in their replies. There the same is done to the addresses that the record is about, and to their
local parts where they stand alone.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from pathlib import PurePath
from typing import Final

from attrs import field, frozen

from empath.config.schema import Redaction
from empath.world.errors import FileMissing
from empath.world.ports import Disk, Entropy

KEY_BYTES: Final = 32
_DIGEST_BYTES: Final = 12
_HIDDEN: Final = "***"


@frozen(kw_only=True)
class Redactor:
    """What becomes of addresses. Replacing what was replaced already changes nothing."""

    sender: Redaction
    recipients: Redaction
    key: bytes = field(repr=False)
    hides_some: bool = field(init=False)
    """Whether any addresses are replaced."""

    @hides_some.default
    def _is_asked_to(self) -> bool:
        return (self.sender, self.recipients) != (Redaction.NONE, Redaction.NONE)

    def of_sender(self, address: str) -> str:
        """Return what is written for a reverse-path; the null one is nobody's, and stays empty."""
        return self._replace(address, self.sender)

    def of_recipient(self, address: str) -> str:
        """Return what is written for a recipient."""
        return self._replace(address, self.recipients)

    def of_text(self, text: str, *, sender: str, recipient: str) -> str:
        """Return what is written for a text of a host that may repeat the two addresses."""
        for address, redaction in ((recipient, self.recipients), (sender, self.sender)):
            if address and redaction is not Redaction.NONE:
                text = re.sub(re.escape(address), self._replace(address, redaction), text, flags=re.IGNORECASE)
                local = address.rpartition("@")[0] or address
                text = re.sub(rf"(?<!\w){re.escape(local)}(?!\w)", _HIDDEN, text, flags=re.IGNORECASE)
        return text

    def of_words(self, text: str) -> str | None:
        """Return what is written for words of an operator; None: they may name somebody who is hidden."""
        return None if not text or (self.hides_some and _may_name(text)) else text

    def _replace(self, address: str, redaction: Redaction) -> str:
        if not address or redaction is Redaction.NONE:
            return address
        _, at, domain = address.rpartition("@")
        if redaction is Redaction.LOCAL:
            return f"{_HIDDEN}@{domain}" if at else _HIDDEN
        return hashed(address, self.key)


def hashed(address: str, key: bytes) -> str:
    """Return what stands for an address, in whatever capitals: who asks for it seldom knows how it was written."""
    return f"hash:{blake2b(address.lower().encode(), key=key, digest_size=_DIGEST_BYTES).hexdigest()}"


def _may_name(text: str) -> bool:
    """Whether there may be a part of an address in it: an @, or a pattern for the replies of hosts."""
    return "@" in text or "--reply" in text


async def read_key(disk: Disk, path: PurePath) -> bytes | None:
    """Return the key of this spool; None: it has none. Raises DiskError."""
    try:
        async with await disk.open(path) as file:
            return await file.read(KEY_BYTES)
    except FileMissing:
        return None


async def read_or_make_key(disk: Disk, entropy: Entropy, path: PurePath) -> bytes:
    """Return the key of this spool, made when it is first asked for. Raises DiskError."""
    key = await read_key(disk, path)
    if key is None:
        key = entropy.token(KEY_BYTES)
        await disk.write(path, [key])
    return key
