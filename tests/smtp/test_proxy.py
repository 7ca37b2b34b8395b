"""The header of a proxy: ``empath.smtp.proxy``."""

import ipaddress
from collections.abc import Iterable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from empath.smtp import LocalProtocolError, ProxyHeader, ProxyReader, RemoteProtocolError
from empath.smtp.proxy import MAX_BLOCK_OCTETS, Socket, crc32c

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ANN = Socket("192.0.2.7", 4711)
US = Socket("192.0.2.1", 25)
ANN6 = Socket("2001:db8::7", 4711)
US6 = Socket("2001:db8::1", 25)
NOBODY = ProxyHeader(None, None)
V1 = b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r\n"


def packed(ip: str) -> bytes:
    return ipaddress.ip_address(ip).packed


def v2(block: bytes, *, command: int = 0x21, family: int = 0x11) -> bytes:
    """A header of version 2."""
    return SIGNATURE + bytes([command, family]) + len(block).to_bytes(2) + block


def block(client: Socket = ANN, server: Socket = US) -> bytes:
    """Two addresses and two ports."""
    return packed(client.ip) + packed(server.ip) + client.port.to_bytes(2) + server.port.to_bytes(2)


def field(kind: int, value: bytes) -> bytes:
    return bytes([kind]) + len(value).to_bytes(2) + value


def checked(before: bytes = b"", behind: bytes = b"") -> bytes:
    """A header with a right checksum among other fields."""
    blank = v2(block() + before + field(3, bytes(4)) + behind)
    place = 16 + len(block() + before) + 3
    return blank[:place] + crc32c(blank).to_bytes(4) + blank[place + 4 :]


def read(stream: bytes, sizes: Iterable[int] = ()) -> tuple[ProxyHeader | None, bytes]:
    """What is read from a stream in segments of these sizes, as far as allowed, and what is left of it."""
    reader, steps = ProxyReader(), iter(sizes)
    while stream and reader.header is None:
        size = min(next(steps, reader.wanted), reader.wanted)
        reader.receive_data(stream[:size])
        stream = stream[size:]
    return reader.header, stream


# -- version 1


@pytest.mark.parametrize(
    ("line", "header"),
    [
        (V1, ProxyHeader(ANN, US)),
        (b"PROXY TCP6 2001:DB8::7 2001:db8:0:0:0:0:0:1 4711 25\r\n", ProxyHeader(ANN6, US6)),
        (b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:c000:201 4711 25\r\n", ProxyHeader(ANN, US)),
        (
            b"PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n",
            ProxyHeader(Socket("0.0.0.0", 0), Socket("255.255.255.255", 65535)),
        ),
        (b"PROXY UNKNOWN\r\n", NOBODY),
        (b"PROXY UNKNOWN \r\n", NOBODY),
        (b"PROXY UNKNOWN whatever stands here\r\n", NOBODY),
        (b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n", NOBODY),
    ],
)
def test_a_line_of_version_1_is_read(line: bytes, header: ProxyHeader) -> None:
    assert read(line) == (header, b"")
    assert read(line, [1] * len(line)) == (header, b"")


@pytest.mark.parametrize(
    "line",
    [
        b"EHLO client.example\r\n",
        b"proxy TCP4 192.0.2.7 192.0.2.1 4711 25\r\n",
        b"PROXY\r\n",
        b"PROXY \r\n",
        b"PROXY UNKNOWNX\r\n",
        b"PROXY TCP5 192.0.2.7 192.0.2.1 4711 25\r\n",
        b"PROXY TCP4  192.0.2.7 192.0.2.1 4711 25\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25 \r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 4711\r\n",
        b"PROXY TCP4 192.0.2.07 192.0.2.1 4711 25\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.256 4711 25\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 4711 25\r\n",
        b"PROXY TCP6 192.0.2.7 192.0.2.1 4711 25\r\n",
        b"PROXY TCP6 fe80::1%eth0 2001:db8::1 4711 25\r\n",
        b"PROXY TCP6 :::1 2001:db8::1 4711 25\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 04711 25\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 65536\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 +25\r\n",
        b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\n" + b" " * 99,
        b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 25\r" + b" " * 99,
        b"PROXY TCP4 192.0.2.7\n 192.0.2.1 4711 25\r\n",
        b"PROXY UNKNOWN \n\r\n",
        b"PROXY UNKNOWN " + b"f" * 92 + b"\r\n",
        b"PROXY UNKNOWN " + b"f" * 999,
    ],
)
def test_any_other_line_is_refused(line: bytes) -> None:
    for sizes in ((), [1] * len(line)):
        with pytest.raises(RemoteProtocolError, match="PROXY"):
            read(line, sizes)


# -- version 2


@pytest.mark.parametrize(
    ("octets", "header"),
    [
        (v2(block()), ProxyHeader(ANN, US)),
        (v2(block(ANN6, US6), family=0x21), ProxyHeader(ANN6, US6)),
        (
            v2(packed("::ffff:192.0.2.7") + packed("::1") + bytes(4), family=0x21),
            ProxyHeader(Socket("192.0.2.7", 0), Socket("::1", 0)),
        ),
        (v2(block() + field(4, b"") + field(0xEA, b"vpce-1")), ProxyHeader(ANN, US)),
        (v2(block() + field(0x20, b"\x01" + bytes(4) + field(0x21, b"TLSv1.3"))), ProxyHeader(ANN, US)),
        (v2(block() + field(4, bytes(MAX_BLOCK_OCTETS - 12 - 3))), ProxyHeader(ANN, US)),
        (checked(), ProxyHeader(ANN, US)),
        (checked(field(4, b"\0\0"), field(2, b"mx.example.org")), ProxyHeader(ANN, US)),
        (v2(b"", command=0x20, family=0), NOBODY),
        (v2(b"anything", command=0x20, family=0x11), NOBODY),
        (v2(b"", family=0x00), NOBODY),
        (v2(b"anything", family=0x01), NOBODY),
        (v2(block(), family=0x12), NOBODY),
        (v2(bytes(216), family=0x31), NOBODY),
    ],
)
def test_a_header_of_version_2_is_read(octets: bytes, header: ProxyHeader) -> None:
    assert read(octets) == (header, b"")
    assert read(octets, [1] * len(octets)) == (header, b"")


@pytest.mark.parametrize(
    "octets",
    [
        SIGNATURE[:-1] + b"\r" + v2(block())[12:],
        v2(block(), command=0x11),
        v2(block(), command=0x22),
        v2(block(), command=0x01),
        v2(block(), family=0x41),
        v2(block(), family=0x13),
        v2(block()[:-1]),
        v2(b""),
        v2(block(), family=0x21),
        v2(block() + b"\4"),
        v2(block() + b"\4\0"),
        v2(block() + b"\4\0\1"),
        v2(block() + field(4, b"xy")[:-1]),
        v2(bytes(MAX_BLOCK_OCTETS + 1), command=0x20),
        v2(block() + field(3, b"\0\0\0\0")),
        v2(block() + field(3, b"")),
        checked()[:-1] + b"\0",
        checked(behind=field(3, b"\0\0\0\0")),
    ],
)
def test_any_other_block_is_refused(octets: bytes) -> None:
    for sizes in ((), [1] * len(octets)):
        with pytest.raises(RemoteProtocolError, match="PROXY"):
            read(octets, sizes)


def test_a_second_checksum_is_refused_even_if_it_fits() -> None:
    header = checked(behind=field(4, b""))
    assert read(header)[0] == ProxyHeader(ANN, US)
    twice = v2(header[16:-3] + field(3, bytes(4)))
    with pytest.raises(RemoteProtocolError, match="checksum"):
        read(twice)


# RFC 3720 B.4 has these, for the same polynomial.
@pytest.mark.parametrize(
    ("octets", "checksum"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
    ],
)
def test_the_checksum_is_the_one_of_castagnoli(octets: bytes, checksum: int) -> None:
    assert crc32c(octets) == checksum


# -- the reader


def test_nothing_is_known_before_the_last_octet() -> None:
    for header in (V1, v2(block())):
        assert read(header[:-1])[0] is None


def test_a_caller_that_reads_too_far_is_told_so() -> None:
    reader = ProxyReader()
    with pytest.raises(LocalProtocolError, match="no more than 15"):
        reader.receive_data(v2(block()))
    reader.receive_data(b"PROXY UNKNOWN\r\n")
    assert reader.wanted == 0
    with pytest.raises(LocalProtocolError, match="no more than 0"):
        reader.receive_data(b"E")


ips = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6).filter(lambda ip: not getattr(ip, "ipv4_mapped", None)))
ports = st.integers(0, 65535)
sizes_of_reads = st.lists(st.integers(1, 40), max_size=40)


