"""Every fault of a next hop on the way into TLS, where that is a condition and where it is none, in virtual time.

The way has three steps: the answer to STARTTLS, the handshake, and the first answer inside TLS.
"""

from typing import Final

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import DeliverySettings, TlsSettings
from empath.mail import DeliveryAttempted
from empath.mail.outcome import Deferred
from empath.policy.encryption.tls import TlsPolicy
from empath.sim.remote import Rule
from empath.smtp import Extensions
from tests.delivery.shown import server_side
from tests.delivery.stage import Stage, stage
from tests.delivery.test_hostile_hosts import FAULTS, Cell
from tests.delivery.test_hostile_smart_host import COLUMNS, column

OFFERS: Final = Extensions.of("PIPELINING", "8BITMIME")
STEPS: Final = ("starttls", "handshake", "ehlo")
TIMES: Final = {"no-tls": "tls_unavailable", "bad-tls": "tls_failed", "lost": "connection_lost"}


async def play(place: Stage, step: str) -> list[Cell]:
    """A message for a host of each fault, and the time to try once more."""
    moment, spares = COLUMNS[step]
    hosts = {}
    for number, (fault, reaction) in enumerate(FAULTS.items()):
        domain = f"h{number}.example"
        server = await place.server(domain, Rule(phase=moment, reaction=reaction, spares=spares), offers=OFFERS)
        server.tls = server_side("unknown")
        hosts[domain] = fault, moment, server
        await place.put(f"b@{domain}", sender=None)
    await trio.sleep(1000)
    attempts = {
        domain: tuple([one.outcome for one in place.said(DeliveryAttempted) if one.site == domain]) for domain in hosts
    }
    return [Cell(*host, attempts[domain]) for domain, host in hosts.items()]


def settings(policy: TlsPolicy) -> DeliverySettings:
    return DeliverySettings(tls=TlsSettings(default_policy=policy))
@pytest.mark.parametrize("step", STEPS)
async def test_x(autojump_clock: MockClock, step: str) -> None:
    for policy in (TlsPolicy.OPPORTUNISTIC, TlsPolicy.REQUIRED):
        async with stage(settings(policy)) as place:
            for c in await play(place, step):
                print(policy, step, c.fault, c.word, len(c.outcomes), len(c.server.taken), c.server.connections, len(c.server.overheard), {t.encrypted for t in c.server.taken})
