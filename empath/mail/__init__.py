"""The values of the program: what a message is, what became of it, and what is said about that.

All of them are frozen, and nothing here does anything: no clock is read, no chance is drawn, nothing is opened or sent.
Where a moment or chance is needed it is an argument, so the same arguments always make the same value, to the octet.

Words:

- A *message* is content and an *envelope*; it is called by its `MessageId`, the *mid*.
- A *delivery* is the fate of one recipient. It moves through `Status` by one table, in ``delivery``.
- An *attempt* is one try. It comes to one *outcome* for each recipient: `Delivered`, `Deferred` or `Bounced`.
- A *diagnosis* says why it was not delivered. It has a kind, a phase, a status code, and is charged to the site or to
  the delivery. Inside an attempt it travels as a `Failure`; what leaves the attempt is a value.
- A *report* tells the sender (a DSN). A *fact* tells whoever watches. A *record* is what the spool keeps.

Rooms: ``ids`` (names), ``envelope`` (who to whom), ``diagnosis``, ``failure`` (the errors, and what a reply means),
``outcome``, ``delivery`` (the table), ``waiting`` (why not yet), ``headers`` (trace fields and counting hops),
``header_section`` (a section on its way in), ``cipher_names``,
``completion`` (what submission adds), ``added`` (what filters add), ``mime`` (parts as lines), ``downgrade`` (content
for hosts that take ASCII only), ``failure_class`` (what a failure is about, for
people), ``quoting``, ``notice`` and ``dsn`` (reports), ``sealing``, ``record`` and ``progress`` (values as bytes),
``facts``.

RFCs: 5321 (4.2 replies, 4.4 trace, 4.5.4 and 4.5.5 retries and null reverse-path, 6 responsibility and loops), 5322
(header fields), 6409 (submission), 3461 to 3464 (reports and status codes), 3834 (automatic mail), 3848 and 8314
(Received), 6522 and 6533 (multipart reports, UTF-8), 1047 (why a message may arrive twice).

Why not the standard library's ``email``: it parses and writes anew, and what comes out is not always what went in. A
relay answers for every octet between the first trace field and the end.
"""

from empath.mail.delivery import Delivery, Event, Status
from empath.mail.diagnosis import Charge, Diagnosis, Kind, Phase, phase_of
from empath.mail.envelope import Envelope, Origin, Recipient, with_keyword
from empath.mail.facts import (
    BreakerMoved,
    ClientIntroduced,
    ClientTurnedAway,
    DeliveryAttempted,
    DeliveryEnded,
    Fact,
    LaneChanged,
    LaneSteered,
    LoginAccepted,
    LoginRefused,
    MessageAccepted,
    MessageRefused,
    ReportMade,
    SessionClosed,
    SessionOpened,
)
from empath.mail.failure import (
    DamagedRecord,
    EmpathError,
    Failure,
    PermanentFailure,
    SystemFailure,
    SystemKind,
    TemporaryFailure,
    failure_of,
    judge,
)
from empath.mail.failure_class import FailureClass
from empath.mail.ids import DeliveryId, MessageId, SessionId
from empath.mail.notice import Action
from empath.mail.operator_facts import OperatorActed, OperatorLogin, RuleEnded, RuleSet
from empath.mail.outcome import Bounced, Deferred, Delivered, Outcome, outcome_of
from empath.mail.progress import Progress, decode_progress, encode_progress
from empath.mail.record import decode_envelope, encode_envelope
from empath.mail.waiting import Wait, WaitReason

__all__ = [
    "Action",
    "Bounced",
    "BreakerMoved",
    "Charge",
    "ClientIntroduced",
    "ClientTurnedAway",
    "DamagedRecord",
    "Deferred",
    "Delivered",
    "Delivery",
    "DeliveryAttempted",
    "DeliveryEnded",
    "DeliveryId",
    "Diagnosis",
    "EmpathError",
    "Envelope",
    "Event",
    "Fact",
    "Failure",
    "FailureClass",
    "Kind",
    "LaneChanged",
    "LaneSteered",
    "LoginAccepted",
    "LoginRefused",
    "MessageAccepted",
    "MessageId",
    "MessageRefused",
    "OperatorActed",
    "OperatorLogin",
    "Origin",
    "Outcome",
    "PermanentFailure",
    "Phase",
    "Progress",
    "Recipient",
    "ReportMade",
    "RuleEnded",
    "RuleSet",
    "SessionClosed",
    "SessionId",
    "SessionOpened",
    "Status",
    "SystemFailure",
    "SystemKind",
    "TemporaryFailure",
    "Wait",
    "WaitReason",
    "decode_envelope",
    "decode_progress",
    "encode_envelope",
    "encode_progress",
    "failure_of",
    "judge",
    "outcome_of",
    "phase_of",
    "with_keyword",
]
