"""The client of the commands, against servers that do what servers do."""

import os
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio
import trio.testing
import trustme
from attrs import define, field

from empath.cli.complaint import Code, Complaint
from empath.cli.dialogue import FINAL_REPLY_S, REPLY_S
from empath.cli.server import Server
from empath.cli.submit import Receipt, Submission, submit
from empath.sim.network import Conditions, Reach, VirtualNetwork
from empath.smtp import Address
from empath.world import Network, TcpEndpoint
from empath.world.handshake import accept_tls
from empath.world.tls import server_context

ANN, BOB, JOERG = map(Address.parse, ("ann@example.org", "bob@example.com", "jörg@example.org"))
CONTENT = b"Subject: Hello\r\n\r\n.Hello.\r\n"
SERVER = Server("192.0.2.25", 25)

HELLO = ("EHLO", b"250 mx.example.org\r\n")
ENVELOPE = ("MAIL", b"250 2.1.0 fine\r\n"), ("RCPT", b"250 2.1.5 fine\r\n"), ("DATA", b"354 go ahead\r\n")
TAKEN = (".\r\n", b"250 2.0.0 6911c5b5-2a queued\r\n")
BYE = ("QUIT", b"221 bye\r\n")
TLS = ("", b"TLS")
"""The step at which the server expects a handshake."""

Step = tuple[str, bytes]


@define
class Script:
    """A server that reads up to a line which begins as expected, answers, and goes on; at the end it hangs up."""

    steps: Sequence[Step]
    context: ssl.SSLContext | None = None
    heard: bytearray = field(init=False, factory=bytearray)

    async def play(self, stream: trio.abc.Stream) -> None:
        """Serve one connection."""
        try:
            for expected, answer in self.steps:
                if answer == b"TLS":
                    assert self.context is not None
                    stream = await accept_tls(stream, self.context)
                elif await self._hear(stream, expected):
                    await stream.send_all(answer)
        finally:
            await trio.aclose_forcefully(stream)

    async def _hear(self, stream: trio.abc.Stream, expected: str) -> bool:
        """Read lines up to one that begins like this; tell whether it came."""
        line = b""
        while expected and not (line.startswith(expected.encode()) and line.endswith(b"\r\n")):
            line = b"" if line.endswith(b"\n") else line
            octet = await stream.receive_some(1)
            if not octet:
                return False
            line += octet
            self.heard += octet
        return True


@asynccontextmanager
async def served(script: Script) -> AsyncIterator[Network]:
    internet = VirtualNetwork()
    host = internet.host("192.0.2.25")
    async with await host.listen(TcpEndpoint("192.0.2.25", 25)) as listener, trio.open_nursery() as nursery:

        async def accept_one() -> None:
            await script.play(await listener.accept())

        nursery.start_soon(accept_one)
        yield internet.host("192.0.2.1")
        nursery.cancel_scope.cancel()


async def send(script: Script, *, server: Server = SERVER, sender: Address = BOB, content: bytes = CONTENT) -> Receipt:
    async with served(script) as network:
        submission = Submission(sender=sender, recipients=(ANN,), content=content)
        try:
            return await submit(network, server, submission, hello="host.example")
        except Complaint as complaint:
            refusal = complaint
    raise refusal


async def complaint_of(script: Script, *, sender: Address = BOB) -> Complaint:
    with pytest.raises(Complaint) as caught:
        await send(script, sender=sender)
    return caught.value


GREETING = ("", b"220 mx.example.org\r\n")


async def test_a_server_without_extensions_is_spoken_to_line_by_line() -> None:
    script = Script([GREETING, HELLO, *ENVELOPE, TAKEN, BYE])
    receipt = await send(script)
    assert (receipt.mid, str(receipt.reply)) == ("6911c5b5-2a", "250 2.0.0 6911c5b5-2a queued")
    assert bytes(script.heard) == (
        b"EHLO host.example\r\nMAIL FROM:<bob@example.com>\r\nRCPT TO:<ann@example.org>\r\nDATA\r\n"
        b"Subject: Hello\r\n\r\n..Hello.\r\n.\r\nQUIT\r\n"
    )


