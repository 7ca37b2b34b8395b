"""Ending deliveries because an operator wants it, with the reports that their senders are owed."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from empath.delivery.lanes.job import Job
from empath.delivery.recording.closing import Closing
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.failure import DamagedRecord
from empath.mail.outcome import Bounced
from empath.mail.record import decode_envelope
from empath.spool.contract import Changed, Claim, Damage, Selector

_PORTION: Final = 500
_LEASE_S: Final = 60.0
"""When they wait again, should nobody live to end them."""


@frozen
class Dismissal:
    """Ends what rests in the spool: what is held, or waits and is in no lane's memory."""

    _closing: Closing

    async def bounce(self, selector: Selector, *, why: str) -> Changed:
        """End the deliveries that a selector chooses, as failed for good, and report that to their senders.

        Each message is ended with its report in one transaction. What is in progress is passed over. A SpoolError: what
        was not ended yet stays as it was, or waits again in a minute.
        """
        closing = self._closing
        done = 0
        chosen = await closing.spool.count(selector, now=closing.clock.now())
        while True:
            now = closing.clock.now()
            claimed = await closing.spool.claim_chosen(selector, now=now, until=now + _LEASE_S, room=_PORTION)
            if not claimed.claims:
                return Changed(done=done, skipped=chosen - done)
            for claim in claimed.claims:
                done += await self._end(claim, why)

    async def _end(self, claim: Claim, why: str) -> int:
        closing, deliveries = self._closing, claim.deliveries
        try:
            envelope = claim.read or decode_envelope(claim.envelope)
        except DamagedRecord as problem:
            damage = Damage(mid=str(claim.mid), reason=f"its envelope cannot be read: {problem}")
            await closing.quarantine(damage, deliveries)
            return 0
        text = f"it was returned by an operator: {why}" if why else "it was returned by an operator"
        outcome = Bounced(Diagnosis(kind=Kind.MESSAGE_REJECTED, phase=Phase.ROUTE, text=text))
        # One job whatever the domains: there is nothing to be sent, and one report tells it all.
        job = Job(claim=claim, envelope=envelope, site=deliveries[0].domain, deliveries=deliveries, mixed=True)
        await closing.record(job, dict.fromkeys(job.ordinals, outcome))
        return len(deliveries)
