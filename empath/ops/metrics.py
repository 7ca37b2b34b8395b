"""Figures for Prometheus, counted from facts.

Counting costs about a microsecond a fact and never more than a bounded number of series: no address, name of a
message, IP address or text of a reply is ever a label, and domains are as many as ``metrics.max_domains``
(`empath.ops.busiest`). ``empath.ops.exposition`` writes the figures out.

Counters begin at zero when the daemon starts, as those of Prometheus do, and never sink while it runs. A series whose
domain loses its place ends.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

from attrs import define, field

from empath.mail.delivery import Status
from empath.mail.facts import (
    BreakerMoved,
    ClientTurnedAway,
    DeliveryAttempted,
    DeliveryEnded,
    Fact,
    MessageAccepted,
    MessageRefused,
    SessionClosed,
    SessionOpened,
)
from empath.mail.ids import SessionId
from empath.mail.outcome import Bounced, Delivered
from empath.mail.reload_facts import ConfigReloaded
from empath.mail.way_facts import AttemptFaulted, HostDialled, HostLeft, NameLookedUp
from empath.ops.busiest import OTHER, BusiestDomains
from empath.ops.histogram import ATTEMPT_S, COMMIT_S, LIFETIME_S, SIZES_BYTES, Histogram
from empath.ops.ways import Ways
from empath.spool.contract import Operation

ENDS: Final = (Status.COMPLETED, Status.FAILED, Status.EXPIRED)
ATTEMPTS: Final = ("success", "temporary", "permanent", "error")
BREAKER_STATES: Final = ("closed", "open", "half_open")
MAX_REASONS: Final = 100
"""Status codes that refusals are counted by. We have a tenth of that; hooks may have more, which count as `OTHER`."""
MADE_HERE: Final = "internal"
"""The listener of what came over none."""


@define(eq=False, kw_only=True)
class Metrics:
    """An observer that counts."""

    listeners: tuple[str, ...]
    domains: BusiestDomains
    servers: BusiestDomains = field(factory=lambda: BusiestDomains(MAX_REASONS))
    """The sites that connections are counted of."""
    attempts: Counter[str] = field(init=False, factory=lambda: Counter(dict.fromkeys(ATTEMPTS, 0)))
    durations: dict[str, Histogram] = field(init=False, factory=dict)
    """Of attempts, by domain."""
    due_lag: Histogram = field(init=False, factory=lambda: Histogram(LIFETIME_S))
    """From the acceptance of a message to the beginning of the first attempt."""
    remote_codes: Counter[str] = field(init=False, factory=Counter)
    finished: Counter[str] = field(init=False, factory=lambda: Counter({status.value: 0 for status in ENDS}))
    lifetimes: dict[str, Histogram] = field(init=False)
    connections: Counter[str] = field(init=False)
    sessions: Counter[str] = field(init=False)
    """How many are open, by listener."""
    received: Counter[str] = field(init=False)
    rejections: Counter[str] = field(init=False, factory=Counter)
    sizes: Histogram = field(init=False, factory=lambda: Histogram(SIZES_BYTES))
    commits: Histogram = field(init=False, factory=lambda: Histogram(COMMIT_S))
    transitions: Counter[str] = field(init=False, factory=lambda: Counter(dict.fromkeys(BREAKER_STATES, 0)))
    breakers: dict[str, str] = field(init=False, factory=dict)
    """The sites whose breaker is not closed, with its state."""
    ways: Ways = field(init=False, factory=Ways)
    spool: dict[str, Histogram] = field(
        init=False, factory=lambda: {one.value: Histogram(COMMIT_S) for one in Operation}
    )
    """How long it took, by operation."""
    config_read_at: float = 0.0
    """When the configuration that runs was read."""
    is_config_read: bool = field(init=False, default=True)
    """Whether the latest reading has gone well."""
    _places: dict[SessionId, str] = field(init=False, factory=dict)
    """The listener of each open session."""

    def __attrs_post_init__(self) -> None:
        self.lifetimes = {status.value: Histogram(LIFETIME_S) for status in ENDS}
        self.connections = Counter(dict.fromkeys(self.listeners, 0))
        self.received = Counter(dict.fromkeys(self.listeners, 0))
        self.sessions = Counter(dict.fromkeys(self.listeners, 0))

    def observe(self, fact: Fact) -> None:
        """Count a fact."""
        match fact:
            case DeliveryAttempted():
                self._attempted(fact)
            case DeliveryEnded(at=at, delivery=delivery, status=status):
                self.finished[status.value] += 1
                self.lifetimes[status.value].add(max(0.0, at - delivery.message.seconds))
            case MessageAccepted(envelope=envelope, size_bytes=size_bytes, commit_s=commit_s):
                self.received[envelope.origin.listener if envelope.origin else MADE_HERE] += 1
                self.sizes.add(size_bytes)
                self.commits.add(commit_s)
            case MessageRefused(reply=reply) | ClientTurnedAway(reply=reply):
                self._refused(str(reply.enhanced or reply.code))
            case SessionOpened(session=session, listener=listener):
                self.connections[listener] += 1
                self.sessions[listener] += 1
                self._places[session] = listener
            case SessionClosed(session=session) if session in self._places:
                self.sessions[self._places.pop(session)] -= 1
            case BreakerMoved(site=site, after=after):
                self._moved(site, after)
            case ConfigReloaded(at=at, problem=problem):
                self.is_config_read = problem is None
                self.config_read_at = at if problem is None else self.config_read_at
            case HostDialled(at=at, site=site):
                self.ways.dialled(fact)
                self.servers.label(server_of(site), at)
            case AttemptFaulted(deliveries=deliveries):
                self.attempts["error"] += deliveries
            case HostLeft(messages=messages):
                self.ways.per_connection.add(messages)
            case NameLookedUp():
                self.ways.looked_up(fact)

    def _attempted(self, fact: DeliveryAttempted) -> None:
        outcome = fact.outcome
        if isinstance(outcome, Delivered):
            self.attempts["success"] += 1
        else:
            self.attempts["permanent" if isinstance(outcome, Bounced) else "temporary"] += 1
            if outcome.diagnosis.reply is not None:
                self.remote_codes[str(outcome.diagnosis.reply.code)] += 1
        domain = fact.recipient.domain.ascii if fact.recipient.domain else fact.site
        label, gone = self.domains.label(domain, fact.at)
        for former in gone:
            self.durations.pop(former, None)
        durations = self.durations.get(label)
        if durations is None:
            durations = self.durations[label] = Histogram(ATTEMPT_S)
        durations.add(fact.took_s)
        if fact.attempt == 1:
            self.due_lag.add(max(0.0, fact.waited_s))
        if fact.stages:
            self.ways.passed(fact.stages)

    def took(self, operation: Operation, took_s: float) -> None:
        """Count how long the spool took."""
        self.spool[operation.value].add(took_s)

    def _refused(self, reason: str) -> None:
        known = reason in self.rejections or len(self.rejections) < MAX_REASONS
        self.rejections[reason if known else OTHER] += 1

    def _moved(self, site: str, after: str) -> None:
        self.transitions[after] += 1
        if after == "closed":
            self.breakers.pop(site, None)
        else:
            self.breakers[site] = after


def server_of(site: str) -> str:
    """What stands for a site in the labels of connections: never a port, since a next hop may have several."""
    host, colon, port = site.rpartition(":")
    return host if colon and port.isdigit() else site