async def test_the_size_is_declared_where_the_server_wants_it() -> None:
    extensions = ("EHLO", b"250-mx.example.org\r\n250 SIZE 1000\r\n")
    script = Script([GREETING, extensions, *ENVELOPE, TAKEN, BYE])
    await send(script)
    assert b"MAIL FROM:<bob@example.com> SIZE=%d\r\n" % len(CONTENT) in script.heard


async def test_the_name_that_another_server_has_for_the_message_is_not_taken_for_ours() -> None:
    receipt = await send(Script([GREETING, HELLO, *ENVELOPE, (".\r\n", b"250 2.0.0 Ok: queued as 4cR7\r\n"), BYE]))
    assert receipt.mid is None


async def test_a_goodbye_that_is_not_answered_changes_nothing() -> None:
    assert (await send(Script([GREETING, HELLO, *ENVELOPE, TAKEN]))).reply.positive


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    directory: Path = tmp_path_factory.mktemp("tls")
    issued = trustme.CA().issue_cert("mx.example.org")
    issued.cert_chain_pems[0].write_to_path(directory / "cert.pem")
    issued.private_key_pem.write_to_path(directory / "key.pem")
    return server_context(directory / "cert.pem", directory / "key.pem")


STARTTLS = ("EHLO", b"250-mx.example.org\r\n250 STARTTLS\r\n")


async def test_starttls_is_used_where_it_is_offered_whatever_the_certificate(tls: ssl.SSLContext) -> None:
    go = ("STARTTLS", b"220 go\r\n")
    script = Script([GREETING, STARTTLS, go, TLS, HELLO, *ENVELOPE, TAKEN, BYE], tls)
    await send(script)
    assert script.heard.count(b"EHLO") == 2


async def test_a_server_that_takes_its_starttls_back_gets_the_message_in_clear() -> None:
    sorry = ("STARTTLS", b"454 4.7.0 not now\r\n")
    assert (await send(Script([GREETING, STARTTLS, sorry, *ENVELOPE, TAKEN, BYE]))).reply.positive


async def test_a_listener_with_implicit_tls_gets_it_from_the_first_octet(tls: ssl.SSLContext) -> None:
    script = Script([TLS, GREETING, HELLO, *ENVELOPE, TAKEN, BYE], tls)
    assert (await send(script, server=Server("192.0.2.25", 25, implicit_tls=True))).reply.positive


NO = b"550 5.7.1 no\r\n"
LATER = b"450 4.7.1 later\r\n"


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        ([("", b"554 no\r\n")], "a session is refused: 554 no"),
        ([GREETING, ("EHLO", NO)], "EHLO is refused: 550 5.7.1 no"),
        ([GREETING, HELLO, ("MAIL", NO)], "the sender bob@example.com is refused: 550 5.7.1 no"),
        ([GREETING, HELLO, *ENVELOPE[:1], ("RCPT", NO)], "ann@example.org is refused: 550 5.7.1 no"),
        ([GREETING, HELLO, *ENVELOPE[:2], ("DATA", NO)], "the message is refused: 550 5.7.1 no"),
        ([GREETING, HELLO, *ENVELOPE, (".\r\n", NO)], "the message is refused: 550 5.7.1 no"),
    ],
)
async def test_a_refusal_for_good_is_unavailable_and_names_what_was_refused(steps: list[Step], what: str) -> None:
    complaint = await complaint_of(Script(steps))
    assert (complaint.code, complaint.status, complaint.what) == (Code.REFUSED, os.EX_UNAVAILABLE, what)


async def test_after_a_refusal_it_says_goodbye() -> None:
    script = Script([GREETING, HELLO, ("MAIL", NO), BYE])
    await complaint_of(script)
    assert script.heard.endswith(b"QUIT\r\n")


async def test_many_recipients_are_named_in_groups_and_each_refusal_is_told() -> None:
    extensions = ("EHLO", b"250-mx.example.org\r\n250 PIPELINING\r\n")
    fine, no = b"250 2.1.5 fine\r\n", b"550 5.1.1 no\r\n"
    groups = [("RCPT", fine * 99 + no), ("RCPT", no)]
    async with served(Script([GREETING, extensions, ENVELOPE[0], *groups, BYE])) as network:
        many = tuple(Address.parse(f"a{number}@example.org") for number in range(101))
        with pytest.raises(Complaint) as caught:
            await submit(network, SERVER, Submission(sender=None, recipients=many, content=CONTENT), hello="x.example")
    assert caught.value.what == "a99@example.org is refused: 550 5.1.1 no, a100@example.org is refused: 550 5.1.1 no"


