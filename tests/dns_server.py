"""A DNS server on loopback, UDP and TCP, that puts a table of zones on the wire.

It stands for a validating resolver: AD is set where the table calls a domain signed and the question asked for it.
"""

import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import trio
from attrs import define, field

from empath.sim.zones import Record, RecordSet, Zones
from empath.world import DnsTemporary, MxRecord, NoData, NoSuchDomain, TcpEndpoint, TlsaRecord


@define(eq=False)
class DnsServer:
    """The server. ``asked`` counts questions by name and type, over both transports."""

    zones: Zones
    asked: Counter[tuple[str, str]] = field(init=False, factory=Counter)
    transports: Counter[str] = field(init=False, factory=Counter)
    garbled: set[str] = field(init=False, factory=set)
    """Names that are answered with octets that are no message."""
    refused: set[str] = field(init=False, factory=set)
    foreign_first: set[str] = field(init=False, factory=set)
    """Names whose answer is preceded by one that carries another id."""
    answering: trio.Event = field(init=False, factory=trio.Event)
    """Until it is set, questions wait. Set from the start."""
    endpoint: TcpEndpoint = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.answering.set()

    def reply(self, wire: bytes, *, udp: bool) -> list[bytes]:
        """Return the packets that answer a question."""
        query = dns.message.from_wire(wire)
        name = query.question[0].name.to_text(omit_final_dot=True).lower()
        self.asked[name, dns.rdatatype.to_text(query.question[0].rdtype)] += 1
        self.transports["udp" if udp else "tcp"] += 1
        if name in self.zones.silent:
            return []
        if name in self.garbled:
            return [wire[:2] + b"\xff" * 20]
        response = self._response(query, name)
        packets = [self._to_wire(response, query, udp=udp)]
        if name in self.foreign_first:
            packets.insert(0, bytes([wire[0] ^ 0xFF]) + packets[0][1:])
        return packets

    def _response(self, query: dns.message.Message, name: str) -> dns.message.Message:
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        response = dns.message.make_response(query, recursion_available=True)
        security = self.zones.security_of(name)
        if name in self.refused:
            response.set_rcode(dns.rcode.REFUSED)
            return response
        try:
            found = self.zones.find(name, kind)
        except DnsTemporary:
            response.set_rcode(dns.rcode.SERVFAIL)
            return response
        except (NoData, NoSuchDomain) as missing:
            security = missing.security
            if isinstance(missing, NoSuchDomain):
                response.set_rcode(dns.rcode.NXDOMAIN)
            soa = f"ns.example. root.example. 1 3600 600 86400 {self.zones.negative_ttl_s}"
            response.authority.append(dns.rrset.from_text(".", 86400, "IN", "SOA", soa))
        else:
            security = self.zones.security_of(*found.names)
            for owner, alias in found.chain:
                response.answer.append(rrset(owner, "CNAME", alias))
            response.answer.append(rrset(found.name, kind, found.records))
        if query.flags & dns.flags.AD and security.name == "SECURE":
            response.flags |= dns.flags.AD
        return response

    def _to_wire(self, response: dns.message.Message, query: dns.message.Message, *, udp: bool) -> bytes:
        try:
            return response.to_wire(max_size=(query.payload or 512) if udp else 65535)
        except dns.exception.TooBig:
            short = dns.message.make_response(query)
            short.flags |= dns.flags.TC
            return short.to_wire()


def rrset(owner: str, kind: str, records: RecordSet) -> dns.rrset.RRset:
    """Return a record set as dnspython has it."""
    texts = [presentation(record) for record in records.records]
    return dns.rrset.from_text_list(absolute(owner), records.ttl_s, "IN", kind, texts)


def presentation(record: Record) -> str:
    """Return a record as a zone file writes it."""
    match record:
        case MxRecord(preference, host):
            return f"{preference} {absolute(host)}"
        case TlsaRecord(usage, selector, matching_type, data):
            return f"{usage} {selector} {matching_type} {data.hex()}"
        case bytes():
            pieces = [record[start : start + 100] for start in range(0, len(record), 100)] or [b""]
            return " ".join('"' + "".join(f"\\{octet:03}" for octet in piece) + '"' for piece in pieces)
        case _:
            return record if record.replace(".", "").isdigit() or ":" in record else absolute(record)


def absolute(name: str) -> str:
    """Return a name with the dot at the end."""
    return name if name.endswith(".") else f"{name}."


@asynccontextmanager
async def serving(zones: Zones) -> AsyncIterator[DnsServer]:
    """Yield a server that answers on one port of loopback by UDP and TCP."""
    server = DnsServer(zones)
    listener, datagrams = _same_port()
    host, port = listener.socket.getsockname()
    server.endpoint = TcpEndpoint(host, port)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_serve_datagrams, server, datagrams)
        nursery.start_soon(_accept, server, listener, nursery)
        yield server
        nursery.cancel_scope.cancel()
    datagrams.close()
    await listener.aclose()


def _same_port() -> tuple[trio.SocketListener, trio.socket.SocketType]:
    stream = socket.create_server(("127.0.0.1", 0))
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(stream.getsockname())
    return trio.SocketListener(trio.socket.from_stdlib_socket(stream)), trio.socket.from_stdlib_socket(datagrams)


async def _serve_datagrams(server: DnsServer, datagrams: trio.socket.SocketType) -> None:
    async with trio.open_nursery() as nursery:
        while True:
            wire, peer = await datagrams.recvfrom(65535)
            nursery.start_soon(_answer_datagram, server, datagrams, wire, peer)


async def _answer_datagram(
    server: DnsServer, datagrams: trio.socket.SocketType, wire: bytes, peer: tuple[str, int]
) -> None:
    packets = server.reply(wire, udp=True)
    await server.answering.wait()
    await _send_all(datagrams, packets, peer)


async def _send_all(datagrams: trio.socket.SocketType, packets: Iterable[bytes], peer: tuple[str, int]) -> None:
    for packet in packets:
        await datagrams.sendto(packet, peer)


async def _accept(server: DnsServer, listener: trio.SocketListener, nursery: trio.Nursery) -> None:
    while True:
        nursery.start_soon(_serve_stream, server, await listener.accept())


async def _serve_stream(server: DnsServer, stream: trio.SocketStream) -> None:
    async with stream:
        length = struct.unpack("!H", await stream.receive_some(2))[0]
        for packet in server.reply(bytes(await stream.receive_some(length)), udp=False):
            await stream.send_all(struct.pack("!H", len(packet)) + packet)
