"""What a day was like: how much mail there was, where it went, what failed and why, what was slow, who did what.

Tables are bounded: of domains, replies and clients the first `MOST` have a row of their own, all others one together.
"""

from __future__ import annotations

from collections import Counter
from math import exp, log
from typing import Final, TypeVar

import msgspec
from attrs import define, field

from empath.ops.audit.seeking import Told, domains_of

K = TypeVar("K")

MOST: Final = 20_000
OTHERS: Final = "(others)"
_PRECISION: Final = 1.1
"""Durations are known to a tenth."""
_MOST_DECISIONS: Final = 200
_DECISIONS: Final = frozenset(
    {*("deleted", "held", "released", "bounced", "operator", "suspended", "resumed", "overlay", "config", "reload")}
    | {"backup", "restore", "start", "stop"}
)


class DomainLine(msgspec.Struct, frozen=True, kw_only=True):
    """What went to one domain."""

    domain: str
    delivered: int
    deferred: int
    bounced: int
    expired: int
    p50_s: float | None
    """From acceptance to delivery; None: nothing was delivered."""
    p95_s: float | None


class ReplyLine(msgspec.Struct, frozen=True, kw_only=True):
    """A failure, and how often."""

    count: int
    lane: str
    outcome: str
    about: str
    smtp_response: str


class Digest(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    schema: str = "empath.audit-digest/1"
    day: str
    received: int
    received_bytes: int
    rejected: int
    delivered: int
    """Recipients, as all that follow."""
    deferred: int
    """Attempts that are to be made again."""
    bounced: int
    expired: int
    reports: int
    logins_refused: int
    dropped: int
    """Records that the daemon could not write."""
    domains: tuple[DomainLine, ...]
    """Those with most mail first."""
    failures: tuple[ReplyLine, ...]
    slowest: tuple[DomainLine, ...]
    rejections: tuple[tuple[str, int], ...]
    """Replies to clients, with how often."""
    senders: tuple[tuple[str, int], ...]
    decisions: tuple[str, ...]
    """What operators did, the oldest first."""


@define(eq=False)
class _Domain:
    outcomes: Counter[str] = field(init=False, factory=Counter)
    took: Counter[int] = field(init=False, factory=Counter)
    """Deliveries by the logarithm of how long they took."""

    def share(self, part: float) -> float | None:
        """How long so many of the deliveries took at most."""
        left = part * sum(self.took.values())
        for step in sorted(self.took):
            left -= self.took[step]
            if left <= 0:
                return float(f"{exp(step * log(_PRECISION)):.2g}")
        return None

    def line(self, name: str) -> DomainLine:
        """As it is told."""
        return DomainLine(
            domain=name,
            delivered=self.outcomes["delivered"],
            deferred=self.outcomes["deferred"] + self.outcomes["uncertain"],
            bounced=self.outcomes["bounced"],
            expired=self.outcomes["expired"],
            p50_s=self.share(0.5),
            p95_s=self.share(0.95),
        )


@define(eq=False)
class DigestOfDay:
    """It is fed with the records of a day."""

    _day: str
    _counts: Counter[str] = field(init=False, factory=Counter)
    _domains: dict[str, _Domain] = field(init=False, factory=dict)
    _failures: Counter[tuple[str, str, str, str]] = field(init=False, factory=Counter)
    _rejections: Counter[str] = field(init=False, factory=Counter)
    _senders: Counter[str] = field(init=False, factory=Counter)
    _decisions: list[str] = field(init=False, factory=list)

    def take(self, record: Told) -> None:
        """Count a record."""
        event = str(record.get("event"))
        self._counts["dropped"] += int(record.get("dropped", 0))
        match event:
            case "received":
                self._counts["received_bytes"] += int(record.get("size", 0))
                _count(self._senders, str(record.get("sender")) or "<>", OTHERS)
            case "rejected":
                _count(self._rejections, _reply(record), OTHERS)
            case "attempt":
                self._attempted(record)
            case "auth" if record.get("outcome") == "refused":
                self._counts["logins_refused"] += 1
            case "expired":
                self._ended(record)
            case _:
                pass
        if event in _DECISIONS and (event not in ("bounced",) or "by" in record):
            self._decided(event, record)
        elif event != "attempt":
            self._counts[event] += 1

    def told(self, *, top: int) -> Digest:
        """The result, with so many lines in each table."""
        counts = self._counts
        lines = [one.line(name) for name, one in self._domains.items()]
        return Digest(
            day=self._day,
            received=counts["received"],
            received_bytes=counts["received_bytes"],
            rejected=counts["rejected"],
            delivered=counts["delivered"],
            deferred=counts["deferred"] + counts["uncertain"],
            bounced=counts["attempts bounced"],
            expired=counts["expired"],
            reports=counts["dsn"],
            logins_refused=counts["logins_refused"],
            dropped=counts["dropped"],
            domains=tuple(sorted(lines, key=_volume, reverse=True)[:top]),
            failures=tuple([_failure(one, count) for one, count in self._failures.most_common(top)]),
            slowest=tuple(sorted(filter(_is_slow, lines), key=lambda one: one.p95_s or 0, reverse=True)[:top]),
            rejections=tuple(self._rejections.most_common(top)),
            senders=tuple(self._senders.most_common(top)),
            decisions=tuple(self._decisions),
        )

    def _attempted(self, record: Told) -> None:
        outcome, number = str(record.get("outcome")), len(record.get("recipients", ())) or 1
        self._counts["attempts bounced" if outcome == "bounced" else outcome] += number
        for name in domains_of(record):
            domain = self._domain(name)
            domain.outcomes[outcome] += number
            if outcome == "delivered":
                took_ms = int(record.get("queue_ms", 0)) + int(record.get("duration_ms", 0))
                domain.took[round(log(max(took_ms, 1) / 1000) / log(_PRECISION))] += number
        if outcome != "delivered":
            about = str(record.get("class", ""))
            failure = (str(record.get("lane")), outcome, about, _reply(record))
            _count(self._failures, failure, (OTHERS, outcome, "", ""), number)

    def _ended(self, record: Told) -> None:
        for name in domains_of(record):
            self._domain(name).outcomes["expired"] += 1

    def _domain(self, name: str) -> _Domain:
        if name not in self._domains and len(self._domains) >= MOST:
            name = OTHERS
        return self._domains.setdefault(name, _Domain())

    def _decided(self, event: str, record: Told) -> None:
        if len(self._decisions) >= _MOST_DECISIONS or (record.get("deliveries") and "job" in record):
            return
        words = [str(record.get("time", ""))[11:19], event]
        words += [str(record[name]) for name in ("selector", "terms", "problem") if name in record]
        words += [f"by {record['by']}"] if "by" in record else []
        words += [f"{record['count']} deliveries"] if record.get("count") else []
        words += [f"({record['reason']})"] if "reason" in record else []
        self._decisions.append(" ".join(words))


def _count(table: Counter[K], key: K, others: K, number: int = 1) -> None:
    table[key if key in table or len(table) < MOST else others] += number


def _reply(record: Told) -> str:
    return str(record.get("smtp_response", ""))[:120]


def _failure(key: tuple[str, str, str, str], count: int) -> ReplyLine:
    lane, outcome, about, reply = key
    return ReplyLine(count=count, lane=lane, outcome=outcome, about=about, smtp_response=reply)


def _volume(line: DomainLine) -> int:
    return line.delivered + line.deferred + line.bounced + line.expired


def _is_slow(line: DomainLine) -> bool:
    return line.p95_s is not None and line.p95_s >= 1
