"""Every phase of a conversation in clear times every fault that a next hop can have there, in virtual time, all of it.

Each cell is a host of its own that commits its fault once. The tables say what becomes of the first attempt of a
message to it; whatever that is, nothing is lost, nothing is delivered twice without need, and no connection is used
again over which anything but proper replies has come. What comes with TLS and a login, and the check that nothing is
left out, is in ``test_hostile_smart_host``.
"""

from collections.abc import Mapping
from typing import Final

import pytest
import trio
from attrs import frozen
from trio.testing import MockClock

from empath.config.schema import DeliverySettings
from empath.mail import DeliveryAttempted, Kind, Phase
from empath.mail.outcome import Delivered, Outcome
from empath.sim.behaviour import Moment
from empath.sim.remote import Fault, Octets, Reaction, RemoteServer, Rule
from empath.smtp import Extensions, Reply, Verb
from tests.delivery.stage import Stage, stage

FAULTS: Final[Mapping[str, Reaction]] = {
    "4yz": Reply(451, "not now", "4.3.0"),
    "5yz": Reply(554, "no", "5.7.1"),
    "421": Reply(421, "going down", "4.3.2"),
    "close": Fault.CLOSE,
    "reset": Fault.RESET,
    "silence": Fault.STALL,
    "garbage": Octets(b"what?\r\n"),
    "no such code": Octets(b"999 what?\r\n"),
    "two codes": Octets(b"250-yes\r\n550 no\r\n"),
    "half a reply": Octets(b"250-yes\r\n", then=Fault.CLOSE),
    "NUL": Octets(b"250 \0\r\n"),
    "LF alone": Octets(b"250 yes\n250 yes\r\n"),
    "endless line": Octets(b"250 " + b"x" * 1000, endless=True),
    "endless reply": Octets(b"250-yes\r\n" * 100, endless=True),
    "only 354": Octets(b"354 go ahead\r\n"),
    "only 250": Octets(b"250 yes\r\n"),
}

# With "?" where the message may have been taken all the same (RFC 1047). 5yz to EHLO is followed by HELO (RFC 5321
# 3.2); 250 in place of 354 is no invitation; the reply to the dot alone decides, whatever comes of the connection then.
BY_DATA: Final = """
                greeting  hello     mail      rcpt      data      end
4yz             busy      busy      deferred  deferred  deferred  deferred
5yz             refused   done      rejected  rejected  rejected  rejected
421             busy      busy      busy      busy      busy      busy
close           lost      lost      lost      lost      lost      lost?
reset           lost      lost      lost      lost      lost      lost?
silence         timeout   timeout   timeout   timeout   timeout   timeout?
garbage         protocol  protocol  protocol  protocol  protocol  protocol?
no such code    protocol  protocol  protocol  protocol  protocol  protocol?
two codes       protocol  protocol  protocol  protocol  protocol  protocol?
half a reply    lost      lost      lost      lost      lost      lost?
NUL             protocol  protocol  protocol  protocol  protocol  protocol?
LF alone        protocol  protocol  protocol  protocol  protocol  protocol?
endless line    protocol  protocol  protocol  protocol  protocol  protocol?
endless reply   protocol  protocol  protocol  protocol  protocol  protocol?
only 354        protocol  protocol  protocol  protocol  timeout?  protocol?
only 250        timeout   timeout   timeout   timeout   protocol  done
"""

# Here the whole message is under way before the first reply comes.
IN_ONE_WRITE: Final = """
                greeting  hello     mail      rcpt      end
4yz             busy      busy      deferred  deferred  deferred
5yz             refused   done      rejected  rejected  rejected
421             busy      busy      busy      busy      busy
close           lost      lost      lost?     lost?     lost?
reset           lost      lost      lost?     lost?     lost?
silence         timeout   timeout   timeout?  timeout?  timeout?
garbage         protocol  protocol  protocol? protocol? protocol?
no such code    protocol  protocol  protocol? protocol? protocol?
two codes       protocol  protocol  protocol? protocol? protocol?
half a reply    lost      lost      lost?     lost?     lost?
NUL             protocol  protocol  protocol? protocol? protocol?
LF alone        protocol  protocol  protocol? protocol? protocol?
endless line    protocol  protocol  protocol? protocol? protocol?
endless reply   protocol  protocol  protocol? protocol? protocol?
only 354        protocol  protocol  protocol? protocol? protocol?
only 250        timeout   timeout   timeout?  timeout?  done
"""

# As by DATA, but that the chunk follows the reply to RCPT at once.
BY_CHUNKS: Final = """
                greeting  hello     mail      rcpt      end
4yz             busy      busy      deferred  deferred  deferred
5yz             refused   done      rejected  rejected  rejected
421             busy      busy      busy      busy      busy
close           lost      lost      lost      lost      lost?
reset           lost      lost      lost      lost      lost?
silence         timeout   timeout   timeout   timeout   timeout?
garbage         protocol  protocol  protocol  protocol  protocol?
no such code    protocol  protocol  protocol  protocol  protocol?
two codes       protocol  protocol  protocol  protocol  protocol?
half a reply    lost      lost      lost      lost      lost?
NUL             protocol  protocol  protocol  protocol  protocol?
LF alone        protocol  protocol  protocol  protocol  protocol?
endless line    protocol  protocol  protocol  protocol  protocol?
endless reply   protocol  protocol  protocol  protocol  protocol?
only 354        protocol  protocol  protocol  protocol  protocol?
only 250        timeout   timeout   timeout   timeout?  done
"""

