"""Every moment at which a next hop speaks times every fault it can have there: in clear, inside TLS, at the login.

A smart host that asks for a login has the longest conversation of all. It has one fault, once, and behaves well again.
The table says what the attempt comes to; the message is delivered afterwards, unless it was refused for good; and
nothing of its envelope is heard in clear, whatever becomes of TLS.
"""

from pathlib import Path, PurePath
from typing import Final

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import DeliverySettings, HostPort, SmartHostAuthSettings, TlsSettings
from empath.mail import DeliveryAttempted, Phase
from empath.mail.outcome import Delivered
from empath.sim import SimulatedWorld
from empath.sim.behaviour import Moment
from empath.sim.remote import Fault, Octets, RemoteServer, Rule
from empath.smtp import Domain, Extensions, Reply, Verb
from tests.delivery.shown import HOST, ca_file, server_side
from tests.delivery.stage import Stage, stage
from tests.delivery.test_hostile_hosts import FAULTS, MATRIX, Cell

OFFERS: Final = Extensions.of("PIPELINING", "8BITMIME", "AUTH PLAIN")
SECRET: Final = PurePath("/secret")

# As in ``test_hostile_hosts``. "ehlo" is the one inside TLS; what comes in place of a handshake is no TLS, whatever it
# would mean as a reply. Where EHLO is refused HELO follows, and no host offers TLS or AUTH to that (RFC 5321 3.2); and
# a host that says no more than 250 to it has offered nothing either.
TABLE: Final = """
                greeting  hello     starttls  handshake ehlo      login     mail      rcpt      data      end
4yz             busy      busy      no-tls    bad-tls   busy      busy      deferred  deferred  deferred  deferred
5yz             refused   no-tls    no-tls    bad-tls   no-login  no-login  rejected  rejected  rejected  rejected
421             busy      busy      no-tls    bad-tls   busy      busy      busy      busy      busy      busy
close           lost      lost      lost      lost      lost      lost      lost      lost      lost      lost?
reset           lost      lost      lost      lost      lost      lost      lost      lost      lost      lost?
silence         timeout   timeout   timeout   timeout   timeout   timeout   timeout   timeout   timeout   timeout?
garbage         protocol  protocol  protocol  bad-tls   protocol  protocol  protocol  protocol  protocol  protocol?
no such code    protocol  protocol  protocol  bad-tls   protocol  protocol  protocol  protocol  protocol  protocol?
two codes       protocol  protocol  protocol  bad-tls   protocol  protocol  protocol  protocol  protocol  protocol?
half a reply    lost      lost      lost      bad-tls   lost      lost      lost      lost      lost      lost?
NUL             protocol  protocol  protocol  bad-tls   protocol  protocol  protocol  protocol  protocol  protocol?
LF alone        protocol  protocol  protocol  bad-tls   protocol  protocol  protocol  protocol  protocol  protocol?
endless line    protocol  protocol  protocol  bad-tls   protocol  protocol  protocol  protocol  protocol  protocol?
endless reply   protocol  protocol  protocol  bad-tls   protocol  protocol  protocol  protocol  protocol  protocol?
only 354        protocol  protocol  protocol  bad-tls   protocol  protocol  protocol  protocol  timeout?  protocol?
only 250        timeout   no-tls    timeout   bad-tls   no-login  timeout   timeout   timeout   protocol  done
"""

COLUMNS: Final[dict[str, tuple[Moment, int]]] = {
    "greeting": (Phase.GREETING, 0),
    "hello": (Phase.HELLO, 0),
    "starttls": (Phase.STARTTLS, 0),
    "handshake": (Verb.HANDSHAKE, 0),
    "ehlo": (Phase.HELLO, 1),
    "login": (Phase.LOGIN, 0),
    "mail": (Phase.MAIL, 0),
    "rcpt": (Phase.RCPT, 0),
    "data": (Phase.DATA, 0),
    "end": (Phase.END, 0),
}
"""When the host is to speak, and how often it has said the same thing well before."""


def column(name: str) -> dict[str, str]:
    """What the table says, by fault."""
    header, *rows = TABLE.strip("\n").splitlines()
    at = header.split().index(name)
    return {row[:16].strip(): row[16:].split()[at] for row in rows}


