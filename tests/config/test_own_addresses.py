"""How this host is named and addressed in configuration."""

import pytest

from empath.config import Code
from empath.config.own_addresses import OWN_HOST, SOURCES
from empath.config.refusal import Refusal


@pytest.mark.parametrize(
    ("raw", "sources"),
    [
        ("192.0.2.1", ("192.0.2.1",)),
        (["2001:DB8::1", "192.0.2.1"], ("2001:db8::1", "192.0.2.1")),
        ([], ()),
    ],
)
def test_a_source_is_one_address_or_one_of_each_family(raw: object, sources: tuple[str, ...]) -> None:
    assert SOURCES.read(raw) == sources


@pytest.mark.parametrize(
    "raw", ["mx.example.org", "192.0.2.1:25", "0.0.0.0", "::", ["192.0.2.1", "192.0.2.2"], [7], "192.0.2.0/24"]
)
def test_what_no_connection_can_come_from_is_refused(raw: object) -> None:
    with pytest.raises(Refusal) as caught:
        SOURCES.read(raw)
    assert caught.value.code is Code.BAD_VALUE


@pytest.mark.parametrize(
    ("raw", "host"),
    [
        ("MX.Example.org", "mx.example.org"),
        ("b\xfccher.example", "xn--bcher-kva.example"),
        ("2001:DB8::1", "2001:db8::1"),
        ("192.0.2.1", "192.0.2.1"),
    ],
)
def test_a_host_is_kept_as_dns_has_it(raw: str, host: str) -> None:
    assert OWN_HOST.read(raw) == host


def test_a_host_with_a_port_is_refused() -> None:
    with pytest.raises(Refusal, match="port"):
        OWN_HOST.read("mx.example.org:25")
