"""The header of a proxy, against the plainest reading of HAProxy's specification."""

import ipaddress
import re
from collections.abc import Iterable

from empath.smtp import ProxyHeader, ProxyReader, RemoteProtocolError
from empath.smtp.proxy import MAX_BLOCK_OCTETS, Socket, crc32c

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LONGEST_LINE = 107


def fuzz(data: bytes) -> None:
    """However a stream is cut, its header and what follows it are told apart as the specification has it.

    Anything that is no header is a RemoteProtocolError. The octets: a seed of the cuts, then the stream.
    """
    seed, stream = data[0] if data else 0, data[1:]
    whole = read(stream, iter(lambda: len(stream), 0))
    assert whole == read(stream, sizes(seed))
    assert whole == plain_read(stream)


def sizes(seed: int) -> Iterable[int]:
    """Sizes of segments, without end."""
    while True:
        seed = seed * 75 % 65537 + 74
        yield 1 + seed % 16


def read(stream: bytes, segments: Iterable[int]) -> tuple[ProxyHeader | None, bytes] | None:
    """The header, or None as long as it is not complete, and what follows it; None alone: this is no header."""
    reader, rest = ProxyReader(), stream
    for size in segments:
        if not rest or reader.header is not None:
            break
        take = min(size, reader.wanted)
        assert take > 0
        try:
            reader.receive_data(rest[:take])
        except RemoteProtocolError as problem:
            _check_reason(problem)
            return None
        rest = rest[take:]
    return reader.header, rest


def _check_reason(problem: RemoteProtocolError) -> None:
    assert str(problem).isprintable(), "a reason goes into logs"


def plain_read(stream: bytes) -> tuple[ProxyHeader | None, bytes] | None:
    """As ``read``, from the whole stream at once."""
    if stream and SIGNATURE.startswith(stream):
        return None, b""
    if stream.startswith(SIGNATURE):
        return _block(stream)
    line, end, rest = stream.partition(b"\r\n")
    if not (b"PROXY ".startswith(stream) or stream.startswith(b"PROXY ")):
        return None
    if end and len(line) + 2 <= LONGEST_LINE:
        header = None if b"\r" in line or b"\n" in line else _line(line.decode("latin-1"))
        return None if header is None else (header, rest)
    # Not complete yet, if it can still become a line.
    open_end = stream.removesuffix(b"\r")
    hopeless = b"\r" in open_end or b"\n" in open_end or len(open_end) + 2 > LONGEST_LINE
    return None if hopeless else (None, b"")


def _line(line: str) -> ProxyHeader | None:
    words = line.split(" ")
    if words[1] == "UNKNOWN":
        return ProxyHeader(None, None)
    if len(words) != 6 or words[1] not in ("TCP4", "TCP6"):
        return None
    version = 4 if words[1] == "TCP4" else 6
    ends = [_end(version, words[2], words[4]), _end(version, words[3], words[5])]
    return None if None in ends else ProxyHeader(*ends)


def _end(version: int, address: str, port: str) -> Socket | None:
    if re.fullmatch("0|[1-9][0-9]*", port, re.ASCII) is None or int(port) > 65535 or not set(address) <= set(_IP):
        return None
    try:
        ip = ipaddress.IPv4Address(address) if version == 4 else ipaddress.IPv6Address(address)
    except ValueError:
        return None
    return Socket(_text(ip), int(port))


_IP = "0123456789abcdefABCDEF:."


def _text(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    mapped = isinstance(ip, ipaddress.IPv6Address) and ip in ipaddress.IPv6Network("::ffff:0:0/96")
    return str(ipaddress.IPv4Address(ip.packed[-4:])) if mapped else str(ip)


def _block(stream: bytes) -> tuple[ProxyHeader | None, bytes] | None:
    if len(stream) < 16:
        return None, b""
    command, family, size = stream[12], stream[13], stream[14] << 8 | stream[15]
    if command not in (0x20, 0x21) or family >> 4 > 3 or family & 15 > 2 or size > MAX_BLOCK_OCTETS:
        return None
    if len(stream) < 16 + size:
        return None, b""
    header, rest, block = stream[: 16 + size], stream[16 + size :], stream[16 : 16 + size]
    if command == 0x20 or family not in (0x11, 0x21):
        return ProxyHeader(None, None), rest
    length = 4 if family == 0x11 else 16
    client, server, ports = block[:length], block[length : 2 * length], block[2 * length : 2 * length + 4]
    if len(ports) < 4 or not _fields_are_right(header, 16 + 2 * length + 4):
        return None
    ends = [(client, ports[:2]), (server, ports[2:])]
    return ProxyHeader(*[Socket(_text(ipaddress.ip_address(ip)), int.from_bytes(port)) for ip, port in ends]), rest


def _fields_are_right(header: bytes, start: int) -> bool:
    checksums = 0
    while start < len(header):
        if start + 3 > len(header):
            return False
        end = start + 3 + (header[start + 1] << 8 | header[start + 2])
        if end > len(header):
            return False
        if header[start] == 3:
            checksums += 1
            zeros = b"".join([header[: start + 3], bytes(end - start - 3), header[end:]])
            if crc32c(zeros) != int.from_bytes(header[start + 3 : end]) or end != start + 7 or checksums > 1:
                return False
        start = end
    return True
