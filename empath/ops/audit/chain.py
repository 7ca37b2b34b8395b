"""A chain through the records, so that nobody can change, remove or add one without its being seen.

With ``audit.hash_chain`` the last field of each record is ``chain``: a hash, with the key of the spool, over the
record before it and the record itself without that field. Who does not have the key cannot make one that fits. The
first record of a run names in ``previous`` the link that the run before ended with, so a whole run that is gone is
missed too. What was cut off at the very end is not: keep a copy of the newest link elsewhere, if that matters.

BLAKE2 (RFC 7693), keyed, 16 octets.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

_DIGEST_BYTES: Final = 16
_HEAD: Final = b',"chain":"'
_TAIL: Final = b'"}'
_SUFFIX_BYTES: Final = len(_HEAD) + 2 * _DIGEST_BYTES + len(_TAIL)


def link(text: bytes, *, before: str, key: bytes) -> str:
    """Return the link for a record, given as JSON text without one."""
    return blake2b(text, key=blake2b(before.encode(), key=key).digest(), digest_size=_DIGEST_BYTES).hexdigest()


def linked(text: bytes, *, before: str, key: bytes) -> tuple[bytes, str]:
    """Return a record with its link as the last field, and the link."""
    found = link(text, before=before, key=key)
    return text[:-1] + _HEAD + found.encode() + _TAIL, found


def taken_apart(line: bytes) -> tuple[bytes, str] | None:
    """Return the text of a record and its link; None: it has none."""
    suffix = line[-_SUFFIX_BYTES:]
    if not (suffix.startswith(_HEAD) and suffix.endswith(_TAIL)):
        return None
    return line[:-_SUFFIX_BYTES] + b"}", suffix[len(_HEAD) : -len(_TAIL)].decode(errors="replace")