@given(st.data(), st.binary(max_size=50), sizes_of_reads)
def test_what_follows_a_header_is_left_alone_however_it_is_cut(
    data: st.DataObject, behind: bytes, sizes: list[int]
) -> None:
    client_ip = data.draw(ips)
    server_ip = data.draw(st.ip_addresses(v=client_ip.version).filter(lambda ip: not getattr(ip, "ipv4_mapped", None)))
    client, server = Socket(str(client_ip), data.draw(ports)), Socket(str(server_ip), data.draw(ports))
    fields = data.draw(st.lists(st.tuples(st.integers(4, 255), st.binary(max_size=9)), max_size=3))
    line = f"PROXY TCP{client_ip.version} {client.ip} {server.ip} {client.port} {server.port}\r\n".encode()
    rest = b"".join(field(kind, value) for kind, value in fields)
    binary = v2(block(client, server) + rest, family=0x11 if client_ip.version == 4 else 0x21)
    for octets in (line, binary):
        assert read(octets + behind, sizes) == (ProxyHeader(client, server), behind)


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=60).map(lambda tail: SIGNATURE + tail)), sizes_of_reads)
def test_any_octets_are_read_the_same_however_they_are_cut(octets: bytes, sizes: list[int]) -> None:
    assert outcome(octets, sizes) == outcome(octets, [])


@given(st.data(), sizes_of_reads)
def test_a_damaged_header_is_read_the_same_however_it_is_cut(data: st.DataObject, sizes: list[int]) -> None:
    octets = bytearray(data.draw(st.sampled_from([V1, v2(block()), checked()])))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    assert outcome(bytes(octets), sizes) == outcome(bytes(octets), [])


@given(st.integers(16, 34), st.integers(1, 255))
def test_a_checksum_shows_any_octet_that_has_changed(place: int, change: int) -> None:
    octets = bytearray(checked())
    octets[place] ^= change
    assume(place not in range(28, 31))  # the frame of the field, whose change is another fault
    with pytest.raises(RemoteProtocolError, match="checksum"):
        read(bytes(octets))


def outcome(octets: bytes, sizes: Iterable[int]) -> tuple[ProxyHeader | None, bytes] | None:
    """What comes of a stream; None: it is refused."""
    try:
        return read(octets, sizes)
    except RemoteProtocolError:
        return None
