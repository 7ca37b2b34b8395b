"""Which server a command talks to."""

import os

import click
import pytest

from empath.cli.complaint import Complaint
from empath.cli.server import Server, named_server, own_listener
from empath.config.schema import ListenerSettings, ListenerTls, SmtpSettings
from empath.world import TcpEndpoint


def listening(*listeners: tuple[str, int, ListenerTls]) -> SmtpSettings:
    return SmtpSettings(
        listeners=tuple(ListenerSettings(listen_addr=TcpEndpoint(host, port), tls=tls) for host, port, tls in listeners)
    )


def test_by_default_it_is_the_listener_of_the_sandbox() -> None:
    assert str(own_listener(SmtpSettings())) == "127.0.0.1:1025"


@pytest.mark.parametrize(("wildcard", "loopback"), [("0.0.0.0", "127.0.0.1"), ("::", "::1")])
def test_a_listener_on_all_addresses_is_reached_by_loopback(wildcard: str, loopback: str) -> None:
    server = own_listener(listening((wildcard, 25, ListenerTls.STARTTLS)))
    assert server == Server(loopback, 25, configured=True)


def test_a_listener_in_clear_is_preferred_and_implicit_tls_is_spoken_where_there_is_no_other() -> None:
    smtps, smtp = ("192.0.2.1", 465, ListenerTls.IMPLICIT), ("192.0.2.1", 25, ListenerTls.NONE)
    assert own_listener(listening(smtps, smtp)).port == 25
    assert own_listener(listening(smtps)) == Server("192.0.2.1", 465, implicit_tls=True, configured=True)


@pytest.mark.parametrize("settings", [listening(("127.0.0.1", 0, ListenerTls.NONE)), listening()])
def test_a_configuration_that_names_no_port_is_complained_of(settings: SmtpSettings) -> None:
    with pytest.raises(Complaint, match="names no port") as caught:
        own_listener(settings)
    assert caught.value.status == os.EX_CONFIG


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("mail.example.org", "mail.example.org:25"),
        ("localhost:1025", "localhost:1025"),
        ("192.0.2.1:587", "192.0.2.1:587"),
        ("[2001:db8::1]:25", "[2001:db8::1]:25"),
        ("exämple.org", "xn--exmple-cua.org:25"),
    ],
)
def test_a_server_can_be_named_in_the_usual_ways(text: str, shown: str) -> None:
    assert str(named_server(text)) == shown


@pytest.mark.parametrize("text", ["", ":25", "host:0", "host:x", "two words", "a:b:c"])
def test_what_names_no_server_is_a_bad_parameter(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write HOST, HOST:PORT"):
        named_server(text)


async def test_an_address_is_its_own_endpoint_and_a_name_is_looked_up() -> None:
    assert await Server("192.0.2.1", 25).endpoints() == (TcpEndpoint("192.0.2.1", 25),)
    assert TcpEndpoint("127.0.0.1", 25) in await Server("localhost", 25).endpoints()
