"""The client machine against aiosmtpd.

Both are in this process, at the two ends of a socket pair: aiosmtpd on an event loop in a thread, the client in the
test. The pair is a real one, since aiosmtpd puts TLS between itself and its transport by means that a transport in
memory does not offer.
"""

import asyncio
import base64
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from attrs import define, field, frozen

from empath.smtp import (
    NEED_DATA,
    Address,
    Auth,
    AuthResponse,
    Body,
    BodyData,
    BodyEnd,
    ClientConnection,
    Command,
    Credentials,
    Data,
    Ehlo,
    LocalProtocolError,
    Mail,
    MailParams,
    Noop,
    Quit,
    Rcpt,
    Reply,
    ReplyReceived,
    Rset,
    StartTls,
    State,
    client_exchange,
)
from tests.interop.bodies import each_awkward_body
from tests.interop.conftest import Certificates

TIME_LIMIT_S = 10
HELLO = Ehlo("client.example")
ANN = Address.parse("ann@example.com")
BOB, CARL, NOBODY = (Rcpt(Address.parse(f"{name}@example.org")) for name in ("bob", "carl", "nobody"))
TEXT = b"Subject: lunch\r\n\r\nAt noon?\r\n"


@frozen
class Arrived:
    """A message as aiosmtpd received it."""

    sender: str
    options: list[str]
    recipients: list[str]
    content: bytes


