"""What every backend promises."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from pathlib import PurePath
from typing import Protocol

from empath.mail.ids import MessageId
from empath.spool.contract.acceptance import Acceptance, Body, BodyFile
from empath.spool.contract.actions import Action, Changed
from empath.spool.contract.care import Backup, Retention, Statistics, StoredRule, Verified
from empath.spool.contract.claims import ANYTHING, Claim, Claimed, Damage, Demand
from empath.spool.contract.fates import Fate
from empath.spool.contract.listing import Page, Selector
from empath.spool.contract.watch import SpoolWatch


class BodyDraft(Protocol):
    """A large body on its way into a file. It ends with ``commit`` or ``discard``."""

    async def write(self, block: bytes) -> None:
        """Append. A SpoolError: the draft is of no further use."""

    async def commit(self) -> BodyFile:
        """Make the file durable; what comes back goes into an ``Acceptance``. Without one it is swept away later."""

    async def discard(self) -> None:
        """Throw away what was written, even if cancelled. Never fails; nothing happens after ``commit``."""


class Taker(Protocol):
    """Somebody who attempts messages as soon as they are accepted, without claiming them first."""

    def offer(self, acceptance: Acceptance) -> float | None:
        """Whether to take this message once it is accepted. A moment: its deliveries are claimed in the transaction
        that accepts it, and wait again at this moment should nobody live to record what became of them. None: they
        wait to be claimed.
        """

    def take(self, claim: Claim) -> None:
        """Take what was offered and is now accepted. Neither waits nor fails."""


class Spool(Protocol):
    """The durable store of messages, and of the fate of each recipient.

    Every call is whole or nothing, survives the process, and may raise a SpoolError. Those that go over many deliveries
    (``find``, ``count``, ``apply``, ``purge``) do so in portions, between which all others have
    their turn; each portion is whole or nothing.
    """

    @property
    def watch(self) -> SpoolWatch:
        """Who hears how long it takes."""

    async def accept(self, acceptance: Acceptance) -> MessageId | None:
        """Keep a message. When this returns it is on the disk, and we answer for it.

        A name: that of an earlier message with the same fingerprint. We answer for that one already, this one is not
        kept, and the file of a large body is gone. None: it is a new message. A SpoolFull: the file is gone too.
        """

    def hand_over_to(self, taker: Taker | None) -> None:
        """From now on ask this one first whenever a message is accepted; None: let all of them wait to be claimed."""

    async def claim(self, *, now: float, until: float, latest: float, room: int, demand: Demand = ANYTHING) -> Claimed:
        """Take up to ``room`` deliveries that are due at ``now``, the longest due first, the older of equals first.

        With ``demand.head_start_s`` a delivery counts as due for so much longer for each degree of its priority, and so
        much shorter for each degree below 0. So nothing waits for what came due much later, whatever its priority.

        Due is also what waits beyond ``latest``, for which nothing can have been planned by a clock that is right: the
        wall clock was ahead, and was set back.

        Their next attempt moves to ``until`` before this returns, so that a crash in the middle of an attempt cannot
        make a message hammer its destination at every start.

        What the demand sets aside is due again at ``latest``, or when it expires if that is earlier; until then it is
        claimed, the oldest message first, when its site is recalled.
        """

    async def claim_chosen(self, selector: Selector, *, now: float, until: float, room: int) -> Claimed:
        """Take up to ``room`` deliveries that a selector chooses, due or not, held or not, the oldest message first.

        For somebody who ends or moves them at once. Neither those in progress nor those that have ended are taken.
        ``next_due`` of the answer means nothing.
        """

    async def sites_aside(self) -> frozenset[str]:
        """The sites that deliveries are set aside for."""

    async def record(self, fates: Sequence[Fate], reports: Sequence[Acceptance] = ()) -> None:
        """Write down what became of claimed deliveries, and accept the reports on them, in one transaction.

        A delivery that is completed is gone; one that has failed or expired is kept until it is purged. A message goes
        with the last of its deliveries. One in quarantine stays there until somebody releases or finishes it, and its
        message with it. A delivery that is not there any more, or has ended, is passed over.
        """

    async def wait_news(self) -> None:
        """Return when a delivery has come to wait since the last call of this. May return for nothing.

        Accepted, recorded as waiting, released, undeleted or made due: what is due next may be due earlier than
        ``claim`` has said.
        """

    async def draft_body(self, mid: MessageId) -> BodyDraft:
        """Begin a body that is too large to be kept in memory."""

    def read_body(self, body: BodyFile) -> AsyncGenerator[bytes, None]:
        """The content of a large body, in blocks. To be closed by who does not read to the end.

        A SpoolDamaged, at the latest where the end would be: it is not what was accepted.
        """

    async def body_of(self, mid: MessageId) -> Body | None:
        """The body of a message that is here, for somebody who looks into it; None: there is no such message.

        One that has ended and one in the trash are here too. A SpoolDamaged: it is not what was accepted.
        """

    async def discard_body(self, body: BodyFile) -> None:
        """Remove a large body that was committed and that no message will have. Even if cancelled; never fails."""

    async def find(self, selector: Selector, *, now: float, cursor: str | None = None, limit: int = 100) -> Page:
        """Up to ``limit`` deliveries that a selector chooses, in the order in which their messages were accepted.

        What is there all the time while somebody pages through is shown exactly once, whatever comes and goes besides.
        A cursor is good for as long as the spool is open, and with the same selector. A ValueError: it is none.
        """

    async def count(self, selector: Selector, *, now: float) -> int:
        """How many deliveries a selector chooses."""

    async def apply(self, action: Action, selector: Selector, *, now: float) -> Changed:
        """Do something to the deliveries that a selector chooses, durably; what was done, exactly.

        Should it fail on the way, what was done stays done. `Undelete` chooses in the trash.
        """

    async def rules(self) -> list[StoredRule]:
        """The decisions of operators that were put here, in the order of their names."""

    async def put_rule(self, rule: StoredRule) -> None:
        """Keep a decision, durably, in place of one of the same name.

        A SpoolError: it is larger than ``MAX_RULE_BYTES``, or one more than ``MAX_RULES``.
        """

    async def remove_rule(self, rule_id: str) -> bool:
        """Forget a decision, durably; whether there was one of this name."""

    async def purge(self, *, now: float, retention: Retention) -> int:
        """Remove for good what was kept long enough after it had ended; how many deliveries.

        What ended in a future further ahead than it would be kept goes too: the clock was ahead then.
        """

    async def tend(self) -> bool:
        """Do a little of what keeps the store fast and small; whether there is more to be done.

        To be called every ten seconds or so, and after a second if there is more, as there always is while the store
        accepts nothing because its disk is full.
        """

    async def verify(self, cursor: str | None = None) -> Verified:
        """Look at some messages, or body files, and whether all that they need is there. Nothing is changed.

        Begin without a cursor, and go on with the one that comes back: first come all messages with their checksums and
        bodies, then all files that nobody needs. Mail goes on meanwhile. A ValueError: it is no cursor.
        """

    async def backup(self, directory: PurePath, *, now: float) -> Backup:
        """Copy all of the spool into a directory that is new or empty. Mail goes on meanwhile.

        The copy is the spool as it was at one moment of the call. It is complete once it has its ``backup.json``. A
        SpoolError: it was not made.
        """

    async def statistics(self) -> Statistics:
        """Count. Cheap, however long the queue is."""

    async def quarantine(self) -> list[Damage]:
        """The messages of which deliveries are in quarantine, the oldest first."""

    async def release(self, mid: str) -> int:
        """Let the deliveries of a message wait again that are in quarantine, once it was mended; how many there are."""
