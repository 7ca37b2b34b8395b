"""Reports to senders: which are wanted, and how one is made into a message for the spool.

A report is recorded in the transaction that records what it is about, so there is never one without the other. Many
reports to one sender leave one after the other at a bounded rate: a message to a thousand bad addresses, or a stream of
them under a forged sender, must not become a flood. None is dropped; the later ones wait in the spool.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import aclosing
from math import inf

import trio
from attrs import field, frozen

from empath.config.schema import DsnSettings, SuccessReports
from empath.delivery.lanes.job import Job
from empath.mail.dsn import report, returned
from empath.mail.envelope import Envelope, Recipient
from empath.mail.facts import ReportMade
from empath.mail.ids import NUMBER_BITS, DeliveryId, MessageId
from empath.mail.notice import Action, Notice, traced, wanted, wants_time
from empath.mail.outcome import Delivered
from empath.mail.record import encode_envelope
from empath.policy.quota import Quota
from empath.smtp import ByMode
from empath.spool.contract import Acceptance, Body, BodyFile, Spool, SpoolError
from empath.world.ports import Entropy

_LOG = logging.getLogger(__name__)


@frozen(kw_only=True)
class Reporting:
    """Makes reports."""

    spool: Spool
    entropy: Entropy
    hostname: str
    settings: DsnSettings
    _quota: Quota = field(init=False)

    @_quota.default
    def _new_quota(self) -> Quota:
        rate = self.settings.rate_limit
        return Quota(rate.per_second, rate.at_once, self.settings.max_tracked_senders)

    def wants(self, action: Action, envelope: Envelope, recipient: Recipient) -> bool:
        """Whether the sender is told of this: by its own wish (RFC 3461), and by configuration."""
        match action:
            case Action.FAILED:
                return self.settings.bounce and wanted(action, envelope, recipient)
            case Action.DELAYED:
                return self.warns_at(envelope, recipient) < inf
            case Action.RELAYED:
                return self.settings.success is SuccessReports.ON_REQUEST and wanted(action, envelope, recipient)

    def tells_of_relaying(self, envelope: Envelope, recipient: Recipient, outcome: Delivered) -> bool:
        """Whether the sender is told that a host has the message."""
        if not outcome.reports and self.wants(Action.RELAYED, envelope, recipient):
            return True
        return self.settings.success is SuccessReports.ON_REQUEST and traced(envelope, recipient, outcome)

    def warns_at(self, envelope: Envelope, recipient: Recipient) -> float:
        """When the sender is told that it takes longer for this recipient; never: inf.

        That is after the time of the configuration, or when the time is over that the sender itself has given with BY
        in the mode N (RFC 2852 4.1), whether or not NOTIFY has DELAY.
        """
        usual = self._usual_moment(envelope) if wanted(Action.DELAYED, envelope, recipient) else inf
        return min(usual, _time_given(envelope)) if wants_time(envelope, recipient) else usual

    def warning_moment(self, envelope: Envelope) -> float:
        """Before this moment no sender is told that it takes longer, whatever it wants; never: inf."""
        return min(self._usual_moment(envelope), _time_given(envelope))

    def is_time_over(self, envelope: Envelope, now: float) -> bool:
        """Whether the time is over that the sender gave in the mode N."""
        return now >= _time_given(envelope)

    def _usual_moment(self, envelope: Envelope) -> float:
        after_s = self.settings.delay_warning_after_s
        return envelope.release + after_s if after_s else inf

    async def make(
        self, job: Job, notices: Mapping[int, Notice], *, now: float, latest: float
    ) -> tuple[Acceptance, ReportMade] | None:
        """The report with these notices, by ordinal, and the fact of it. None: there is nothing to tell.

        ``latest``: the moment before which its first attempt must be planned.
        """
        envelope, sender = job.envelope, job.envelope.reverse_path
        if not notices or sender is None:
            return None
        mid = MessageId.make(now, self.entropy.rng.getrandbits(NUMBER_BITS))
        body, limit_bytes = job.claim.body, self.settings.max_returned_bytes
        size_bytes = body.size_bytes if isinstance(body, BodyFile) else len(body)
        actions = {notice.action for notice in notices.values()}
        made = report(
            [*notices.values()],
            envelope=envelope,
            original=job.claim.mid,
            content=await self._original(body, limit_bytes),
            ret=returned(envelope, size_bytes, actions, limit_bytes=limit_bytes),
            message=mid,
            hostname=self.hostname,
            now=now,
        )
        acceptance = Acceptance(
            mid=mid,
            received=now,
            envelope=encode_envelope(made.envelope),
            body=made.content,
            domains=(sender.domain.ascii if sender.domain else self.hostname,),
            recipients=(str(sender),),
            next_attempt=min(now + self._wait_s(str(sender)), latest),
        )
        about = tuple((DeliveryId(job.claim.mid, ordinal), notice.action) for ordinal, notice in notices.items())
        return acceptance, ReportMade(at=now, report=mid, sender=sender, about=about)

    def _wait_s(self, sender: str) -> float:
        now = trio.current_time()
        return self._quota.reserve(sender, now) - now

    async def _original(self, body: Body, limit_bytes: int) -> bytes:
        """As much of the message as a report can need: all that is small, the beginning of what is not."""
        if not isinstance(body, BodyFile):
            return body
        content = b""
        try:
            async with aclosing(self.spool.read_body(body)) as blocks:
                async for block in blocks:
                    content += block
                    if body.size_bytes > limit_bytes or len(content) >= limit_bytes:
                        break
        except SpoolError as problem:
            _LOG.error("a report goes without the message that it is about: %s", problem)
            return b""
        return content


def _time_given(envelope: Envelope) -> float:
    """When the time is over that the sender gave with BY in the mode N; never: inf."""
    by = envelope.params.by
    return envelope.received + by.seconds if by is not None and by.mode is ByMode.NOTIFY else inf