def test_the_table_has_every_moment_at_which_a_host_speaks() -> None:
    silent = {Phase.ROUTE, Phase.CONNECT}  # there is nobody yet who could say something
    assert {moment for moment, _ in COLUMNS.values()} == {*Phase, Verb.HANDSHAKE} - silent
    assert TABLE.split("\n")[1].split() == [*COLUMNS]
    in_clear = silent | {Phase.STARTTLS, Phase.LOGIN}
    for offers, table in MATRIX.values():
        told = {Phase(word) for word in table.split("\n")[1].split()}
        assert told == {*Phase} - in_clear - ({Phase.DATA} if "CHUNKING" in offers else set())  # BDAT has no 354


def test_every_table_has_every_fault_that_the_simulated_hosts_know() -> None:
    reactions = [*FAULTS.values()]
    assert set(Fault) <= {one for one in reactions if isinstance(one, Fault)}
    assert {one.kind for one in reactions if isinstance(one, Reply)} >= {Reply(code).kind for code in (421, 450, 550)}
    octets = [one for one in reactions if isinstance(one, Octets)]
    assert {one.endless for one in octets} == {False, True}
    for table in (TABLE, *(table for _, table in MATRIX.values())):
        header, *rows = table.strip("\n").splitlines()
        assert [row[:16].strip() for row in rows] == [*FAULTS]
        assert {len(row[16:].split()) for row in rows} == {len(header.split())}


async def play(place: Stage, server: RemoteServer, name: str) -> dict[str, Cell]:
    """A message for each fault, one after the other."""
    moment, spares = COLUMNS[name]
    cells = {}
    for fault, reaction in FAULTS.items():
        told, taken, connections = len(place.facts), len(server.taken), server.connections
        server.rules[:] = [Rule(phase=moment, reaction=reaction, times=1, spares=spares)]
        await place.put("b@elsewhere.example", sender=None)
        await trio.sleep(7200)
        facts = [fact for fact in place.facts[told:] if isinstance(fact, DeliveryAttempted)]
        cell = cells[fault] = Cell(fault, moment, server, tuple([fact.outcome for fact in facts]))
        assert len(server.taken) - taken in _taken(cell.word), fault
        assert server.connections - connections == (1 if cell.word in ("done", "rejected", "deferred") else 2), fault
    return cells


def _assert_phases(cells: dict[str, Cell]) -> None:
    """The failure says at which step it was, though several commands may have been sent at once."""
    for fault, cell in cells.items():
        first = cell.outcomes[0]
        if fault.startswith("only") or cell.word in ("no-tls", "no-login") or isinstance(first, Delivered):
            continue  # the host has said yes, in its way, and the trouble comes later
        if fault == "reset" and cell.phase in (Phase.RCPT, Phase.DATA):
            continue  # earlier answers were still under way, and are lost with all the rest
        # A connection that breaks at the first word inside TLS counts as a handshake that fails.
        in_tls = cell.phase is Verb.HANDSHAKE or (cell.phase is Phase.HELLO and first.diagnosis.phase is Phase.STARTTLS)
        assert first.diagnosis.phase is (Phase.STARTTLS if in_tls else cell.phase), fault


def _taken(word: str) -> tuple[int, ...]:
    """How often a message may be taken, of which the first attempt came to this."""
    return (0,) if word == "rejected" else (1, 2) if word.endswith("?") else (1,)


@pytest.mark.parametrize("name", COLUMNS)
async def test_every_fault_at_every_moment_comes_to_what_the_table_says(
    autojump_clock: MockClock, tmp_path: Path, name: str
) -> None:
    world = SimulatedWorld(1)
    await world.world.disk.write(SECRET, [b"pa ss"])
    settings = DeliverySettings(
        retry_jitter_factor=0,
        smart_host=HostPort(Domain.parse(HOST)),
        smart_host_auth=SmartHostAuthSettings(user="ann", password_file=Path(SECRET)),
        tls=TlsSettings(ca_file=ca_file(tmp_path)),
    )
    async with stage(settings, world=world) as place:
        server = await place.server(HOST.removeprefix("mx."), offers=OFFERS)
        server.tls = server_side("good")
        cells = await play(place, server, name)
    assert {fault: cell.word for fault, cell in cells.items()} == column(name)
    assert server.overheard == []
    _assert_phases(cells)
    for fault, cell in cells.items():
        assert cell.word == "rejected" or isinstance(cell.outcomes[-1], Delivered), fault
        assert len(cell.outcomes) == (1 if cell.word in ("done", "rejected") else 2), fault
    assert all(one.encrypted for one in server.taken)
