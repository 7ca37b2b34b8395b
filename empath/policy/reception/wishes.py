"""What clients may ask for with MAIL beyond delivery, and who may ask for it.

====================  =================================================  ==================
``MT-PRIORITY``       that a message goes before others (RFC 6710)       strangers: up to 0
``FUTURERELEASE``     that it is kept back for a while (RFC 4865)        clients we know
``DELIVERBY``         that it arrives in time or not at all (RFC 2852)   everybody
``REQUIRETLS``        that it never goes in clear (RFC 8689)             everybody
====================  =================================================  ==================

They are for mail that begins or is under way here, so listeners for mail that comes in do not offer them. A wish that
is granted is stored with the message; whoever sends it on obeys it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from attrs import evolve

from empath.smtp import ByMode, MailParams, Reply

_NOT_FOR_STRANGERS: Final = Reply(550, "only clients that are known here may have mail kept back", "5.7.1")
_IN_THE_PAST: Final = Reply(501, "HOLDUNTIL lies in the past", "5.5.4")
_TOO_LONG: Final = Reply(
    501, "that is longer than mail is kept back here, see FUTURERELEASE in the answer to EHLO", "5.5.4"
)
_OVERDUE: Final = Reply(501, "BY would be over before the message is let go", "5.5.4")
LOWERED: Final = Reply(250, "0 is the priority that clients have here which are not known", "2.3.6")
"""RFC 6710 4.1 wants the priority that is used instead at the start of the text."""


def offers(*, now: float, max_hold_s: float) -> tuple[str, ...]:
    """The lines of an EHLO answer for all of them. ``max_hold_s`` 0: no message is kept back."""
    lines = ("MT-PRIORITY", "DELIVERBY", "REQUIRETLS")
    if not max_hold_s:
        return lines
    latest = datetime.fromtimestamp(int(now + max_hold_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (*lines, f"FUTURERELEASE {int(max_hold_s)} {latest}")


def refusal(params: MailParams, *, trusted: bool, now: float, max_hold_s: float) -> Reply | None:
    """Why a wish is not granted; None: all are. ``trusted``: the client may send to anybody. Times are wall clock."""
    hold_s = _hold_s(params, now)
    if hold_s is None:
        return None
    if not trusted:
        return _NOT_FOR_STRANGERS
    if hold_s < 0:
        return _IN_THE_PAST
    if hold_s > max_hold_s:
        return _TOO_LONG
    by = params.by
    return _OVERDUE if by is not None and by.mode is ByMode.RETURN and by.seconds <= hold_s else None


def granted(params: MailParams, *, trusted: bool) -> MailParams:
    """The wishes as they are kept. A stranger's mail does not go before that of others (RFC 6710 5)."""
    if trusted or params.mt_priority is None or params.mt_priority <= 0:
        return params
    return evolve(params, mt_priority=0)


def _hold_s(params: MailParams, now: float) -> float | None:
    """How long a message is to be kept back; None: it is not."""
    if params.hold_until is not None:
        return params.hold_until.timestamp() - now
    return params.hold_for_s
