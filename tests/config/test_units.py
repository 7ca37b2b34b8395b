"""Reading and writing durations, sizes, rates, networks, endpoints and hosts."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.config import units
from empath.config.units import HostPort, Period, Rate, UnitError
from empath.smtp.address import Domain
from empath.world.endpoint import TcpEndpoint


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("0s", 0),
        ("1ms", 0.001),
        ("250ms", 0.25),
        ("30s", 30),
        ("90m", 5400),
        ("1h30m", 5400),
        ("5d", 432_000),
        ("1w", 604_800),
        ("1w2d3h4m5s6ms", 788_645.006),
        ("3650d", 315_360_000),
    ],
)
def test_a_duration_is_the_sum_of_its_parts_in_seconds(text: str, seconds: float) -> None:
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", " ", "30", "s", "30 s", "30S", "1.5h", "-1s", "30m1h", "1s1s", "1y", "30 parsecs", "٣s", "1001w1000000000d"],
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match="is not a duration"):
        units.parse_duration(text)


def test_a_duration_beyond_all_use_is_refused() -> None:
    with pytest.raises(UnitError, match="longer than a thousand years"):
        units.parse_duration("365001d")


@given(st.integers(0, 1000 * 365 * 86_400_000))
def test_durations_are_read_as_they_were_written(total_ms: int) -> None:
    assert units.parse_duration(units.format_duration(total_ms / 1000)) == total_ms / 1000


@pytest.mark.parametrize(
    ("duration_s", "text"), [(0, "0"), (0.25, "250ms"), (5400, "1h30m"), (604_800, "7d"), (86_400.001, "1d1ms")]
)
def test_durations_are_written_in_days_and_smaller_units(duration_s: float, text: str) -> None:
    assert units.format_duration(duration_s) == text


@pytest.mark.parametrize(
    ("text", "octets"),
    [("0", 0), ("512B", 512), ("64KiB", 65_536), ("25 MiB", 26_214_400), ("10MB", 10**7), ("1TiB", 1 << 40)],
)
def test_a_size_counts_in_1024_where_its_unit_says_so(text: str, octets: int) -> None:
    assert units.parse_size(text) == octets


@pytest.mark.parametrize("text", ["", "25", "25M", "MiB", "-1B", "1.5MiB", "25mib", "25  MiB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match="is not a size"):
        units.parse_size(text)


@given(st.integers(0, 10**15 - 1))
def test_sizes_are_read_as_they_were_written(octets: int) -> None:
    assert units.parse_size(units.format_size(octets)) == octets


@pytest.mark.parametrize(("text", "octets_per_s"), [("0", 0), ("100B/s", 100), ("64 KiB/s", 65_536)])
def test_a_data_rate_is_a_size_each_second(text: str, octets_per_s: int) -> None:
    assert units.parse_data_rate(text) == octets_per_s


@pytest.mark.parametrize("text", ["", "100B", "100/s", "/s", "100B/min", "-1B/s"])
def test_what_is_no_data_rate_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match="is not a"):
        units.parse_data_rate(text)


@given(st.integers(0, 10**15 - 1))
def test_data_rates_are_read_as_they_were_written(octets_per_s: int) -> None:
    assert units.parse_data_rate(units.format_data_rate(octets_per_s)) == octets_per_s


@given(st.builds(Rate, st.integers(1, 10**9 - 1), st.sampled_from(Period), st.none() | st.integers(1, 10**9 - 1)))
def test_rates_are_read_as_they_were_written(rate: Rate) -> None:
    assert units.parse_rate(units.format_rate(rate)) == rate


@pytest.mark.parametrize(("text", "per_second"), [("10/s", 10), ("300 / min", 5), ("36/h", 0.01), ("86400/d", 1)])
def test_a_rate_can_be_asked_for_one_second(text: str, per_second: float) -> None:
    assert units.parse_rate(text).per_second == per_second


def test_a_rate_may_say_how_many_go_at_once() -> None:
    rate = units.parse_rate("10/s burst 20")
    assert (rate.per_second, rate.burst, rate.at_once) == (10, 20, 20)
    assert units.parse_rate("10/s").at_once == 10


@pytest.mark.parametrize("text", ["", "10", "/s", "10/", "1.5/s", "10/m", "10/month", "-1/s", "10/s burst", "10/s 20"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match="is not a rate"):
        units.parse_rate(text)


def test_a_rate_of_nothing_is_refused() -> None:
    with pytest.raises(UnitError, match="lets nothing through"):
        units.parse_rate("0/s")
    with pytest.raises(UnitError, match="lets nothing through"):
        units.parse_rate("10/s burst 0")


def test_a_network_may_be_one_host() -> None:
    assert units.parse_network("192.0.2.7") == ipaddress.IPv4Network("192.0.2.7/32")


def test_a_network_with_bits_right_of_the_mask_is_refused_with_both_readings() -> None:
    with pytest.raises(UnitError) as refused:
        units.parse_network("192.0.2.7/24")
    assert refused.value.remedy == '"192.0.2.0/24" for the network, "192.0.2.7" for the host'


@pytest.mark.parametrize("text", ["", "example.org", "192.0.2.0/33", "192.0.2.0/24/24", "2001:db8::/129"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match="is not a network"):
        units.parse_network(text)


@pytest.mark.parametrize("text", ["0.0.0.0/0", "::/0", "::ffff:0:0/96", "2000::/3", "::/1"])
def test_a_network_of_everybody_is_recognised(text: str) -> None:
    assert units.is_everybody(units.parse_network(text))


@pytest.mark.parametrize("text", ["0.0.0.0/1", "10.0.0.0/8", "fc00::/7", "2001:db8::/32", "::1"])
def test_a_network_of_some_is_not_taken_for_everybody(text: str) -> None:
    assert not units.is_everybody(units.parse_network(text))


addresses = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))
ports = st.integers(1, 65_535)


@given(st.builds(TcpEndpoint, addresses.map(str), st.integers(0, 65_535)))
def test_endpoints_are_read_as_they_were_written(endpoint: TcpEndpoint) -> None:
    assert units.parse_endpoint(str(endpoint)) == endpoint


def test_an_ipv6_address_has_one_form() -> None:
    assert units.parse_endpoint("[2001:DB8:0::1]:25").host == "2001:db8::1"


@pytest.mark.parametrize("text", ["192.0.2.1", "2001:db8::1", "[2001:db8::1]"])
def test_an_endpoint_without_port_needs_a_default(text: str) -> None:
    with pytest.raises(UnitError, match="has no port"):
        units.parse_endpoint(text)
    assert units.parse_endpoint(text, default_port=53).port == 53


@pytest.mark.parametrize(
    "text", ["", ":25", "localhost:25", "mx.example.org", "192.0.2.1:", "192.0.2.1:x", "[::1]25", "[::1"]
)
def test_an_endpoint_starts_with_an_address(text: str) -> None:
    with pytest.raises(UnitError, match="does not start with an IP address"):
        units.parse_endpoint(text)


@pytest.mark.parametrize("text", ["192.0.2.1:65536", "[::1]:100000", "mx.example.org:99999999999999999999"])
def test_a_port_has_sixteen_bits(text: str) -> None:
    with pytest.raises(UnitError, match="port above 65535"):
        units.parse_host(text)


@given(
    st.builds(
        HostPort,
        st.one_of(addresses, st.sampled_from(["example.org", "mx-1.example.net", "localhost"]).map(Domain.parse)),
        st.none() | ports,
    )
)
def test_hosts_are_read_as_they_were_written(host: HostPort) -> None:
    assert units.parse_host(str(host)) == host


@pytest.mark.parametrize("text", ["", "mx example.org", "mx.example.org:", "example.org.", "a:b:c", "user@example.org"])
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(UnitError, match="is not a domain name"):
        units.parse_host(text)


def test_nobody_is_reached_at_port_0() -> None:
    with pytest.raises(UnitError, match="has port 0"):
        units.parse_host("mx.example.org:0")
