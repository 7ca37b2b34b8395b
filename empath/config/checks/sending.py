"""Checks of how mail leaves: under which name, when, how often, and not back to ourselves."""

from collections.abc import Iterator
from typing import Final

from empath.config.checks.finding import UNSPECIFIED, Finding, Subject, below_rfc, no_effect, own_tables
from empath.config.faults import Code
from empath.config.places import KeyPath
from empath.config.schema import DeliverySettings, HostPort, Mode
from empath.config.units import format_duration
from empath.smtp.address import Domain

_DAY_S: Final = 86_400
_SCHEDULE: Final[tuple[KeyPath, ...]] = tuple(
    ("delivery", name)
    for name in ("max_age", "max_attempts", "retry_base_delay", "retry_max_delay", "retry_multiplier")
)
_RFC_MINIMA_S: Final = {
    "greeting": (300, "4.5.3.2.1"),
    "command": (300, "4.5.3.2.2"),
    "data_init": (120, "4.5.3.2.4"),
    "data": (180, "4.5.3.2.5"),
    "data_reply": (600, "4.5.3.2.6"),
}


def hostname(subject: Subject) -> Iterator[Finding]:
    """A name without a domain says nothing about this host (RFC 5321 2.3.5)."""
    name = subject.config.hostname.ascii
    if subject.config.mode is Mode.LIVE and "." not in name:
        yield Finding(
            code=Code.HOSTNAME,
            about=(("hostname",),),
            what=f'"{name}" is no full name of a host',
            why="many hosts refuse mail from a name that DNS does not know",
            remedy='set hostname to the name that DNS has for this host, such as "mail.example.org"',
            is_error=False,
        )


def schedule(subject: Subject) -> Iterator[Finding]:
    """Delays that contradict each other, and attempts that end long before or after the age."""
    delivery = subject.config.delivery
    if delivery.retry_max_delay_s < delivery.retry_base_delay_s:
        yield Finding(
            code=Code.CONTRADICTION,
            about=(("delivery", "retry_max_delay"), ("delivery", "retry_base_delay")),
            what=f"less than retry_base_delay, {format_duration(delivery.retry_base_delay_s)}",
            why="the first delay would already be longer than the longest",
            remedy="raise retry_max_delay or lower retry_base_delay",
        )
    elif any(map(subject.is_given, _SCHEDULE)):
        yield from _end_of_schedule(delivery)


def _end_of_schedule(delivery: DeliverySettings) -> Iterator[Finding]:
    at_s = _attempts_at_s(delivery)
    lasting = f"{delivery.max_attempts} attempts with these delays last {_rough(at_s[-1])}"
    if at_s[-1] > delivery.max_age_s:
        last = sum(attempt_s <= delivery.max_age_s for attempt_s in at_s)
        yield Finding(
            code=Code.SCHEDULE,
            about=_SCHEDULE,
            what=f"{lasting}; max_age = {format_duration(delivery.max_age_s)} ends it at attempt {last}",
            why="whichever comes first returns the message",
            remedy=f"max_attempts = {last} says the same, a longer max_age allows more",
            is_error=False,
            names_key=False,
        )
    if min(at_s[-1], delivery.max_age_s) < 4 * _DAY_S:
        yield Finding(
            code=Code.BELOW_RFC,
            about=_SCHEDULE,
            what=f"{lasting}; mail is given up after {_rough(min(at_s[-1], delivery.max_age_s))}",
            why="a host that is down over a weekend loses mail; RFC 5321 4.5.4.1 asks for 4 to 5 days",
            remedy="more attempts, longer delays, or a longer max_age",
            is_error=False,
            names_key=False,
        )


def _attempts_at_s(delivery: DeliverySettings) -> list[float]:
    """Return when each attempt is made after the first one, without jitter."""
    at_s, delay_s = [0.0], delivery.retry_base_delay_s
    for _ in range(delivery.max_attempts - 1):
        at_s.append(at_s[-1] + delay_s)
        delay_s = min(delay_s * delivery.retry_multiplier, delivery.retry_max_delay_s)
    return at_s


def _rough(duration_s: float) -> str:
    for unit, unit_s in (("days", _DAY_S), ("hours", 3600), ("minutes", 60)):
        if duration_s >= unit_s:
            return f"{duration_s / unit_s:.1f} {unit}"
    return f"{duration_s:.1f} seconds"


def timeouts(subject: Subject) -> Iterator[Finding]:
    """Timeouts that are shorter than a next hop may need (RFC 5321 4.5.3.2)."""
    settings = subject.config.delivery.smtp_timeouts
    for name, (minimum_s, section) in _RFC_MINIMA_S.items():
        timeout_s: float = getattr(settings, f"{name}_s")
        if timeout_s < minimum_s:
            key = ("delivery", "smtp_timeouts", name)
            yield below_rfc(key, format_duration(timeout_s), format_duration(minimum_s), section)


def loops(subject: Subject) -> Iterator[Finding]:
    """Next hops that are ourselves. Names are not looked up; the count of Received fields stops what they hide."""
    delivery = subject.config.delivery
    hops: list[tuple[KeyPath, HostPort]] = [
        ((*key, "mx_override"), settings.mx_override)
        for key, settings in own_tables(delivery)
        if settings.mx_override is not None
    ]
    if delivery.smart_host is not None:
        hops.append((("delivery", "smart_host"), delivery.smart_host))
    for key, hop in hops:
        if subject.config.mode is Mode.LIVE and _is_ours(subject, hop):
            yield Finding(
                code=Code.CONTRADICTION,
                about=(key, ("smtp", "listeners")),
                what=f"{hop} is a listener of this daemon",
                why="each message would come back until it has too many Received fields",
                remedy="name the host that the mail should go to",
            )


def _is_ours(subject: Subject, hop: HostPort) -> bool:
    if isinstance(hop.host, Domain):
        return False
    port = hop.port or subject.config.delivery.smtp_port
    hosts = {
        listener.listen_addr.host for listener in subject.config.smtp.listeners if listener.listen_addr.port == port
    }
    return str(hop.host) in hosts or (hop.host.is_loopback and bool(hosts & UNSPECIFIED))


def connections(subject: Subject) -> Iterator[Finding]:
    """Caps of a part above the cap of the whole."""
    delivery = subject.config.delivery
    whole: KeyPath = ("delivery", "max_parallel_deliveries")
    if delivery.max_connections_per_host > delivery.max_parallel_deliveries:
        yield from no_effect(subject, ("delivery", "max_connections_per_host"), whole)
    for key, settings in own_tables(delivery):
        if settings.max_connections is not None and settings.max_connections > delivery.max_parallel_deliveries:
            yield from no_effect(subject, (*key, "max_connections"), whole)
