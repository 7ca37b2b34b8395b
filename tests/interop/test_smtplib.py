"""The server machine against smtplib of the standard library.

Both are in this process, at the two ends of a socket pair: smtplib in the test, the server in a thread. The pair is a
real one and no imitation of a socket, since smtplib wraps it into TLS and into a buffered file.
"""

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest

from empath.smtp import Extensions, Reply, Verb
from tests.dialogues.script import Answer, Message, Settings
from tests.dialogues.scripted import HOSTNAME, ScriptedServer
from tests.interop.bodies import each_awkward_body
from tests.interop.conftest import Certificates

TIME_LIMIT_S = 10
ANN, BOB, CARL = "ann@example.com", "bob@example.org", "carl@example.org"
TEXT = b"Subject: lunch\r\n\r\nAt noon?\r\n"
NOBODY = Answer(Verb.RCPT, BOB, Reply(550, "no such mailbox", "5.1.1"))
ANN_MAY = Settings(
    offers=Extensions.of("AUTH PLAIN LOGIN XOAUTH2"), auth_in_clear=True, users=(("ann", "secret"), ("ann", "t0k3n"))
)


class Client(smtplib.SMTP):
    """smtplib on a socket that is connected already."""

    def __init__(self, connected: socket.socket) -> None:
        self._connected = connected
        super().__init__(HOSTNAME, local_hostname="client.example")

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._connected


class LmtpClient(Client):
    """The one thing that smtplib.LMTP does differently but for its socket."""

    ehlo_msg = "lhlo"


def serve(connection: socket.socket, server: ScriptedServer, tls: ssl.SSLContext | None) -> None:
    """Run the server at its end of the pair, until either end closes."""
    connection.sendall(server.greet())
    while not server.closed and (octets := connection.recv(65536)):
        connection.sendall(server.receive(octets))
        if server.awaits_handshake and tls:
            connection = tls.wrap_socket(connection, server_side=True)
            server.tls_established()
    connection.close()


@contextmanager
def session(
    settings: Settings, tls: ssl.SSLContext | None = None, kind: type[Client] = Client
) -> Iterator[tuple[Client, ScriptedServer]]:
    """A client that has read the greeting, and the server that it talks to. QUIT is said at the end."""
    pair = socket.socketpair()
    for end in pair:
        end.settimeout(TIME_LIMIT_S)
    server = ScriptedServer(settings)
    thread = Thread(target=serve, args=(pair[1], server, tls))
    thread.start()
    try:
        with kind(pair[0]) as client:
            yield client, server
    finally:
        thread.join()


def offering(*lines: str, answers: tuple[Answer, ...] = ()) -> Settings:
    return Settings(offers=Extensions.of(*lines), answers=answers)


def test_the_offers_of_ehlo_are_understood() -> None:
    with session(offering("SIZE 1000", "8BITMIME", "SMTPUTF8")) as (client, _):
        assert client.ehlo() == (250, b"mx.example.org\nSIZE 1000\n8BITMIME\nSMTPUTF8")
        assert client.esmtp_features == {"size": "1000", "8bitmime": "", "smtputf8": ""}


def test_helo_is_answered_without_offers() -> None:
    with session(offering("SIZE 1000")) as (client, _):
        assert client.helo() == (250, b"mx.example.org")


def test_a_message_arrives() -> None:
    with session(offering("SIZE 1000")) as (client, server):
        assert client.sendmail(ANN, [BOB, CARL], TEXT) == {}
    assert server.messages == [Message(ANN, (BOB, CARL), TEXT)]


def test_several_messages_go_through_one_session() -> None:
    with session(offering()) as (client, server):
        for _ in range(3):
            client.sendmail("", BOB, TEXT)
    assert server.messages == [Message("", (BOB,), TEXT)] * 3


def test_a_refused_recipient_is_reported_and_the_others_get_the_message() -> None:
    with session(offering(answers=(NOBODY,))) as (client, server):
        assert client.sendmail(ANN, [BOB, CARL], TEXT) == {BOB: (550, b"5.1.1 no such mailbox")}
    assert server.messages == [Message(ANN, (CARL,), TEXT)]


def test_without_any_recipient_nothing_is_sent() -> None:
    with session(offering(answers=(NOBODY,))) as (client, server), pytest.raises(smtplib.SMTPRecipientsRefused):
        client.sendmail(ANN, [BOB], TEXT)
    assert server.messages == []


