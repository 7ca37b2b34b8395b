"""Settings of what follows an attempt: retries, reports to senders, and what nobody knows the end of."""

from enum import Enum

from attrs import frozen

from empath.config.kinds import DOMAIN, DURATION, NUMBER, WHOLE, one_of, rate
from empath.config.schema.keys import choice, count, duration, flag, optional, several, size, tables, value
from empath.config.units import Period, Rate
from empath.mail.failure_class import FailureClass
from empath.smtp.address import Domain


class SuccessReports(Enum):
    """Whether senders hear that a message went on to a host that makes no reports (RFC 3461 5.2)."""

    ON_REQUEST = "on-request"
    NEVER = "never"


@frozen(kw_only=True)
class DsnSettings:
    """``[delivery.dsn]``: reports to senders (RFC 3464)."""

    bounce: bool = flag(True, "whether the sender is told of a delivery that failed for good")
    delay_warning_after_s: float = duration(
        "4h", "how long a delivery waits until its sender is told so, once; 0 tells nobody", at_least="0"
    )
    success: SuccessReports = choice(
        SuccessReports.ON_REQUEST, "whether a sender that asks for it is told that a message was passed on"
    )
    max_returned_bytes: int = size("50kB", "how large a message may be for its report to return more than the header")
    rate_limit: Rate = value(
        rate(Period.MINUTE), Rate(60, Period.MINUTE), "how many reports one sender gets; a number is per minute"
    )
    max_tracked_senders: int = count(10_000, "how many senders are counted at once for that")


class UncertainAction(Enum):
    """What follows when the reply to the end of a message was lost (RFC 1047)."""

    RETRY = "retry"
    """It is sent again, and may arrive twice."""
    REPORT = "report"
    """It is not, and may not arrive; its sender is told so."""


@frozen(kw_only=True)
class UncertainSettings:
    """``[delivery.uncertain]``: deliveries of which nobody knows whether they have arrived."""

    action: UncertainAction = choice(
        UncertainAction.RETRY, "whether a message is sent again when the reply to its end was lost"
    )
    pause_s: float = duration("15m", "how long it waits for that at least", at_least="0")


@frozen(kw_only=True)
class RetryRuleSettings:
    """One of ``[[delivery.retry.rules]]``: what is left out is as in ``[delivery]``."""

    classes: tuple[FailureClass, ...] = several(one_of(FailureClass), "which classes of failure are meant; none: all")
    domains: tuple[Domain, ...] = several(DOMAIN, "which recipient domains are meant, without subdomains; none: all")
    base_delay_s: float | None = optional(
        DURATION, "how long after its first attempt such a delivery is tried again", at_least=0.001
    )
    max_delay_s: float | None = optional(DURATION, "how far apart two attempts may be at most", at_least=0.001)
    multiplier: float | None = optional(
        NUMBER, "by how much each delay is longer than the one before", at_least=1, at_most=100
    )
    jitter_factor: float | None = optional(
        NUMBER, "which part of a delay chance may add or take", at_least=0, at_most=0.99
    )
    max_attempts: int | None = optional(
        WHOLE, "how many attempts a delivery gets, all counted", at_least=1, at_most=1000
    )
    max_age_s: float | None = optional(DURATION, "how old such a delivery may become", at_least=0.001)


@frozen(kw_only=True)
class RetrySettings:
    """``[delivery.retry]``: schedules of their own for some failures and domains."""

    rules: tuple[RetryRuleSettings, ...] = tables(RetryRuleSettings, default=())
