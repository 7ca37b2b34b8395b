"""The subcommand ``config explain``: what the configuration comes to, worked out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
from attrs import frozen

from empath.cli.settings import config_option, configuration
from empath.config.retries import retries
from empath.config.units import format_duration
from empath.mail.failure_class import FailureClass
from empath.policy.retry import GiveUp, Retries, RetryPolicy
from empath.smtp import AddressError, Domain

_ENDS: Final = {
    GiveUp.ATTEMPTS: "was the last attempt: the sender is told",
    GiveUp.AGE: "its time is over: the sender is told",
}


@frozen
class _Schedule:
    """One schedule, and the failures that have it; none: all that have no other."""

    policy: RetryPolicy
    classes: tuple[FailureClass, ...]

    @property
    def name(self) -> str:
        return f"after {', '.join(one.value for one in self.classes)}" if self.classes else "after any other failure"


@click.group()
def explain() -> None:
    """Work out what the configuration comes to."""


@explain.command()
@config_option
@click.option("--json", "as_record", is_flag=True, help="Print one JSON object (empath.retry/1).")
@click.argument("domain", required=False)
def retry(config_file: Path | None, domain: str | None, as_record: bool) -> None:
    """Print when a message is tried again, and when it is given up.

    For mail to DOMAIN, or to a domain that no rule names. The times count from the first attempt, as if each attempt
    failed at once; chance moves them a little (delivery.retry_jitter_factor).
    """
    delivery = configuration(config_file).delivery
    all_of_them = retries(delivery)
    found = list(_schedules(all_of_them, _ascii(domain)))
    if as_record:
        click.echo(json.dumps({"schema": "empath.retry/1", "domain": domain, "schedules": list(map(_record, found))}))
        return
    for number, schedule in enumerate(found):
        click.echo(("\n" if number else "") + "\n".join(_lines(schedule)))
    if delivery.dsn.delay_warning_after_s:
        warning = format_duration(delivery.dsn.delay_warning_after_s)
        click.echo(f"\nafter {warning} there is one attempt more, and if it fails the sender is told")
    click.echo(f"uncertain: no earlier than {format_duration(all_of_them.uncertain_pause_s)} after the attempt")


def _ascii(domain: str | None) -> str:
    if domain is None:
        return ""
    try:
        return Domain.parse(domain).ascii
    except AddressError as error:
        raise click.BadParameter(str(error), param_hint="DOMAIN") from None


def _schedules(all_of_them: Retries, domain: str) -> Iterator[_Schedule]:
    """Yield each schedule that a delivery to this domain can have, the one of most failures first."""
    by_policy: dict[RetryPolicy, list[FailureClass]] = {}
    for failure_class in FailureClass:
        by_policy.setdefault(all_of_them.policy(domain, failure_class), []).append(failure_class)
    most = max(by_policy, key=lambda policy: len(by_policy[policy]))
    yield _Schedule(most, ())
    for policy, classes in by_policy.items():
        if policy is not most:
            yield _Schedule(policy, tuple(classes))


def _lines(schedule: _Schedule) -> Iterator[str]:
    table = schedule.policy.timetable()
    yield schedule.name
    for attempt, (at_s, next_s) in enumerate(
        zip(table.attempts_at_s, (*table.attempts_at_s[1:], table.end_s), strict=True), start=1
    ):
        waits = f"then {format_duration(_rounded(next_s - at_s))}" if next_s > at_s else ""
        yield f"{attempt:>5}  {format_duration(_rounded(at_s)):>14}  {waits}".rstrip()
    yield f"  end  {format_duration(_rounded(table.end_s)):>14}  {_ENDS[table.reason]}"


def _rounded(duration_s: float) -> float:
    """Seconds are exact enough, but for a first delay that is shorter than one."""
    return float(round(duration_s)) if duration_s >= 1 else duration_s


def _record(schedule: _Schedule) -> dict[str, object]:
    table = schedule.policy.timetable()
    return {
        "classes": [one.value for one in schedule.classes],
        "attempts_at_s": [round(at_s, 3) for at_s in table.attempts_at_s],
        "end_s": table.end_s,
        "reason": table.reason.value,
    }