MATRIX: Final = {
    "pipelined": (("PIPELINING", "8BITMIME"), BY_DATA),
    "in turn": (("8BITMIME",), BY_DATA),
    "in one write": (("PIPELINING", "CHUNKING", "8BITMIME"), IN_ONE_WRITE),
    "chunks in turn": (("CHUNKING", "8BITMIME"), BY_CHUNKS),
}
WORDS: Final = {
    Kind.BUSY: "busy",
    Kind.HOST_REFUSED: "refused",
    Kind.CONNECTION_LOST: "lost",
    Kind.TIMEOUT: "timeout",
    Kind.PROTOCOL: "protocol",
    Kind.MESSAGE_DEFERRED: "deferred",
    Kind.RECIPIENT_DEFERRED: "deferred",
    Kind.MESSAGE_REJECTED: "rejected",
    Kind.RECIPIENT_REJECTED: "rejected",
    Kind.TLS_UNAVAILABLE: "no-tls",
    Kind.TLS_FAILED: "bad-tls",
    Kind.LOGIN_REFUSED: "no-login",
}


@frozen
class Cell:
    """One host, and what became of the message for it."""

    fault: str
    phase: Moment
    server: RemoteServer
    outcomes: tuple[Outcome, ...]

    @property
    def word(self) -> str:
        """What the first attempt came to."""
        first = self.outcomes[0]
        if isinstance(first, Delivered):
            return "done"
        return WORDS[first.diagnosis.kind] + "?" * first.diagnosis.uncertain


async def play(place: Stage, offers: Extensions, phases: tuple[Phase, ...]) -> list[Cell]:
    """A message for a host of each fault in each phase, until all is over."""
    hosts: dict[str, tuple[str, Phase, RemoteServer]] = {}
    for fault, reaction in FAULTS.items():
        for phase in phases:
            domain = f"h{len(hosts)}.example"
            rule = Rule(phase=phase, reaction=reaction, times=1)
            hosts[domain] = fault, phase, await place.server(domain, rule, offers=offers)
            await place.put(f"b@{domain}", sender=None)
    await trio.sleep(7200)
    said = place.said(DeliveryAttempted)
    return [Cell(*host, tuple([one.outcome for one in said if one.site == domain])) for domain, host in hosts.items()]


@pytest.mark.parametrize("conversation", MATRIX)
async def test_every_fault_in_every_phase_comes_to_what_the_table_says(
    autojump_clock: MockClock, conversation: str
) -> None:
    offers, table = MATRIX[conversation]
    header, *rows = table.strip("\n").splitlines()
    phases = tuple(Phase(word) for word in header.split())
    async with stage(DeliverySettings(retry_jitter_factor=0)) as place:
        cells = await play(place, Extensions.of(*offers), phases)
    found = {fault: [cell.word for cell in cells if cell.fault == fault] for fault in FAULTS}
    assert found == {row[:16].strip(): row[16:].split() for row in rows}
    for cell in cells:
        told = f"{cell.fault} at {cell.phase}"
        rejected, uncertain = cell.word == "rejected", cell.word.endswith("?")
        # What was not refused for good was delivered in the end; a second time only if nobody could know of the first.
        assert rejected or isinstance(cell.outcomes[-1], Delivered), told
        assert len(cell.server.taken) in ((0,) if rejected else (1, 2) if uncertain else (1,)), told
        # A refusal is a proper reply, and the same connection serves the next attempt; after anything else it does not.
        assert len(cell.outcomes) == (1 if cell.word in ("done", "rejected") else 2), told
        assert cell.server.connections == (1 if cell.word in ("done", "rejected", "deferred") else 2), told


@pytest.mark.parametrize("fault", FAULTS)
async def test_nothing_that_follows_the_reply_to_the_message_changes_it(autojump_clock: MockClock, fault: str) -> None:
    async with stage(DeliverySettings(max_messages_per_connection=1)) as place:
        server = await place.server("example.org", Rule(phase=Verb.QUIT, reaction=FAULTS[fault]))
        await place.put("b@example.org")
        await place.put("c@example.org")
        await trio.sleep(3600)
        assert place.outcomes() == ["Delivered", "Delivered"]
        assert (len(server.taken), server.connections) == (2, 2)


async def test_a_reply_too_many_is_never_taken_for_the_next_one(autojump_clock: MockClock) -> None:
    async with stage() as place:
        twice = Octets(b"250 taken\r\n250 taken\r\n", then=None)
        server = await place.server("example.org", Rule(phase=Phase.END, reaction=twice, times=1))
        for _ in range(2):
            await place.put("b@example.org")
            await trio.sleep(1)
        assert place.outcomes() == ["Delivered", "Delivered"]
        assert server.connections == 2
