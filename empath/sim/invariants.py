"""What holds after every run, whatever went wrong in it.

- A recipient for whom a client heard 250 has the message, or its sender was told that it has not, or it is queued.
- Nobody gets a message twice, but where the host took it and could not say so, or where the run was cut between the
  final dot and the record (RFC 1047).
- Of a recipient that was given up the sender hears exactly once, and of nobody else; of a delay at most once. Null
  senders hear nothing.
- Content arrives as it was sent, behind one more trace field.
- Where TLS is a condition, no recipient is named in clear.

Each function returns the breaches that it finds as lines for people; none is good.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from email import message_from_bytes
from math import inf
from typing import TYPE_CHECKING, Final

from attrs import evolve, frozen

from empath.mail import Action, DeliveryEnded, Fact, Status
from empath.mail.record import decode_envelope
from empath.sim.client import token_of
from empath.spool.contract import BodyFile

if TYPE_CHECKING:
    from empath.sim.behaviour import Overheard
    from empath.sim.client import Submission
    from empath.sim.remote import Taken
    from empath.spool.contract import Claimed
    from empath.spool.store import Store

Copy = tuple[str, str]
"""A token and a recipient: one copy of one message."""


@frozen
class Queue:
    """What a store holds."""

    copies: frozenset[Copy]
    reported: frozenset[Copy]
    """The copies that reports give up which wait themselves."""


EMPTY: Final = Queue(frozenset(), frozenset())


@frozen(kw_only=True)
class Evidence:
    """What the world has seen of a run, or of several on the same disk."""

    ledger: Sequence[Submission]
    """What was answered 250."""
    unheard: Sequence[Submission]
    """What was offered as a whole, without an answer that arrived."""
    taken: Sequence[Taken]
    facts: Sequence[Fact]
    queue: Queue = EMPTY
    cuts: Sequence[float] = ()
    """When runs were cut short, in time of Trio's clock."""


def queue_of(store: Store) -> Queue:
    """What still waits in a store. The store is used up: all of it counts as claimed then."""
    found: list[Claimed] = []

    def claim_all(opened: Store) -> None:
        found.append(opened.claim(now=inf, until=inf, latest=inf, room=10**9))

    for result in store.commit([claim_all], durable=False):
        result.unwrap()
    copies: set[Copy] = set()
    reported: set[Copy] = set()
    for claim in found[-1].claims:
        content = b"" if isinstance(claim.body, BodyFile) else claim.body
        token = token_of(content) or "?"
        if is_report(content):
            reported |= {(token, name) for name in _named(content, Action.FAILED)}
        else:
            recipients = decode_envelope(claim.envelope).recipients
            copies |= {(token, str(recipients[delivery.key.ordinal].address)) for delivery in claim.deliveries}
    return Queue(frozenset(copies), frozenset(reported))


def is_tls_report(content: bytes) -> bool:
    """Tell a report on TLS, which has no sender and is about no message, from all others (RFC 8460 5.3)."""
    return b"\nTLS-Report-Domain: " in content.partition(b"\r\n\r\n")[0]


def is_report(content: bytes) -> bool:
    """Tell a report to a sender from other messages."""
    return b"\nContent-Type: multipart/report" in content.partition(b"\r\n\r\n")[0]


def reported(taken: Iterable[Taken], action: Action = Action.FAILED) -> Mapping[Copy, Counter[str]]:
    """Of which copies reports say this, and the Message-IDs of those reports with how often each was delivered."""
    found: dict[Copy, Counter[str]] = defaultdict(Counter)
    for one in taken:
        if is_report(one.content):
            name = str(message_from_bytes(one.content)["Message-ID"])
            for recipient in _named(one.content, action):
                found[token_of(one.content) or "?", recipient][name] += 1
    return found


def _named(content: bytes, *actions: Action) -> list[str]:
    """The recipients of which a report says one of these."""
    wanted = {action.value for action in actions}
    blocks = [part for part in message_from_bytes(content).walk() if part["Action"] in wanted]
    return [str(part["Final-Recipient"]).partition(";")[2].strip() for part in blocks]