def test_a_message_over_the_limit_is_refused_by_its_declared_size() -> None:
    with session(offering("SIZE 20")) as (client, server), pytest.raises(smtplib.SMTPSenderRefused) as refused:
        client.sendmail(ANN, BOB, TEXT)
    assert refused.value.smtp_code == 552
    assert server.messages == []


def test_a_message_that_is_refused_at_its_end_is_reported() -> None:
    later = Answer(Verb.END, None, Reply(451, "later", "4.3.0"))
    with session(offering(answers=(later,))) as (client, _), pytest.raises(smtplib.SMTPDataError) as refused:
        client.sendmail(ANN, BOB, TEXT)
    assert refused.value.args == (451, b"4.3.0 later")


def test_eight_bit_content_and_addresses_arrive_as_they_are() -> None:
    anna, content = "анна@пример.example", "Subject: обед\r\n".encode()
    with session(offering("8BITMIME", "SMTPUTF8")) as (client, server):
        client.sendmail(anna, BOB, content, mail_options=["BODY=8BITMIME", "SMTPUTF8"])
    assert server.messages == [Message(anna, (BOB,), content)]


@each_awkward_body
def test_a_body_arrives_octet_by_octet(body: bytes) -> None:
    with session(offering()) as (client, server):
        client.sendmail(ANN, BOB, body)
    assert server.messages == [Message(ANN, (BOB,), body)]


def test_a_lone_lf_which_smtplib_sends_as_it_is_has_the_message_refused() -> None:
    with session(offering()) as (client, server), pytest.raises(smtplib.SMTPDataError, match="CR or LF alone"):
        client.sendmail(ANN, BOB, b"one\n.\ntwo\r\n")
    assert server.messages == []


@pytest.mark.parametrize("initial", [True, False])
@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_authentication_succeeds_with_the_right_password(mechanism: str, initial: bool) -> None:
    with session(ANN_MAY) as (client, _):
        client.ehlo()
        client.user, client.password = "ann", "secret"
        step = client.auth_plain if mechanism == "PLAIN" else client.auth_login
        assert client.auth(mechanism, step, initial_response_ok=initial) == (235, b"2.7.0 welcome")


def test_authentication_by_a_mechanism_that_smtplib_does_not_know_of_succeeds() -> None:
    with session(ANN_MAY) as (client, _):
        client.ehlo()
        assert client.auth("XOAUTH2", lambda _=None: "user=ann\x01auth=Bearer t0k3n\x01\x01")[0] == 235


def test_a_wrong_password_is_reported_after_every_mechanism_was_tried() -> None:
    with session(ANN_MAY) as (client, _), pytest.raises(smtplib.SMTPAuthenticationError) as refused:
        client.login("ann", "wrong")
    assert refused.value.smtp_code == 535


def test_under_tls_authentication_is_offered_and_a_message_arrives(certificates: Certificates) -> None:
    settings = Settings(offers=Extensions.of("STARTTLS", "AUTH PLAIN", "SIZE 1000"), users=(("ann", "secret"),))
    with session(settings, certificates.server) as (client, server):
        client.ehlo()
        assert not client.has_extn("auth")
        assert client.starttls(context=certificates.client)[0] == 220
        client.ehlo()
        assert client.has_extn("auth")
        assert not client.has_extn("starttls")
        client.login("ann", "secret")
        client.sendmail(ANN, BOB, TEXT)
    assert server.messages == [Message(ANN, (BOB,), TEXT)]


def test_the_side_commands_are_answered() -> None:
    with session(offering()) as (client, _):
        assert client.noop()[0] == 250
        assert client.help() == b"2.0.0 see RFC 5321"
        assert client.verify(BOB)[0] == 252
        assert client.expn("staff")[0] == 252
        assert client.docmd("TURN")[0] == 500
        assert client.rset()[0] == 250


def test_lmtp_is_spoken_with_one_recipient() -> None:
    """With several smtplib reads one reply only, so it is no client of LMTP for them."""
    settings = Settings(offers=Extensions.of("8BITMIME"), lmtp=True)
    with session(settings, kind=LmtpClient) as (client, server):
        client.sendmail(ANN, BOB, TEXT)
    assert server.messages == [Message(ANN, (BOB,), TEXT)]
