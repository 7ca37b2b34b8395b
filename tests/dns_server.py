"""A DNS server on loopback, UDP and TCP, that puts a table of zones on the wire.

It stands for a validating resolver: AD is set where the table calls a domain signed and the question asked for it.
"""

import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import trio
from attrs import define, field, frozen

from empath.sim.zones import Record, RecordSet, Zones
from empath.world import DnsTemporary, MxRecord, NoData, NoSuchDomain, TcpEndpoint, TlsaRecord


@frozen
class Seen:
    """Where a datagram with a question came from, and its id."""

    id: int
    port: int


class Forgery(Enum):
    """What is wrong with an answer that somebody else sends before the server does (RFC 5452 3)."""

    OTHER_ID = auto()
    OTHER_QUESTION = auto()
    OTHER_SOURCE = auto()
    NO_RESPONSE = auto()
    """It is a question."""


POINTER_LOOP = b"\x81\x80\0\1\0\1\0\0\0\0" + b"\xc0\x0c\0\x0f\0\1"
"""A message, but for its id, whose question is a name that points to itself (RFC 1035 4.1.4)."""


@define(eq=False)
class DnsServer:
    """The server. ``asked`` counts questions by name and type, over both transports."""

    zones: Zones
    asked: Counter[tuple[str, str]] = field(init=False, factory=Counter)
    transports: Counter[str] = field(init=False, factory=Counter)
    seen: list[Seen] = field(init=False, factory=list)
    garbled: dict[str, bytes] = field(init=False, factory=dict)
    """Names that are answered with these octets behind the id."""
    garbled_over_tcp: dict[str, bytes] = field(init=False, factory=dict)
    """The same, where the answer over TCP is another one."""
    cut_short: set[str] = field(init=False, factory=set)
    """Names whose answers are truncated, on either transport."""
    refused: set[str] = field(init=False, factory=set)
    referred: set[str] = field(init=False, factory=set)
    """Names that are answered with the name servers that would know."""
    forged_first: dict[str, Forgery] = field(init=False, factory=dict)
    """Names whose answer is preceded by one that somebody else made up."""
    strays: list[dns.rrset.RRset] = field(init=False, factory=list)
    """Records that nobody asked for, and that are in every answer."""
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
            octets = self.garbled[name] if udp else self.garbled_over_tcp.get(name, self.garbled[name])
            return [wire[:2] + octets]
        return [self._to_wire(self._response(query, name), query, udp=udp)]

    def forged(self, wire: bytes) -> tuple[bytes, Forgery] | None:
        """Return the packet that comes before the answer to a question, if there is one."""
        query = dns.message.from_wire(wire)
        question = query.question[0]
        forgery = self.forged_first.get(question.name.to_text(omit_final_dot=True).lower())
        if forgery is None:
            return None
        response = dns.message.make_response(query, recursion_available=True)
        response.answer.append(dns.rrset.from_text(question.name, 300, "IN", "MX", "1 evil.example."))
        if forgery is Forgery.OTHER_ID:
            response.id = query.id ^ 0xFF00
        if forgery is Forgery.OTHER_QUESTION:
            response.question = [dns.rrset.RRset(question.name, dns.rdataclass.IN, dns.rdatatype.TXT)]
        if forgery is Forgery.NO_RESPONSE:
            response.flags &= ~dns.flags.QR
        return response.to_wire(), forgery

    def _response(self, query: dns.message.Message, name: str) -> dns.message.Message:
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        response = dns.message.make_response(query, recursion_available=True)
        security = self.zones.security_of(name)
        if name in self.refused:
            response.set_rcode(dns.rcode.REFUSED)
            return response
        response.answer += self.strays
        if name in self.referred:
            response.flags &= ~dns.flags.RA
            response.authority.append(dns.rrset.from_text("example.", 300, "IN", "NS", "ns.example."))
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
            if response.question[0].name.to_text(omit_final_dot=True) in self.cut_short:
                raise dns.exception.TooBig
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
    server.seen.append(Seen(int.from_bytes(wire[:2], "big"), peer[1]))
    packets = server.reply(wire, udp=True)
    await server.answering.wait()
    if made_up := server.forged(wire):
        packet, forgery = made_up
        await _send_forged(datagrams, packet, peer, forgery)
    for packet in packets:
        await datagrams.sendto(packet, peer)


async def _send_forged(
    datagrams: trio.socket.SocketType, packet: bytes, peer: tuple[str, int], forgery: Forgery
) -> None:
    if forgery is not Forgery.OTHER_SOURCE:
        await datagrams.sendto(packet, peer)
        return
    with trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        await stranger.sendto(packet, peer)


async def _accept(server: DnsServer, listener: trio.SocketListener, nursery: trio.Nursery) -> None:
    while True:
        nursery.start_soon(_serve_stream, server, await listener.accept())


async def _serve_stream(server: DnsServer, stream: trio.SocketStream) -> None:
    async with stream:
        length = struct.unpack("!H", await stream.receive_some(2))[0]
        for packet in server.reply(bytes(await stream.receive_some(length)), udp=False):
            await stream.send_all(struct.pack("!H", len(packet)) + packet)
