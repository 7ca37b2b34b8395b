"""What every backend promises, and the values that go in and out.

The spool knows messages and deliveries. A message is an envelope, which it keeps and does not read, and a body. A
delivery is the fate of one of its recipients: it waits until ``next_attempt``, is claimed, and is recorded either as
finished or as waiting again. One that is delivered is gone; one that has failed or expired is kept for a while, to be
seen. People find deliveries by selectors, hold them, release them, fail them, throw them away and bring them back.

Rooms: ``acceptance`` and ``claims`` (in and out), ``fates``, ``listing`` (rows and selectors), ``actions``, ``care``
(rules, counts, retention), ``errors``, ``watch`` (how long it takes), and ``spool`` with the promise itself.
"""

from empath.spool.contract.acceptance import Acceptance, Body, BodyFile, Fingerprint
from empath.spool.contract.actions import Action, Changed, Delete, Fail, Hold, Release, RetryNow, Undelete
from empath.spool.contract.care import (
    MAX_RULE_BYTES,
    MAX_RULES,
    Backup,
    Fault,
    Finding,
    Retention,
    Statistics,
    StoredRule,
    Verified,
)
from empath.spool.contract.claims import ANYTHING, Claim, Claimed, ClaimedDelivery, Damage, DeliveryKey, Demand
from empath.spool.contract.errors import SpoolDamaged, SpoolError, SpoolForbidden, SpoolFull, SpoolHeld
from empath.spool.contract.fates import Fate, Finished, Quarantined, Waiting
from empath.spool.contract.listing import EVERYTHING, Page, Row, Selector, reply_matches, reply_of
from empath.spool.contract.spool import BodyDraft, Spool, Taker
from empath.spool.contract.watch import Operation, SpoolWatch

__all__ = [
    "ANYTHING",
    "EVERYTHING",
    "MAX_RULES",
    "MAX_RULE_BYTES",
    "Acceptance",
    "Action",
    "Backup",
    "Body",
    "BodyDraft",
    "BodyFile",
    "Changed",
    "Claim",
    "Claimed",
    "ClaimedDelivery",
    "Damage",
    "Delete",
    "DeliveryKey",
    "Demand",
    "Fail",
    "Fate",
    "Fault",
    "Finding",
    "Fingerprint",
    "Finished",
    "Hold",
    "Operation",
    "Page",
    "Quarantined",
    "Release",
    "Retention",
    "RetryNow",
    "Row",
    "Selector",
    "Spool",
    "SpoolDamaged",
    "SpoolError",
    "SpoolForbidden",
    "SpoolFull",
    "SpoolHeld",
    "SpoolWatch",
    "Statistics",
    "StoredRule",
    "Taker",
    "Undelete",
    "Verified",
    "Waiting",
    "reply_matches",
    "reply_of",
]
