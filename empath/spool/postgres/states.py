"""The numbers that stand for the state of a delivery in its row, and the words for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from empath.mail.delivery import Status

PENDING: Final = 0
RETRY: Final = 1
UNCERTAIN: Final = 2
CLAIMED: Final = 3
"""All below wait."""
QUARANTINED: Final = 4
HELD: Final = 5
FAILED: Final = 6
EXPIRED: Final = 7
TRASH: Final = 8

STATUS: Final[Mapping[int, Status]] = {
    PENDING: Status.PENDING,
    RETRY: Status.RETRY,
    UNCERTAIN: Status.UNCERTAIN,
    CLAIMED: Status.IN_PROGRESS,
    QUARANTINED: Status.HELD,
    HELD: Status.HELD,
    FAILED: Status.FAILED,
    EXPIRED: Status.EXPIRED,
}
"""Of what is not in the trash; there it is that of the state before."""
STATE: Final[Mapping[Status, int]] = {
    Status.PENDING: PENDING,
    Status.RETRY: RETRY,
    Status.UNCERTAIN: UNCERTAIN,
    Status.IN_PROGRESS: CLAIMED,
    Status.HELD: HELD,
    Status.FAILED: FAILED,
    Status.EXPIRED: EXPIRED,
}
