"""Every fault of a next hop on the way into TLS, where that is a condition and where it is none, in virtual time.

The way has three steps: the answer to STARTTLS, the handshake, and the first answer inside TLS.
"""

from typing import Final

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import DeliverySettings, TlsSettings
from empath.mail import DeliveryAttempted
from empath.mail.outcome import Delivered
from empath.policy.encryption.tls import TlsPolicy
from empath.sim.remote import Rule
from empath.smtp import Extensions
from tests.delivery.shown import server_side
from tests.delivery.stage import Stage, stage
from tests.delivery.test_hostile_hosts import FAULTS, Cell
from tests.delivery.test_hostile_smart_host import COLUMNS, column

OFFERS: Final = Extensions.of("PIPELINING", "8BITMIME")
STEPS: Final = ("starttls", "handshake", "ehlo")


async def play(place: Stage, step: str) -> list[Cell]:
    """A message for a host of each fault, and the time to try once more."""
    moment, spares = COLUMNS[step]
    hosts = {}
    for number, (fault, reaction) in enumerate(FAULTS.items()):
        domain = f"h{number}.example"
        rule = Rule(phase=moment, reaction=reaction, times=1, spares=spares)
        server = await place.server(domain, rule, offers=OFFERS)
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


@pytest.mark.parametrize("step", ["starttls", "handshake"])
async def test_where_tls_is_no_condition_mail_goes_on_in_clear_at_the_first_attempt(
    autojump_clock: MockClock, step: str
) -> None:
    async with stage(settings(TlsPolicy.OPPORTUNISTIC)) as place:
        cells = await play(place, step)
    assert {cell.fault: cell.word for cell in cells} == dict.fromkeys(FAULTS, "done")
    assert [one.encrypted for cell in cells for one in cell.server.taken] == [False] * len(FAULTS)
    # A refusal leaves a session in which all else can be said; anything else is the end of the connection.
    assert [cell.fault for cell in cells if cell.server.connections == 1] == (
        ["4yz", "5yz"] if step == "starttls" else []
    )


async def test_a_connection_that_breaks_before_a_word_is_said_inside_tls_counts_as_broken_tls(
    autojump_clock: MockClock,
) -> None:
    async with stage(settings(TlsPolicy.OPPORTUNISTIC)) as place:
        cells = await play(place, "ehlo")
    # Whatever is said inside TLS is judged like any answer to EHLO, and no reason to do without.
    broken = [cell for cell in cells if not cell.server.taken[0].encrypted]
    assert [cell.fault for cell in broken] == ["close", "reset", "half a reply"]
    assert [(cell.word, cell.server.connections) for cell in broken] == [("done", 2)] * 3
    assert [len(cell.server.taken) for cell in cells] == [1] * len(FAULTS)


@pytest.mark.parametrize("step", STEPS)
async def test_where_it_is_one_nothing_of_the_envelope_is_said(autojump_clock: MockClock, step: str) -> None:
    async with stage(settings(TlsPolicy.REQUIRED)) as place:
        cells = await play(place, step)
    # Without a login HELO will do (RFC 5321 3.2), and 250 alone is an answer to it.
    told = column(step) | ({"5yz": "done", "only 250": "timeout"} if step == "ehlo" else {})
    assert {cell.fault: cell.word for cell in cells} == told
    for cell in cells:
        assert [type(one) for one in cell.outcomes[-1:]] == [Delivered], cell.fault
        assert [one.encrypted for one in cell.server.taken] == [True], cell.fault
        assert cell.server.overheard == [], cell.fault
