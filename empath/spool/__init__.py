"""The durable store of messages, and of the fate of each of their recipients.

A message is *accepted* in one transaction. Its deliveries are *claimed* when they are due, attempted elsewhere, and
*recorded* as finished or as waiting again. What is delivered is gone at once; what has failed or expired is kept for a
while, to be seen. With its last delivery the message goes. Whatever happens to the process or to the power in between,
a message that was accepted is delivered, or its sender is told (RFC 5321 6.1), unless an operator has deleted it.

Words:

- *acceptance*: an envelope, which is kept and not read, a body, and one delivery for each recipient.
- *body*: octets in the row of the message when it is small; a file of its own, written as a *draft*, when it is large.
- *due*: the next attempt of a delivery lies in the past. *claimed*: somebody in this process attempts it now.
- *set aside*: due, but its site cannot take it now. It waits, at no cost, for its site to be *recalled*.
- *fate*: what became of a claimed delivery. *report*: a message to the sender, accepted together with that fate.
- *quarantine*: where a delivery is whose message is no longer what was accepted. It is kept, and nobody claims it.
- *held*: put aside by an operator, until it is released. *trash*: where what was deleted can be brought back from.
- *purge*: the removal of what was kept long enough after it had ended or was deleted.
- *listed*: in the indexes by which people find a delivery; what is not is found by going through what is new.
- *durable*: there after a loss of power. *sweep*: the removal, at the start, of files that no row names.

The directory ``spool.path`` has the file ``lock``, which the kernel keeps locked for the one daemon, ``bodies/``, and
``queue.id`` with the token that the queue has too, so that no queue sweeps the bodies of another. The database is
``queue.sqlite3`` below ``delivery.queue_path``. On them a message is in one of these states:

=== =========================== ================ =========== ========================================================
    state                       row              body file   after kill -9, or a loss of power
=== =========================== ================ =========== ========================================================
A   draft                       none             ``*.tmp``   nothing was promised; the sweep removes it
B   durable body                none             there       nothing was promised; the sweep removes it
C   waiting                     ``claimed = 0``  if large    it waits
D   claimed                     ``claimed = 1``  if large    it waits, until the moment that the claim has set
Q   quarantined                 ``claimed = 2``  perhaps     it stays, and ``damage`` says why
H   held                        ``claimed = 3``  if large    it stays
K   kept: failed or expired     ``claimed > 3``  if large    it stays until it is purged
T   in the trash                ``claimed = 6``  if large    it stays until it is purged; ``was`` says what it was
E   finished, not durably       none             if large    kill: as F or G. Power: perhaps as D again: a duplicate
F   gone, its file is left      none             there       the sweep removes it
G   gone                        none             none        nothing is left to do
=== =========================== ================ =========== ========================================================

Small bodies know neither A nor B nor F. Recipients move by themselves: C, D, H, K, Q and T are states of a delivery,
and a message is in E when the last of its deliveries is. The ways from state to state:

======= =============================================================================================================
A to B  ``BodyDraft.commit``: sync the file, rename it, sync the directory
A to G  ``BodyDraft.discard``
B to C  ``accept``; a small body begins here. The transaction is synced. **This is the instant of acceptance**
B to D  ``accept``, if somebody takes the message over (`contract.Taker`): the same, and claimed from the start
B to G  ``accept`` found the disk full, or that it has the message already: there is no row, so the file goes at once
C to D  ``claim``. It moves ``next_attempt`` forward first; the transaction is not synced by itself
C to C  ``claim`` sets it aside: ``aside`` names the site, and outlives the process; not synced by itself either
D to C  ``record`` with `Waiting`, not synced by itself; or the start, for all that was claimed when the process ended:
        it may have arrived, so it is *uncertain* then
C to Q  ``claim`` found that its row cannot be read, or is not what was accepted; not synced by itself
D to Q  ``record`` with `Quarantined`: the envelope makes no sense, or the body file is missing or another one
Q to C  ``release``, once somebody has mended it
C to H  ``apply`` of `Hold`; H to C by `Release`; C, H or Q to K by `Fail`. What ``apply`` does is synced at its end
H to D  ``claim_chosen``, by who will end it at once; C to D likewise
D to K  ``record`` of what has failed or expired: synced if there is a report, else not
C to T  ``apply`` of `Delete`, from H, K and Q as well; `Undelete` is the way back
K to E  ``purge``, from T as well
D to E  ``record`` with `Finished`, not synced by itself, which is why a delivered message costs one sync and not two
D to F  ``record`` with `Finished` and a report: the transaction is synced, since the report has to be there
E to F  the next synced transaction; for a large body one is made on purpose, since a row may not outlive its file
F to G  the file is removed. Should that fail it is tried again, less and less often, and counted (``removal``); should
        the process end before, it stays F until the next sweep
======= =============================================================================================================

The other backends have the same states, in other clothes:

======= ====================================================== =======================================================
        ``files``                                              ``postgres``
======= ====================================================== =======================================================
A, B    the same                                               chunk rows; B once the row of the file has its length
C       ``messages/{mid}.json``; what more is known is in an   ``state < 3``
        entry of ``pending/``, ``retry/``, ``uncertain/``
D       an entry in ``in_progress/``, without content unless   ``state = 3``, and the epoch of who claimed it
        there is more to say than that
Q       an entry in ``quarantine/``, or a file that does not   ``state = 4``
        check, which stays where it is
H, K, T an entry in ``held/``, ``failed/``, ``expired/``,      ``state`` 5, 6, 7, 8
        ``trash/``
E       the name of the message is gone, not durably           there is none: each transaction is durable
F       entries of no message are left, or its body            as above
======= ====================================================== =======================================================

In ``files`` the instant of acceptance is the sync of the directory after the message has its name; what is of several
files and has to be one change is an intent first, and counts from the sync of that. In ``postgres`` it is COMMIT. After
a start what was set aside in ``files`` is due once more. What was under way when the process ended is uncertain with
each of them, and what a loss of power undoes is the same for the first two; of PostgreSQL it undoes nothing.

While a spool is moved from one backend to another, or brought back from a backup, the file ``converting`` is in its
directory, and no daemon starts. A message is durable where it goes to before it goes from where it was, so at each
moment it is in one of the two whole, or in both, and in one as soon as the file is gone. A backup is one once it has
``backup.json``, the last of its files to be there; making it changes no state.

So 250 may be said once ``accept`` has returned, and not before. kill -9 undoes no transaction: the system has what was
written, whether it was synced or not. A loss of power may undo those at the end that were not synced, and these only
move deliveries along. A sync that fails is dealt with in ``database``; what was refused because of one may turn up as C
after a loss of power all the same, which is a duplicate if the client has offered it again.

Why a message may arrive twice: the next hop answers the final dot after it has taken the message, and the connection
may break, or we may die, between its decision and our record. Then one side knows that it was delivered and the other
does not, and no further message between them can end that doubt, since it could be the one that is lost (RFC 1047).
One may lose mail or send it twice; RFC 5321 4.5.4.1 leaves no choice. The interval is kept short, and D to E adds to it
what a loss of power undoes.

Why SQLite: rows and small bodies in one file make an acceptance one write and one sync, which many sessions share
(``committer``). A log of our own saves a fifth of the processor time and would have to be believed; a file for each
message needs two syncs and a directory for what is due. Why not a server
by default: it would be one more thing that can be away (``postgres`` is for who has one in any case).
Why EXCLUSIVE, and ``queue.lock`` with files: there is one daemon to a queue as well as to a spool, also where two
configurations name the same queue; two would send everything twice.

Why a reserve: a delivery that ends is a row that goes, and the log that says so wants room on a disk that is full of
what waits. So a file takes room in advance, and gives it up for the log when a write has failed for want of it; as long
as it cannot be made again nothing is accepted.

Why set aside, and not put off by some time: a site that is down may have a hundred thousand messages. To claim them
all and put them back with every period of its breaker would cost more than delivering them, and to pass over them in
every claim would too. Set aside, each is touched twice.

Why rows are listed late: people find deliveries by recipient, sender and domain through indexes, and an index costs
every row that enters and leaves it. Nearly all mail is gone within a second, and nobody looks for it. So a row is
entered after a minute or two, and what is newer is found by reading it: that is never much, however long the queue is.

Why the counts are kept and not taken: to count a million rows takes a third of a second, in which nothing else is done.

Why a checksum, and of what: a disk may give back other octets than it was given, and SQLite notices that only where it
hits a structure of its own. Envelope and body have a CRC-32, made when they are accepted. The row is checked when it is
claimed. A body file is checked while it is read, and its end is kept back until all of it was seen: a next hop that has
no end takes no message.

Why a backup is an operation of the daemon: queue and bodies have to be of one moment, and only who writes them knows
when. A copy of the database goes on between transactions, and no body goes until those of the copy are copied.

Rooms: ``contract`` (what a spool promises: all that reception and delivery know of it), ``grouped`` (a spool made of a
store, a committer and a disk) with ``drafts``, ``portions`` (what goes over many deliveries) and ``removal``,
``committer``, ``store`` (what a backend is), ``claiming`` (what a claim takes and what it sets aside), ``sqlite`` made
of ``waiting``, ``ending``, ``finding``, ``keeping``, ``reading`` and ``tally``, on ``database``, ``schema``,
``statements``, ``writes`` (rows that are written together) and ``stored`` (a row, and whether it is sound),
``memory`` (the plainest store, which the other is compared with), ``belonging`` (queue and bodies), ``open``,
``verify`` and ``stopped`` (looking at a spool that no daemon has open), ``inspection`` (at one that is in use), both by
``checking``; ``snapshots`` (backups) on ``copying``, and ``restoring``; ``left_behind`` (mail of another backend);
``postgres`` (the other backend with a database), ``files`` (one that people can read) and ``conversion`` (moving a
spool from one backend to another).

RFCs: 5321 4.2.5 and 6.1 (what 250 means), 4.5.4.1 (retries), 1047 (duplicates).
"""

from empath.spool.contract import (
    Acceptance,
    Body,
    BodyDraft,
    BodyFile,
    Claim,
    Claimed,
    ClaimedDelivery,
    Damage,
    DeliveryKey,
    Demand,
    Fate,
    Finished,
    Quarantined,
    Spool,
    SpoolDamaged,
    SpoolError,
    SpoolFull,
    SpoolHeld,
    Statistics,
    Waiting,
)
from empath.spool.memory import MemoryStore
from empath.spool.open import LOCK, open_spool
from empath.spool.sqlite import open_database

__all__ = [
    "LOCK",
    "Acceptance",
    "Body",
    "BodyDraft",
    "BodyFile",
    "Claim",
    "Claimed",
    "ClaimedDelivery",
    "Damage",
    "DeliveryKey",
    "Demand",
    "Fate",
    "Finished",
    "MemoryStore",
    "Quarantined",
    "Spool",
    "SpoolDamaged",
    "SpoolError",
    "SpoolFull",
    "SpoolHeld",
    "Statistics",
    "Waiting",
    "open_database",
    "open_spool",
]