@define
class Owner:
    """What aiosmtpd asks: takes all messages but those for nobody, and knows one user."""

    pipelining: bool = True
    arrived: list[Arrived] = field(factory=list)

    async def handle_EHLO(  # noqa: N802  the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """aiosmtpd reads pipelined commands one after the other, but does not say that it does."""
        session.host_name = hostname
        return [responses[0], *(["250-PIPELINING"] if self.pipelining else []), *responses[1:]]

    async def handle_RCPT(  # noqa: N802  the name is aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == "nobody@example.org":
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 recipient taken"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  likewise
        assert envelope.mail_from is not None
        assert isinstance(envelope.content, bytes)
        options = list(envelope.mail_options)
        self.arrived.append(Arrived(envelope.mail_from, options, list(envelope.rcpt_tos), envelope.content))
        return "250 2.0.0 message taken"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, claim: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=(claim.login, claim.password) == (b"ann", b"secret"), handled=False)


class Server(SMTP):
    """aiosmtpd's end of one session, which tells when it is over."""

    def __init__(self, owner: Owner, over: asyncio.Event, **options: Any) -> None:
        self._over = over
        super().__init__(owner, hostname="mx.example.org", authenticator=owner.authenticate, **options)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._over.set()


async def serve(connection: socket.socket, owner: Owner, options: dict[str, Any]) -> None:
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    await loop.connect_accepted_socket(lambda: Server(owner, over, loop=loop, **options), connection)
    await over.wait()


@define
class Client:
    """The client machine on a blocking socket."""

    connection: socket.socket
    machine: ClientConnection

    def say(self, *items: Command | BodyData | BodyEnd) -> list[Reply]:
        """Send ``items`` in one segment; the replies, one for each but content."""
        self.connection.sendall(b"".join(map(self.machine.send, items)))
        return [self.hear().reply for item in items if not isinstance(item, BodyData)]

    def hear(self) -> ReplyReceived:
        """The next reply."""
        while (event := self.machine.next_event()) is NEED_DATA:
            self.machine.receive_data(self.connection.recv(65536))
        assert isinstance(event, ReplyReceived)
        return event

    def start_tls(self, context: ssl.SSLContext) -> None:
        self.connection = context.wrap_socket(self.connection, server_hostname="mx.example.org")
        self.machine.tls_established()


@contextmanager
def session(owner: Owner, *, auth_in_clear: bool = False, **options: Any) -> Iterator[Client]:
    """A client that has read the greeting. QUIT is said at the end."""
    pair = socket.socketpair()
    pair[0].settimeout(TIME_LIMIT_S)
    thread = Thread(target=asyncio.run, args=(serve(pair[1], owner, options),))
    thread.start()
    client = Client(pair[0], ClientConnection(auth_in_clear=auth_in_clear))
    try:
        assert client.hear().reply.code == 220
        yield client
        assert [reply.code for reply in client.say(Quit())] == [221]
    finally:
        client.connection.close()
        thread.join()


def codes(replies: list[Reply]) -> list[int]:
    return [reply.code for reply in replies]


def test_the_offers_of_aiosmtpd_are_understood() -> None:
    with session(Owner(), enable_SMTPUTF8=True, data_size_limit=1000) as client:
        client.say(HELLO)
        in_force = client.machine.facts.in_force
        assert set(in_force) == {"PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8"}
        assert in_force.size == 1000


def test_a_message_arrives_with_its_parameters() -> None:
    owner = Owner()
    with session(owner) as client:
        client.say(HELLO)
        params = MailParams(size=len(TEXT), body=Body.EIGHT_BIT)
        assert codes(client.say(Mail(ANN, params), BOB, CARL, Data())) == [250, 250, 250, 354]
        assert codes(client.say(BodyData(TEXT), BodyEnd())) == [250]
        assert client.machine.state is State.READY
    recipients = ["bob@example.org", "carl@example.org"]
    assert owner.arrived == [Arrived("ann@example.com", [f"SIZE={len(TEXT)}", "BODY=8BITMIME"], recipients, TEXT)]


def test_each_reply_of_a_group_finds_its_command() -> None:
    with session(Owner()) as client:
        client.say(HELLO)
        group: tuple[Command, ...] = (Mail(ANN), BOB, NOBODY, CARL, Data())
        client.connection.sendall(b"".join(map(client.machine.send, group)))
        heard = [client.hear() for _ in group]
        assert [event.command for event in heard] == list(group)
        assert codes([event.reply for event in heard]) == [250, 250, 550, 250, 354]
        assert client.machine.accepted == [BOB, CARL]
        client.say(BodyData(TEXT), BodyEnd())


def test_the_next_transaction_may_follow_the_dot_in_one_group() -> None:
    owner = Owner()
    with session(owner) as client:
        client.say(HELLO)
        client.say(Mail(ANN), BOB, Data())
        group = (BodyData(TEXT), BodyEnd(), Mail(ANN), CARL, Data())
        assert codes(client.say(*group)) == [250, 250, 250, 354]
        client.say(BodyEnd())
    assert [(message.recipients, message.content) for message in owner.arrived] == [
        (["bob@example.org"], TEXT),
        (["carl@example.org"], b""),
    ]


def test_without_any_recipient_no_content_is_sent_and_the_session_is_of_further_use() -> None:
    owner = Owner()
    with session(owner) as client:
        client.say(HELLO)
        assert codes(client.say(Mail(ANN), NOBODY, Data())) == [250, 550, 503]
        with pytest.raises(LocalProtocolError):
            client.machine.send(BodyData(TEXT))
        assert codes(client.say(Rset(), Mail(ANN), BOB, Data())) == [250, 250, 250, 354]
        client.say(BodyData(TEXT), BodyEnd())
    assert len(owner.arrived) == 1


def test_without_pipelining_commands_go_one_by_one() -> None:
    owner = Owner(pipelining=False)
    with session(owner) as client:
        client.say(HELLO)
        wire = client.machine.send(Mail(ANN))
        with pytest.raises(LocalProtocolError, match="must wait"):
            client.machine.send(BOB)
        client.connection.sendall(wire)
        client.hear()
        for item in (BOB, Data()):
            client.say(item)
        client.say(BodyData(TEXT), BodyEnd())
    assert [message.content for message in owner.arrived] == [TEXT]


def test_a_message_over_the_limit_is_refused_by_its_declared_size() -> None:
    with session(Owner(), data_size_limit=20) as client:
        client.say(HELLO)
        assert codes(client.say(Mail(ANN, MailParams(size=21)))) == [552]
        assert client.machine.state is State.READY


def test_an_address_beyond_ascii_goes_with_smtputf8_and_not_without() -> None:
    owner, anna = Owner(), Address.parse("анна@пример.example")
    with session(owner, enable_SMTPUTF8=True) as client:
        client.say(HELLO)
        with pytest.raises(LocalProtocolError):
            client.machine.send(Mail(anna))
        client.say(Mail(anna, MailParams(smtputf8=True, body=Body.EIGHT_BIT)), BOB, Data())
        client.say(BodyData("Subject: обед\r\n".encode()), BodyEnd())
    assert [(message.sender, message.content.decode()) for message in owner.arrived] == [
        ("анна@пример.example", "Subject: обед\r\n")
    ]


@pytest.mark.parametrize("piece_octets", [1, 2, 7, 1_000_000])
@each_awkward_body
def test_a_body_arrives_octet_by_octet_however_it_is_cut(body: bytes, piece_octets: int) -> None:
    owner = Owner()
    with session(owner) as client:
        client.say(HELLO)
        client.say(Mail(ANN), BOB, Data())
        content = [BodyData(body[at : at + piece_octets]) for at in range(0, len(body), piece_octets)]
        assert codes(client.say(*content, BodyEnd())) == [250]
    assert [message.content for message in owner.arrived] == [body]


def authenticate(client: Client, credentials: Credentials, mechanism: str, *, initial: bool) -> Reply:
    """Go through the exchange; the last reply."""
    exchange = client_exchange(mechanism, credentials)
    reply = client.say(Auth(mechanism, exchange.step(None) if initial else None))[0]
    while reply.code == 334:
        reply = client.say(AuthResponse(exchange.step(base64.b64decode(reply.text))))[0]
    return reply


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_authentication_succeeds_with_the_right_password_alone(mechanism: str, initial: bool) -> None:
    with session(Owner(), auth_in_clear=True, auth_require_tls=False) as client:
        client.say(HELLO)
        assert set(client.machine.facts.in_force.mechanisms) == {"LOGIN", "PLAIN"}
        assert authenticate(client, Credentials("ann", "wrong"), mechanism, initial=initial).code == 535
        assert not client.machine.facts.authenticated
        assert authenticate(client, Credentials("ann", "secret"), mechanism, initial=initial).code == 235
        assert client.machine.facts.authenticated


def test_once_authenticated_the_client_may_name_the_submitter_and_not_authenticate_again() -> None:
    with session(Owner(), auth_in_clear=True, auth_require_tls=False) as client:
        client.say(HELLO)
        authenticate(client, Credentials("ann", "secret"), "PLAIN", initial=True)
        with pytest.raises(LocalProtocolError, match="once"):
            client.machine.send(Auth("PLAIN"))
        # aiosmtpd offers AUTH and does not know the parameter that belongs to it (RFC 4954 5).
        assert codes(client.say(Mail(ANN, MailParams(auth="<>")))) == [555]


def test_a_cancelled_exchange_leaves_the_session_usable() -> None:
    with session(Owner(), auth_in_clear=True, auth_require_tls=False) as client:
        client.say(HELLO)
        assert codes(client.say(Auth("PLAIN"))) == [334]
        assert codes(client.say(AuthResponse(None))) == [501]
        assert codes(client.say(Noop())) == [250]


def test_under_tls_the_session_starts_over_and_a_message_arrives(certificates: Certificates) -> None:
    owner = Owner()
    with session(owner, tls_context=certificates.server, require_starttls=True) as client:
        client.say(HELLO)
        assert "AUTH" not in client.machine.facts.in_force
        assert codes(client.say(StartTls())) == [220]
        client.start_tls(certificates.client)
        assert client.machine.facts.hello is None
        client.say(HELLO)
        assert "STARTTLS" not in client.machine.facts.in_force
        assert authenticate(client, Credentials("ann", "secret"), "PLAIN", initial=True).code == 235
        client.say(Mail(ANN), BOB, Data())
        client.say(BodyData(TEXT), BodyEnd())
    assert [message.content for message in owner.arrived] == [TEXT]