def fates(evidence: Evidence) -> list[str]:
    """Every copy that was answered 250 has a fate, and only one."""
    breaches = []
    confirmed, any_taken = _deliveries(evidence.taken)
    given_up = _given_up(evidence)
    told = {*reported(evidence.taken), *evidence.queue.reported}
    ended = given_up | told | evidence.queue.copies
    for submission in evidence.ledger:
        for recipient in submission.recipients:
            copy = submission.token, str(recipient)
            known = told if submission.sender is not None else given_up
            if copy not in any_taken and copy not in known and copy not in evidence.queue.copies:
                breaches.append(f"{copy} was answered 250 and is lost")
            if copy in given_up and copy not in known and not evidence.cuts:
                breaches.append(f"{copy} was given up and its sender was not told")
            if confirmed[copy] and copy in ended and not evidence.cuts:
                breaches.append(f"{copy} was delivered, and given up or queued all the same")
    return breaches


def _given_up(evidence: Evidence) -> set[Copy]:
    """The copies that facts say have failed or expired."""
    by_name = {one.mid: one for one in evidence.ledger}
    return {
        (submission.token, str(submission.recipients[fact.delivery.ordinal]))
        for fact in evidence.facts
        if isinstance(fact, DeliveryEnded) and fact.status in (Status.FAILED, Status.EXPIRED)
        if (submission := by_name.get(str(fact.delivery.message))) is not None
    }


def _deliveries(taken: Iterable[Taken]) -> tuple[Counter[Copy], set[Copy]]:
    confirmed: Counter[Copy] = Counter()
    any_taken = set()
    for one in taken:
        if not is_report(one.content):
            for recipient in one.recipients:
                copy = token_of(one.content) or "?", str(recipient)
                any_taken.add(copy)
                confirmed[copy] += one.confirmed
    return confirmed, any_taken


def duplicates(evidence: Evidence) -> list[str]:
    """No copy was confirmed twice within one run."""
    ends = [*evidence.cuts, inf]
    breaches = []
    for start, end in zip([-inf, *evidence.cuts], ends, strict=True):
        confirmed, _ = _deliveries(one for one in evidence.taken if start <= one.at < end)
        breaches += [f"{copy} was delivered {count} times" for copy, count in confirmed.items() if count > 1]
    return breaches


def reports(evidence: Evidence) -> list[str]:
    """Reports are about copies that were submitted, heard of or not, go to their sender, and name each copy once."""
    breaches = []
    offered = [*evidence.ledger, *evidence.unheard]
    submitted = {(one.token, str(recipient)): one.sender for one in offered for recipient in one.recipients}
    for action in Action:
        for copy, messages in reported(evidence.taken, action).items():
            if len(messages) != 1:
                breaches.append(f"{copy} was reported {action.value} by {len(messages)} reports: {sorted(messages)}")
            if copy not in submitted or submitted[copy] is None:
                breaches.append(f"{copy} was reported, to a sender that is none")
    for one in evidence.taken:
        if is_report(one.content):
            senders = {
                str(submitted.get((token_of(one.content) or "?", name))) for name in _named(one.content, *Action)
            }
            if one.reverse_path is not None or senders != {str(recipient) for recipient in one.recipients}:
                breaches.append(f"a report for {senders} went to {one.recipients} from {one.reverse_path}")
    return breaches


def contents(evidence: Evidence) -> list[str]:
    """What arrives is what was sent, behind exactly one more Received field."""
    sent = {one.token: one.content for one in (*evidence.ledger, *evidence.unheard)}
    breaches = []
    for one in evidence.taken:
        token = token_of(one.content)
        if is_report(one.content) or token not in sent:
            continue
        trace = one.content.removesuffix(sent[token])
        if trace == one.content or not trace.startswith(b"Received: ") or trace.count(b"\r\nReceived: "):
            breaches.append(f"{token} arrived at {one.host} changed")
    return breaches


def privacy(overheard: Iterable[Overheard], *, secret: Collection[str]) -> list[str]:
    """Nobody on the way heard of mail for these domains, given as A-labels."""
    return [
        f"{one.host} was told of {one.recipient} in clear"
        for one in overheard
        if one.recipient.domain is not None and one.recipient.domain.ascii in secret
    ]


def check(evidence: Evidence) -> list[str]:
    """All that can be said of what came in and what came out."""
    evidence = evolve(evidence, taken=[one for one in evidence.taken if not is_tls_report(one.content)])
    return [*fates(evidence), *duplicates(evidence), *reports(evidence), *contents(evidence)]