@pytest.mark.parametrize(
    "steps",
    [
        [("", b"421 4.3.2 closing\r\n")],
        [GREETING, HELLO, ("MAIL", LATER)],
        [GREETING, HELLO, *ENVELOPE[:1], ("RCPT", b"421 4.3.2 closing\r\n")],
        [GREETING, HELLO, *ENVELOPE, (".\r\n", LATER)],
    ],
)
async def test_a_refusal_for_now_is_temporary(steps: list[Step]) -> None:
    complaint = await complaint_of(Script(steps))
    assert (complaint.code, complaint.status) == (Code.DEFERRED, os.EX_TEMPFAIL)


@pytest.mark.parametrize(
    "steps",
    [
        [],
        [GREETING],
        [("", b"HTTP/1.1 400 Bad Request\r\n\r\n")],
        [GREETING, HELLO, *ENVELOPE[:2]],
        [GREETING, STARTTLS, ("STARTTLS", b"220 go\r\n"), ("", b"but no handshake")],
    ],
)
async def test_a_session_that_ends_before_the_dot_is_temporary_and_nothing_was_sent(steps: list[Step]) -> None:
    complaint = await complaint_of(Script(steps))
    assert (complaint.code, complaint.status) == (Code.NO_ANSWER, os.EX_TEMPFAIL)
    assert "the message went to nobody" in complaint.why


async def test_a_connection_that_breaks_after_the_dot_leaves_it_open_what_became_of_the_message() -> None:
    complaint = await complaint_of(Script([GREETING, HELLO, *ENVELOPE, (".\r\n", b"")]))
    assert (complaint.code, complaint.status) == (Code.UNCERTAIN, os.EX_TEMPFAIL)
    assert "did not say whether it took the message" in complaint.what


async def test_an_address_that_the_server_has_no_extension_for_is_bad_data() -> None:
    complaint = await complaint_of(Script([GREETING, HELLO]), sender=JOERG)
    assert (complaint.code, complaint.status) == (Code.UNSENDABLE, os.EX_DATAERR)
    assert "SMTPUTF8" in complaint.what


async def test_eight_bit_content_is_announced() -> None:
    offer = ("EHLO", b"250-mx.example.org\r\n250 8BITMIME\r\n")
    script = Script([GREETING, offer, *ENVELOPE, TAKEN, BYE])
    await send(script, content="Subject: x\r\n\r\nGrüße\r\n".encode())
    assert b"BODY=8BITMIME" in script.heard


SILENCE = ("never said", b"")


@pytest.mark.parametrize(
    ("steps", "code", "waited_s"),
    [
        ([SILENCE], Code.NO_ANSWER, REPLY_S),
        ([GREETING, HELLO, *ENVELOPE, SILENCE], Code.UNCERTAIN, FINAL_REPLY_S),
    ],
)
async def test_a_silent_server_is_not_waited_for_for_ever(
    autojump_clock: trio.testing.MockClock, steps: list[Step], code: Code, waited_s: float
) -> None:
    complaint = await complaint_of(Script(steps))
    assert (complaint.code, complaint.status) == (code, os.EX_TEMPFAIL)
    assert "silent for too long" in complaint.what
    assert trio.current_time() == pytest.approx(waited_s, abs=1)


@pytest.mark.parametrize("reach", [Reach.REFUSED, Reach.UNREACHABLE, Reach.BLACKHOLE])
async def test_a_server_that_cannot_be_reached_is_unavailable(
    autojump_clock: trio.testing.MockClock, reach: Reach
) -> None:
    network = VirtualNetwork(Conditions(reach=reach)).host("192.0.2.1")
    with pytest.raises(Complaint, match=r"cannot connect to 192\.0\.2\.25:25") as caught:
        await submit(network, SERVER, Submission(sender=BOB, recipients=(ANN,), content=CONTENT), hello="host.example")
    assert (caught.value.code, caught.value.status) == (Code.UNREACHABLE, os.EX_UNAVAILABLE)
