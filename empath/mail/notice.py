"""What a report says of one recipient, and whether it may say anything.

======== ==================================== ============================================== =====================
action   what has happened                    told if NOTIFY is missing (RFC 3461 4.1, 5.2)   told if NOTIFY has
======== ==================================== ============================================== =====================
failed   it will not arrive                   yes                                            FAILURE
delayed  it has not arrived for a while       yes                                            DELAY
relayed  a host has it that makes no reports  no                                             SUCCESS
======== ==================================== ============================================== =====================

A sender that has given a time is told more, unless NOTIFY=NEVER forbids it: that the time is over, under the by-mode N;
that a host has the message that knows of no such time; and, with the trace T, of each host that takes it (RFC 2852 4).

Under the null reverse-path nobody is ever told anything (RFC 5321 4.5.5), and NOTIFY=NEVER means never. There is no
action "delivered": that is for who puts mail into mailboxes, and we hand it on.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Final

from attrs import frozen

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.envelope import Envelope, Recipient
from empath.mail.failure_class import FailureClass
from empath.mail.headers import date, header_address
from empath.mail.outcome import Delivered
from empath.mail.quoting import plain, wrap
from empath.smtp import Address, ByMode, EnhancedCode, Notify, xtext


class Action(Enum):
    """What became of a recipient, in the words of RFC 3464 2.3.3. The gravest comes first."""

    FAILED = "failed"
    DELAYED = "delayed"
    RELAYED = "relayed"

    __hash__ = object.__hash__


_ASKED: Final = {Action.FAILED: Notify.FAILURE, Action.DELAYED: Notify.DELAY, Action.RELAYED: Notify.SUCCESS}
_UNASKED: Final = frozenset({Action.FAILED, Action.DELAYED})
_TAKEN: Final = EnhancedCode(2, 0, 0)
_ANSWER_TO: Final = {
    Phase.GREETING: "greeted us with",
    Phase.HELLO: "answered our introduction with",
    Phase.STARTTLS: "answered STARTTLS with",
    Phase.LOGIN: "answered our login with",
    Phase.MAIL: "answered the sender's address with",
    Phase.RCPT: "answered this recipient's address with",
    Phase.DATA: "answered the beginning of the message with",
    Phase.END: "answered the message with",
}


def wanted(action: Action, envelope: Envelope, recipient: Recipient) -> bool:
    """Whether the sender is to be told: the table above."""
    notify = recipient.params.notify
    asked = action in _UNASKED if notify is None else _ASKED[action] in notify
    return envelope.reverse_path is not None and asked


def wants_time(envelope: Envelope, recipient: Recipient) -> bool:
    """Whether the sender has given a time with BY, and hears of what becomes of it for this recipient (RFC 2852 4)."""
    notify = recipient.params.notify
    may_hear = envelope.reverse_path is not None and notify != Notify.NEVER
    return may_hear and envelope.params.by is not None


def traced(envelope: Envelope, recipient: Recipient, outcome: Delivered) -> bool:
    """Whether the time that the sender gave is the reason to tell it that a host has the message (RFC 2852 4.1)."""
    by = envelope.params.by
    if by is None or not wants_time(envelope, recipient):
        return False
    return by.trace or (by.mode is ByMode.NOTIFY and not outcome.minds_time)


@frozen(kw_only=True)
class Notice:
    """What a report says of one recipient."""

    recipient: Recipient
    action: Action
    outcome: Diagnosis | Delivered
    """Why it failed or is delayed; or who has it now."""
    failure_class: FailureClass = FailureClass.OTHER
    last_attempt: float | None = None
    """Wall clock, seconds since 1970; None: there was none."""
    retry_until: float | None = None
    """When a delivery that is delayed will be given up (RFC 3464 2.3.9)."""

    @property
    def address(self) -> Address:
        """Whom it is about."""
        return self.recipient.address

    def words(self, *, utf8: bool) -> Iterator[str]:
        """What it says to people: lines that are safe to print, indented."""
        yield f"<{header_address(self.address)}>"
        for text in self._sentences():
            yield from wrap(plain(text, utf8=utf8), "    ")

    def _sentences(self) -> Iterator[str]:
        outcome = self.outcome
        if isinstance(outcome, Delivered):
            yield f"{outcome.host} has accepted the message."
            return
        if self.action is Action.FAILED and (outcome.kind is Kind.EXPIRED or not outcome.kind.permanent):
            yield "No attempt succeeded before its time was over. This is about the last one:"
        if self.failure_class.sentence:
            yield self.failure_class.sentence
        if outcome.reply is None:
            yield _own_words(outcome)
        else:
            yield f"{outcome.host or 'The next host'} {_ANSWER_TO.get(outcome.phase, 'said')}"
            yield str(outcome.reply)
        if self.retry_until is not None:
            yield f"It will be tried until {date(self.retry_until)}."

    def fields(self, *, utf8: bool) -> Iterator[str]:
        """What it says to programs: the lines of one block of fields (RFC 3464 2.3)."""
        orcpt = self.recipient.params.orcpt
        if orcpt is not None:
            shown = orcpt.address
            if orcpt.kind == "utf-8" and not utf8:
                shown = xtext.encode_address(shown).decode()
            yield f"Original-Recipient: {orcpt.kind}; {plain(shown, utf8=utf8)}"
        yield f"Final-Recipient: {_typed(self.address, utf8=utf8)}"
        yield f"Action: {self.action.value}"
        yield f"Status: {_status(self.outcome)}"
        if self.outcome.host is not None:
            yield f"Remote-MTA: dns; {plain(self.outcome.host, utf8=False)}"
        yield "\r\n".join(wrap(f"Diagnostic-Code: {plain(_said(self.outcome), utf8=utf8)}", "", " "))
        if self.last_attempt is not None:
            yield f"Last-Attempt-Date: {date(self.last_attempt)}"
        if self.retry_until is not None:
            yield f"Will-Retry-Until: {date(self.retry_until)}"


def _status(outcome: Diagnosis | Delivered) -> EnhancedCode:
    if isinstance(outcome, Diagnosis):
        return outcome.status
    code = outcome.reply.enhanced
    return code if code is not None and code.kind == 2 else _TAKEN


def _said(outcome: Diagnosis | Delivered) -> str:
    if isinstance(outcome, Diagnosis) and outcome.reply is None:
        return f"x-empath; {_own_words(outcome)}"
    return f"smtp; {outcome.reply}"


def _own_words(diagnosis: Diagnosis) -> str:
    words = diagnosis.text or diagnosis.kind.value.replace("_", " ")
    return f"{diagnosis.host}: {words}" if diagnosis.host else words


def _typed(address: Address, *, utf8: bool) -> str:
    """An address with its type: rfc822 wherever ASCII will do, else utf-8 in the form that fits (RFC 6533 3)."""
    if not address.needs_utf8:
        return f"rfc822; {header_address(address)}"
    return f"utf-8; {address if utf8 else xtext.encode_address(str(address)).decode()}"
