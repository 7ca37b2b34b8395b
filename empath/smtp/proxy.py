"""The header that a proxy puts before the first octet of a client: PROXY protocol, versions 1 and 2.

A proxy that forwards connections hides whose they are. HAProxy's specification ("The PROXY protocol, versions 1 & 2",
doc/proxy-protocol.txt of HAProxy) has it send one header first, a line of text or a binary block, which says where the
client and the address that it dialled are. The specification leaves some things to the receiver; here:

- Who speaks for himself (``LOCAL``), or for a client that has no TCP address (``UNKNOWN``, ``UNSPEC``, a Unix socket,
  UDP), sends a header without ``client``. It is for the caller to trust such a connection with nothing.
- An IPv4 address that is written as IPv6 (RFC 4291 2.5.5.2), as a proxy with one socket for both families does, is the
  IPv4 address: networks and limits are meant for that.
- Of the further fields (TLV) the checksum is checked. What a proxy says of the client's TLS is not used: that session
  ended at the proxy, and what comes from there is in clear.
- A header with anything in it that the specification does not have is refused as a whole, with no reply: who sends it
  is no proxy of ours.

Whether a connection begins with a header is never guessed; the caller knows from whom to expect one.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from attrs import frozen

from empath.smtp.errors import LocalProtocolError, RemoteProtocolError

MAX_BLOCK_OCTETS: Final = 4096
"""Of a version 2 header, behind its first 16 octets. Addresses take 36; the rest is TLV, of which some hold names."""

_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_FIXED: Final = 16
"""Octets of version 2 before the block: signature, version with command, family with transport, length."""
_SHORTEST_LINE: Final = len(b"PROXY UNKNOWN\r\n")
_LONGEST_LINE: Final = 107
"""Of version 1, with CRLF."""
_LINE: Final = re.compile(
    rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?|TCP(?P<version>[46]) (?P<client>[0-9A-Fa-f:.]+) (?P<server>[0-9A-Fa-f:.]+)"
    rb" (?P<client_port>0|[1-9][0-9]{0,4}) (?P<server_port>0|[1-9][0-9]{0,4}))\r\n"
)
_MAX_PORT: Final = 0xFFFF

_LOCAL: Final = 0x20
_PROXY: Final = 0x21
_ADDRESS_OCTETS: Final = {0x11: 4, 0x21: 16}
"""Of one address of TCP over IPv4 and over IPv6."""
_FAMILIES: Final = frozenset(range(4))
_TRANSPORTS: Final = frozenset(range(3))
_CRC32C: Final = 0x03


@frozen
class Socket:
    """One end of a TCP connection: an IP address in its text form, and a port."""

    ip: str
    port: int


@frozen
class ProxyHeader:
    """What a proxy says about a connection."""

    client: Socket | None
    """Who connected to the proxy; None: nobody, or nobody who has an address."""
    server: Socket | None
    """What was dialled; None as ``client`` is."""


_NOBODY: Final = ProxyHeader(None, None)


class ProxyReader:
    """Reads the header of one connection, and not one octet of what follows it, however it is cut into segments."""

    def __init__(self) -> None:
        """Nothing has been read."""
        self._octets = bytearray()
        self.header: ProxyHeader | None = None
        """The header, once it is complete."""

    @property
    def wanted(self) -> int:
        """How many octets the header still has at least: who reads no more at once never reads too far."""
        if self.header is not None:
            return 0
        have = len(self._octets)
        if have < _SHORTEST_LINE:
            return _SHORTEST_LINE - have
        if self._octets[:1] == b"P":
            # CRLF is yet to come, or its LF.
            return 1 if self._octets.endswith(b"\r") else 2
        return self._size() - have

    def receive_data(self, octets: bytes) -> None:
        """Take at most ``wanted`` octets. A RemoteProtocolError: this is no header, and the connection of no use."""
        if len(octets) > self.wanted:
            raise LocalProtocolError(f"{len(octets)} octets, where the header may have no more than {self.wanted}")
        self._octets += octets
        text = bytes(self._octets)
        if not (text.startswith((b"PROXY ", _SIGNATURE)) or b"PROXY ".startswith(text) or _SIGNATURE.startswith(text)):
            raise RemoteProtocolError("no PROXY header")
        if text.startswith(b"P"):
            self._read_line(text)
        elif len(text) >= _FIXED:
            self._read_block(text)

    def _size(self) -> int:
        """The length of a version 2 header, as far as that is known."""
        if len(self._octets) < _FIXED:
            return _FIXED
        return _FIXED + int.from_bytes(self._octets[_FIXED - 2 : _FIXED])

    def _read_line(self, line: bytes) -> None:
        if line.endswith(b"\r\n"):
            self.header = _read_v1(line)
        elif b"\n" in line or b"\r" in line[:-1]:
            raise RemoteProtocolError("a PROXY line ends with CRLF, and holds neither of the two")
        elif len(line) + self.wanted > _LONGEST_LINE:
            raise RemoteProtocolError(f"a PROXY line of more than {_LONGEST_LINE} octets")

    def _read_block(self, header: bytes) -> None:
        if header[12] not in (_LOCAL, _PROXY):
            raise RemoteProtocolError(f"PROXY version and command {header[12]:#04x}")
        if header[13] >> 4 not in _FAMILIES or header[13] & 0xF not in _TRANSPORTS:
            raise RemoteProtocolError(f"PROXY family and transport {header[13]:#04x}")
        if self._size() > _FIXED + MAX_BLOCK_OCTETS:
            raise RemoteProtocolError(f"a PROXY header of {self._size()} octets")
        if len(header) == self._size():
            self.header = _read_v2(header)


def _read_v1(line: bytes) -> ProxyHeader:
    match = _LINE.fullmatch(line)
    if match is None:
        raise RemoteProtocolError("a malformed PROXY line")
    if not match["version"]:
        return _NOBODY
    return ProxyHeader(
        _written(match["version"], match["client"], match["client_port"]),
        _written(match["version"], match["server"], match["server_port"]),
    )


def _written(version: bytes, address: bytes, port: bytes) -> Socket:
    """One end, as version 1 writes it."""
    try:
        ip = ipaddress.ip_address(address.decode("ascii"))
    except ValueError:
        raise RemoteProtocolError("a PROXY line with a malformed address") from None
    if ip.version != int(version) or int(port) > _MAX_PORT:
        raise RemoteProtocolError("a PROXY line with an address of another family, or a port that is none")
    return _socket(ip, int(port))


def _read_v2(header: bytes) -> ProxyHeader:
    size = _ADDRESS_OCTETS.get(header[13])
    if header[12] == _LOCAL or size is None:
        return _NOBODY
    ports = _FIXED + 2 * size
    if len(header) < ports + 4:
        raise RemoteProtocolError("a PROXY header too short for its addresses")
    _check_fields(header, ports + 4)
    return ProxyHeader(
        _socket(ipaddress.ip_address(header[_FIXED : _FIXED + size]), int.from_bytes(header[ports : ports + 2])),
        _socket(ipaddress.ip_address(header[_FIXED + size : ports]), int.from_bytes(header[ports + 2 : ports + 4])),
    )


def _socket(ip: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> Socket:
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return Socket(str(mapped or ip), port)


def _check_fields(header: bytes, start: int) -> None:
    """Step over the type-length-value fields; the checksum, if there is one, must be right (RFC 4960 appendix B)."""
    checked = False
    while start < len(header):
        value = start + 3
        end = value + int.from_bytes(header[start + 1 : value])
        if end > len(header) or value > len(header):
            raise RemoteProtocolError("a PROXY header with a field that is cut off")
        if header[start] == _CRC32C:
            blank = header[:value] + bytes(4) + header[end:]
            # One checksum is one pass over the header. A second one could not be right either.
            if checked or end - value != 4 or crc32c(blank) != int.from_bytes(header[value:end]):
                raise RemoteProtocolError("a PROXY header with a wrong checksum")
            checked = True
        start = end


def _table() -> tuple[int, ...]:
    entries = []
    for entry in range(256):
        for _ in range(8):
            entry = entry >> 1 ^ (0x82F63B78 if entry & 1 else 0)  # noqa: PLW2901  shifted in place, bit by bit
        entries.append(entry)
    return tuple(entries)


_TABLE: Final = _table()


def crc32c(octets: bytes) -> int:
    """The checksum of RFC 4960 appendix B (CRC-32 with Castagnoli's polynomial)."""
    crc = 0xFFFFFFFF
    for octet in octets:
        crc = crc >> 8 ^ _TABLE[(crc ^ octet) & 0xFF]
    return crc ^ 0xFFFFFFFF
