"""Bringing reports from the outbox on their way: into the spool, or to a web server.

Into the spool a report goes once. It is marked first; a mark that is found later tells that the daemon ended between
mark and removal, and nobody knows on which side of the spool's own write. Then the report is dropped: these reports may
be missing now and then, and two of them would be counted twice.

A web server gets a report until it takes it (RFC 8460 5.5), for a day. It may get one twice, and can tell by its name.
"""

from __future__ import annotations

import logging
from typing import Final

import trio
from attrs import define, evolve, field

from empath.delivery.telling.outbox import DueReport, Outbox
from empath.mail.ids import NUMBER_BITS, MessageId
from empath.mail.record import encode_envelope
from empath.mail.tls_report import MEDIA_TYPE, TlsReportMail
from empath.policy.tlsrpt.record import mail_address
from empath.policy.tlsrpt.report import DAY_S
from empath.smtp import Address
from empath.spool.contract import Acceptance, Spool, SpoolError
from empath.world.errors import FetchFailed
from empath.world.ports import Clock, Entropy, Fetch, FetchLimits

_LOG = logging.getLogger(__name__)

_SUCCESS: Final = range(200, 300)


@define(eq=False, kw_only=True)
class Courier:
    """See the module."""

    outbox: Outbox
    spool: Spool
    fetch: Fetch
    clock: Clock
    entropy: Entropy
    contact: Address
    """Who stands in From:; whose domain reports."""
    submitter: str
    hostname: str
    limits: FetchLimits
    retry_s: float
    """How long after a web server that failed it is asked again."""
    _again_at: dict[str, float] = field(init=False, factory=dict)
    """By the name of a report; in Trio's time. Bounded by what there is in the outbox."""

    async def send(self) -> None:
        """Send all that is due. Raises DiskError."""
        names = await self.outbox.names()
        self._again_at = {name: moment for name, moment in self._again_at.items() if name in names}
        for name in names:
            if trio.current_time() < self._again_at.get(name, 0):
                continue
            report = await self.outbox.get(name)
            if report is not None and self.clock.now() >= report.not_before:
                await self._send(report)

    async def _send(self, report: DueReport) -> None:
        if report.in_hand:
            _LOG.warning("the report on TLS %s may have been sent before, and is dropped", report.identifier)
            await self.outbox.remove(report)
            return
        address = mail_address(report.uri)
        sent = await (self._post(report) if address is None else self._accept(report, address))
        if sent:
            _LOG.info("the report on TLS %s goes to %s", report.identifier, report.uri)
        elif self.clock.now() > report.not_before + DAY_S:
            _LOG.warning("the report on TLS %s is given up", report.identifier)
        else:
            self._again_at[report.name] = trio.current_time() + self.retry_s
            return
        await self.outbox.remove(report)

    async def _accept(self, report: DueReport, address: Address) -> bool:
        await self.outbox.put(evolve(report, in_hand=True))
        try:
            await self.spool.accept(self._message(report, address))
        except SpoolError as problem:
            _LOG.warning("the report on TLS %s cannot be sent now: %s", report.identifier, problem)
            await self.outbox.put(report)
            return False
        return True

    def _message(self, report: DueReport, address: Address) -> Acceptance:
        now = self.clock.now()
        mail = TlsReportMail(
            about=report.about,
            submitter=self.submitter,
            sender=self.contact,
            identifier=report.identifier,
            begins=report.begins,
            ends=report.ends,
            packed=report.packed,
        )
        mid = MessageId.make(now, self.entropy.rng.getrandbits(NUMBER_BITS))
        content = mail.content(address, message=mid, hostname=self.hostname, now=now)
        return Acceptance(
            mid=mid,
            received=now,
            envelope=encode_envelope(mail.envelope(address, size_bytes=len(content), now=now)),
            body=content,
            domains=(address.domain.ascii if address.domain else self.hostname,),
            next_attempt=now,
        )

    async def _post(self, report: DueReport) -> bool:
        """RFC 8460 5.4."""
        try:
            answer = await self.fetch.post(report.uri, report.packed, self.limits, headers={"content-type": MEDIA_TYPE})
        except FetchFailed as problem:
            _LOG.warning("the report on TLS %s cannot be sent now: %s", report.identifier, problem)
            return False
        if answer.status not in _SUCCESS:
            _LOG.warning("the report on TLS %s was answered with %d", report.identifier, answer.status)
            return False
        return True
