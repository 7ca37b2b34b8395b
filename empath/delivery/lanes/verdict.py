"""The verdict on a call: what breaker and window learn from its outcomes.

One connection too many is no outage. A host that turns a connection away while it serves others has said that there are
too many, and the window answers for that as long as it can. Once none of a whole cohort was served, this counts like
any other failure (Postfix: SCHEDULER_README, failed cohorts).
"""

from __future__ import annotations

from collections.abc import Collection

from empath.delivery.lanes.call import Call
from empath.mail.diagnosis import Charge, Kind, Phase
from empath.mail.outcome import Deferred, Delivered, Outcome
from empath.policy.breaker import Breaker, BreakerState
from empath.policy.window import Window


def judge(
    call: Call,
    outcomes: Collection[Outcome] | None,
    *,
    breaker: Breaker,
    window: Window,
    under_way: int,
    now: float,
) -> None:
    """Let breaker and window learn. None: nothing that says anything about the site. ``under_way``: with this one, of
    those that have a connection.
    """
    if outcomes is None:
        breaker.withdraw(call.ticket)
    elif not all(_site_failed(outcome) for outcome in outcomes):
        breaker.succeed(call.ticket)
        window.succeed(under_way)
    else:
        if all(_says_too_many(one) for one in outcomes) and _bears_fewer(breaker, window):
            breaker.withdraw(call.ticket)
        else:
            breaker.fail(call.ticket, now)
        window.fail()


def is_turned_away(outcomes: Collection[Outcome], breaker: Breaker, window: Window) -> bool:
    """Whether the host said nothing but that it takes no further connection, in place of a greeting (421, RFC 5321 3.8
    and 4.2.1), and has served others lately: nothing was begun, and no message is to blame.
    """
    return _bears_fewer(breaker, window) and all(
        _says_too_many(one) and not isinstance(one, Delivered) and one.diagnosis.phase is Phase.GREETING
        for one in outcomes
    )


def _bears_fewer(breaker: Breaker, window: Window) -> bool:
    return window.bears and breaker.state is BreakerState.CLOSED


def _says_too_many(outcome: Outcome) -> bool:
    return isinstance(outcome, Deferred) and outcome.diagnosis.kind is Kind.BUSY


def _site_failed(outcome: Outcome) -> bool:
    return not isinstance(outcome, Delivered) and outcome.diagnosis.kind.charge is Charge.SITE


def broke_off(outcome: Outcome) -> bool:
    """Whether the site failed, and has not got the message for sure: then another host may do better."""
    return (
        isinstance(outcome, Deferred)
        and outcome.diagnosis.kind.charge is Charge.SITE
        and not outcome.diagnosis.uncertain
    )


def belongs_to_the_next(outcome: Outcome | None) -> bool:
    """None: it was not in the transaction, since the host takes fewer recipients (RFC 9422)."""
    if outcome is None:
        return True
    return isinstance(outcome, Deferred) and outcome.diagnosis.kind is Kind.TOO_MANY_RECIPIENTS
