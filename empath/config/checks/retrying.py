"""Checks of the rules that give some failures and domains a schedule of their own."""

from collections.abc import Iterator

from empath.config.checks.finding import Finding, Subject
from empath.config.faults import Code
from empath.config.places import KeyPath
from empath.config.retries import retries
from empath.config.units import format_duration
from empath.policy.retry import GiveUp


def rules(subject: Subject) -> Iterator[Finding]:
    """Delays that contradict each other, and an age beyond that of all mail; both with what the rule leaves out."""
    delivery = subject.config.delivery
    for index, rule in enumerate(retries(delivery).rules):
        key: KeyPath = ("delivery", "retry", "rules", index)
        policy = rule.policy
        if policy.max_delay_s < policy.base_delay_s:
            yield Finding(
                code=Code.CONTRADICTION,
                about=((*key, "max_delay"), (*key, "base_delay"), ("delivery", "retry_max_delay")),
                what=f"{format_duration(policy.max_delay_s)} is less than base_delay, "
                f"{format_duration(policy.base_delay_s)}",
                why="the first delay would already be longer than the longest",
                remedy="raise max_delay or lower base_delay; what a rule leaves out is as in [delivery]",
            )
        table = policy.timetable()
        if table.reason is GiveUp.ATTEMPTS:
            yield Finding(
                code=Code.SCHEDULE,
                about=(key,),
                what=f"{policy.max_attempts} attempts are over after {format_duration(float(round(table.end_s)))}",
                why="that is earlier than its max_age, and whichever comes first returns the message",
                remedy="raise max_attempts of the rule, or its delays; `empath config explain retry` shows all",
                is_error=False,
            )
        if policy.max_age_s > delivery.max_age_s:
            yield Finding(
                code=Code.CONTRADICTION,
                about=((*key, "max_age"), ("delivery", "max_age")),
                what=f"more than delivery.max_age, {format_duration(delivery.max_age_s)}",
                why="that is the end of every delivery, so that nothing waits longer than you know",
                remedy="raise delivery.max_age, and shorten that of others by rules",
            )
