"""Names of files: where an entry lies says what it waits for, and its name when, of which message, and for whom.

No name is made of what a stranger has sent: a domain stands in one if it is short and of plain characters, and else its
hash stands there, behind a sign that no plain one has.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

from attrs import frozen

MESSAGES: Final = "messages"
"""The directory of what was accepted."""
INTENTS: Final = "intents"
"""The directory of changes to several files that are one change."""
IN_PROGRESS: Final = "in_progress"
PENDING: Final = "pending"
SEEN: Final = "seen"
"""The directory of fingerprints."""
RETRY: Final = "retry"
UNCERTAIN: Final = "uncertain"
HELD: Final = "held"
QUARANTINE: Final = "quarantine"
FAILED: Final = "failed"
EXPIRED: Final = "expired"
TRASH: Final = "trash"
COMPLETED: Final = "completed"
"""Of a domain whose deliveries have all ended and gone, while the message has others."""
STATUSES: Final = (
    IN_PROGRESS,
    PENDING,
    RETRY,
    UNCERTAIN,
    HELD,
    QUARANTINE,
    FAILED,
    EXPIRED,
    TRASH,
    COMPLETED,
)
"""Of deliveries of one entry that differ, the first of these counts."""
MAY_BE_EMPTY: Final = frozenset({PENDING, IN_PROGRESS})
"""Where an entry may lie that says nothing but when, and whether the attempt is under way."""

SUFFIX: Final = ".json"
_MOST_S: Final = 9_999_999_999.0
"""A name shows moments up to the year 2286, to the microsecond."""
_TICK_S: Final = 1e-6
_PLAIN: Final = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?", re.ASCII)
_ENTRY: Final = re.compile(r"(\d{10}\.\d{6})_([0-9a-f]{8}-[0-9a-f]{1,10})_([a-z0-9.-]+|~[0-9a-f]{32})\.json", re.ASCII)
_SEEN: Final = re.compile(r"(\d{10}\.\d{6})_([0-9a-f]{8}-[0-9a-f]{1,10})_((?:[0-9a-f]{2}){1,64})", re.ASCII)
_MESSAGE: Final = re.compile(r"([0-9a-f]{8}-[0-9a-f]{1,10})\.json", re.ASCII)


@frozen
class EntryName:
    """The name of an entry: the deliveries of one message to one domain."""

    status: str
    moment: str
    mid: str
    place: str
    """The domain, or its hash."""

    @classmethod
    def parse(cls, status: str, name: str) -> EntryName | None:
        """Read a name in the directory of a status; None: it is none of ours."""
        found = _ENTRY.fullmatch(name)
        return None if found is None else cls(status, found[1], found[2], found[3])

    @classmethod
    def of_path(cls, path: str) -> EntryName:
        """Read a path that ``str`` gave."""
        status, _, name = path.partition("/")
        found = cls.parse(status, name)
        if found is None:
            raise ValueError(f"{path} is no entry")
        return found

    def __str__(self) -> str:
        """The path below the directory of the queue."""
        return f"{self.status}/{self.moment}_{self.mid}_{self.place}{SUFFIX}"

    @property
    def next_attempt(self) -> float:
        """The moment in the name, which is what counts while nothing else has changed."""
        return float(self.moment)


@frozen
class SeenName:
    """The name of a fingerprint, by which a message is known that is offered again."""

    moment: str
    mid: str
    digest: bytes

    @classmethod
    def parse(cls, name: str) -> SeenName | None:
        """Read a name; None: it is none of ours."""
        found = _SEEN.fullmatch(name)
        return None if found is None else cls(found[1], found[2], bytes.fromhex(found[3]))

    def __str__(self) -> str:
        """The path below the directory of the queue."""
        return f"{SEEN}/{self.moment}_{self.mid}_{self.digest.hex()}"


def moment_of(next_attempt: float) -> str:
    """How a moment stands in a name: names sort by it."""
    return f"{min(max(next_attempt, 0.0), _MOST_S):017.6f}"


def beside(moment: str) -> str:
    """Another moment, as near as names can tell: no two states of an entry have one name."""
    return moment_of(float(moment) + (_TICK_S if float(moment) < _MOST_S else -_TICK_S))


def place_of(domain: str) -> str:
    """How a domain stands in a name."""
    return domain if _PLAIN.fullmatch(domain) else f"~{sha256(domain.encode()).hexdigest()[:32]}"


def message_path(mid: str) -> str:
    """Where a message lies, below the directory of the queue."""
    return f"{MESSAGES}/{mid}{SUFFIX}"


def message_of(name: str) -> str | None:
    """Whose message a file in the directory of messages is; None: it is none of ours."""
    found = _MESSAGE.fullmatch(name)
    return None if found is None else found[1]
