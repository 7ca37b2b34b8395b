"""Once a day: which domains want to hear of it, and a report for each of them."""

from __future__ import annotations

import logging

import trio
from attrs import define, field

from empath.delivery.telling.courier import Courier
from empath.delivery.telling.day_book import DayBook
from empath.delivery.telling.outbox import DueReport, Outbox
from empath.mail.tls_report import pack
from empath.policy.tlsrpt.record import places
from empath.policy.tlsrpt.report import DAY_S, TlsReport
from empath.policy.tlsrpt.tally import DomainTally
from empath.world.errors import DiskError, DnsError, DnsTemporary
from empath.world.ports import Clock, Entropy, Resolver

_LOG = logging.getLogger(__name__)


@define(eq=False, kw_only=True)
class Daily:
    """See the module."""

    book: DayBook
    outbox: Outbox
    courier: Courier
    resolver: Resolver
    clock: Clock
    entropy: Entropy
    contact: str
    organization: str
    save_interval_s: float
    """How much of the count a crash may cost; and how often it is looked for something to do."""
    max_delay_s: float
    """How long after the end of the day a report is sent, at most (RFC 8460 4.1)."""
    retry_s: float
    """How long after a question to DNS without an answer it is asked again."""
    _again_at: dict[int, float] = field(init=False, factory=dict)
    """By day, for days that are over and have domains of which nobody knows; in Trio's time."""

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Work until cancelled. Starts when that of an earlier life is known."""
        await self.book.load()
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._save)
            nursery.start_soon(self._tell)

    async def _save(self) -> None:
        while True:
            await trio.sleep(self.save_interval_s)
            await self.book.save()

    async def _tell(self) -> None:
        while True:
            try:
                for day in self.book.over:
                    if trio.current_time() >= self._again_at.get(day, 0):
                        await self._close(day)
                await self.courier.send()
            except DiskError as problem:
                _LOG.warning("reports on TLS wait: %s", problem)
            await trio.sleep(self.save_interval_s)

    async def _close(self, day: int) -> None:
        """Put the reports on a day into the outbox. What was decided is decided before anything is sent."""
        undecided = []
        for tally in self.book.domains(day):
            try:
                uris = await self._places(tally.domain)
            except DnsTemporary:
                undecided.append(tally.domain)
            else:
                await self._put(day, tally, uris)
        if self.clock.now() > (day + 2) * DAY_S:
            undecided.clear()  # a day is enough (RFC 8460 5.5)
        self._again_at.pop(day, None)
        if undecided:
            self._again_at[day] = trio.current_time() + self.retry_s
        await self.book.close(day, tuple(undecided))

    async def _places(self, domain: str) -> tuple[str, ...]:
        """Where a domain wants to hear of it. Raises DnsTemporary."""
        try:
            return places((await self.resolver.txt(f"_smtp._tls.{domain}")).records)
        except DnsTemporary:
            raise
        except DnsError:
            return ()

    async def _put(self, day: int, tally: DomainTally, uris: tuple[str, ...]) -> None:
        if not uris:
            return
        report = TlsReport(organization=self.organization, contact=self.contact, day=day, tally=tally)
        packed = pack(report.as_json())
        for uri in uris:
            due = DueReport(
                uri=uri,
                about=tally.domain,
                identifier=report.identifier,
                begins=report.begins,
                ends=report.ends,
                not_before=report.ends + 1 + self.entropy.rng.random() * self.max_delay_s,
                packed=packed,
            )
            await self.outbox.put(due)
