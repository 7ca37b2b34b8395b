"""Who is logged in to, how sure we must be of him, and who is nobody but himself."""

from pathlib import Path

import pytest
from trio.testing import MockClock

from empath.app.connecting import Connecting
from empath.config.schema import (
    Config,
    DeliverySettings,
    DomainSettings,
    HostPort,
    Mechanism,
    Mode,
    SmartHostAuthSettings,
    SmartHostTls,
    TlsSettings,
)
from empath.delivery import Dialling, Finder
from empath.delivery.finding.routing import approach, own_host, routes
from empath.policy.encryption.tls import TlsPolicy
from empath.policy.route import Target
from empath.sim import SimulatedWorld
from empath.smtp import Domain

HOST = Domain.parse("mail.example.net")
SMART = HostPort(HOST, 587)
TARGET = Target("mail.example.net", "198.51.100.1", 587)
ANN = SmartHostAuthSettings(user="ann", password_file=Path("/secret"))
OTHER = {Domain.parse("example.com"): DomainSettings(mx_override=HostPort(Domain.parse("mx.example.com")))}


def dialling(settings: DeliverySettings, domain: str = "example.org", *, sandboxed: bool = False) -> Dialling:
    world, config = SimulatedWorld(1), Config(mode=Mode.LIVE, delivery=settings)
    finder = Finder(
        routes=routes(settings),
        resolver=world.resolver,
        entropy=world.entropy,
        own=own_host(config),
        approach=lambda domain: approach(settings, domain),
        max_hosts=5,
    )
    return Connecting(config, world.world, finder, sandboxed=sandboxed, sts=None).dialling(domain)


def test_we_log_in_to_the_smart_host_and_to_nobody_else() -> None:
    settings = DeliverySettings(smart_host=SMART, smart_host_auth=ANN, domains=OTHER)
    login = dialling(settings).login
    assert login is not None
    assert (login.user, login.secret_file, login.mechanism) == ("ann", Path("/secret"), None)
    assert dialling(settings, "example.com").login is None
    assert dialling(settings, sandboxed=True).login is None
    assert dialling(DeliverySettings(smart_host=SMART)).login is None
    assert dialling(DeliverySettings(smart_host_auth=ANN)).login is None


def test_the_mechanism_is_the_one_that_configuration_names() -> None:
    auth = SmartHostAuthSettings(user="ann", password_file=Path("/secret"), mechanism=Mechanism.XOAUTH2)
    login = dialling(DeliverySettings(smart_host=SMART, smart_host_auth=auth)).login
    assert login is not None
    assert login.mechanism == "XOAUTH2"


@pytest.mark.parametrize(
    ("tls", "port", "implicit"),
    [
        (SmartHostTls.AUTO, 587, False),
        (SmartHostTls.AUTO, 465, True),
        (SmartHostTls.STARTTLS, 465, False),
        (SmartHostTls.IMPLICIT, 587, True),
    ],
)
def test_tls_begins_as_configuration_or_the_port_says(tls: SmartHostTls, port: int, *, implicit: bool) -> None:
    settings = DeliverySettings(
        smart_host=HostPort(HOST, port), smart_host_auth=SmartHostAuthSettings(tls=tls), domains=OTHER
    )
    assert dialling(settings).implicit_tls is implicit
    assert not dialling(settings, "example.com").implicit_tls


@pytest.mark.parametrize("policy", TlsPolicy)
async def test_a_password_is_given_to_a_host_that_has_proved_its_own_name(
    autojump_clock: MockClock, policy: TlsPolicy
) -> None:
    settings = DeliverySettings(smart_host=SMART, smart_host_auth=ANN, tls=TlsSettings(default_policy=policy))
    wanted = (await dialling(settings).demands.of("example.org", TARGET)).demand
    assert wanted.policy.mandatory
    assert wanted.names == ("mail.example.net",)
