"""The smuggling matrix, in by DATA and by BDAT, and out by both to a next hop that is no part of Empath.

Each sequence stands in the middle of a message, and behind it what would be a second message for a server that takes
the sequence for an end. Whatever happens, the next hop must see one transaction or none, no CR and no LF on its own in
any octet of the session, and a body that is the one that was sent (RFC 5321 2.3.8, 4.1.1.4, 4.5.2; RFC 3030 2).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

import pytest
import trio

from tests.ingress.stage import Talk
from tests.sim.stage import CLIENT, ENTRANCE, Stage, simulated
from tests.threats.wire import Wiretap

SEQUENCES = {
    "LF.LF": b"\n.\n",
    "LF.CR": b"\n.\r",
    "LF.CRLF": b"\n.\r\n",
    "CR.LF": b"\r.\n",
    "CR.CR": b"\r.\r",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CRLF.CR": b"\r\n.\r",
    "CRLF.CRCRLF": b"\r\n.\r\r\n",
    "CRCRLF.CRCRLF": b"\r\r\n.\r\r\n",
    "CRLF.NUL.CRLF": b"\r\n.\0\r\n",
    "CRLF.CRLF.NUL": b"\r\n\0.\r\n",
    "LFLF.LF": b"\n\n.\n",
    "CRLFCR.CRLF": b"\r\n\r.\r\n",
    "VT and FF": b"\x0b.\x0b\x0c.\x0c\r\n",
    "NEL and LS": "\u0085.\u0085\u2028.\u2028\r\n".encode(),
    "CRLF..CRLF": b"\r\n..\r\n",
}
HIDDEN = b"MAIL FROM:<boss@senders.example>\r\nRCPT TO:<victim@tap.example>\r\nDATA\r\nSubject: smuggled\r\n\r\ninner"
FIRST = b"Subject: innocent\r\n\r\nouter"
LONE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


def smuggler(sequence: bytes) -> bytes:
    return FIRST + sequence + HIDDEN + b"\r\n"


def as_data(content: bytes, *, stuffed: bool = True) -> list[bytes]:
    """DATA, stuffed as the sequence is meant to be read by somebody who is lenient: not at all."""
    body = content.replace(b"\r\n.", b"\r\n..") if stuffed else content
    return [b"DATA\r\n", body + b".\r\n"]


def as_one_chunk(content: bytes) -> list[bytes]:
    return [b"BDAT %d LAST\r\n" % len(content) + content]


def as_chunks(content: bytes) -> list[bytes]:
    """BDAT with a cut before every octet of the sequence, so that none comes as a whole."""
    start, end = len(FIRST), len(content) - len(HIDDEN) - 2
    cuts = [0, *range(start, end + 1), len(content)]
    pieces = [content[one:other] for one, other in pairwise(cuts)]
    return [
        b"BDAT %d%s\r\n" % (len(piece), b" LAST" if number == len(pieces) - 1 else b"") + piece
        for number, piece in enumerate(pieces)
    ]


async def deliver(steps: list[bytes], *, expected: str, offers: tuple[bytes, ...] = ()) -> Wiretap:
    """Bring one message, in these steps, and return what the next hop saw of it. ``expected``: the reply's class."""
    stage = Stage()
    stage.simulation.zones.add_host("mx.tap.example", "203.0.113.99")
    stage.simulation.zones.add_mx("tap.example", "mx.tap.example")
    tap = Wiretap(stage.simulation.network.host("203.0.113.99"), offers)
    host = stage.simulation.network.host_at(CLIENT)
    assert host is not None
    async with trio.open_nursery() as nursery:
        await nursery.start(tap.run)
        async with stage.play():
            talk = Talk(await host.connect(ENTRANCE))
            await talk.reply()
            await talk.code(b"EHLO client.example\r\n")
            await talk.codes(b"MAIL FROM:<mallory@senders.example>\r\nRCPT TO:<bob@tap.example>\r\n", 2)
            codes = [await talk.code(step) for step in steps]
            classes = {(code or b"")[:1].decode() for code in codes}
            assert "5" in classes if expected == "5" else classes <= {"2", "3"}, codes
            await trio.sleep(5)
        nursery.cancel_scope.cancel()
    return tap


def check(tap: Wiretap, content: bytes) -> None:
    """One transaction at most, clean octets, and the content that was sent."""
    assert sum(command.startswith(b"MAIL") for command in tap.commands) == len(tap.bodies) <= 1
    assert [LONE.findall(bytes(session)) for session in tap.sessions] == [[]] * len(tap.sessions)
    assert not any(b"smuggled" in command or b"boss" in command for command in tap.commands)
    for arrived in tap.contents:
        assert arrived.endswith(content)
        assert arrived.partition(content)[0].startswith(b"Received: ")


def refused(sequence: bytes) -> bool:
    return bool(LONE.search(sequence)) or b"\0" in sequence


each_sequence = pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
each_hop = pytest.mark.parametrize(
    "offers",
    [(), (b"CHUNKING",), (b"CHUNKING", b"PIPELINING")],
    ids=["out by DATA", "out by BDAT", "out by BDAT in one write"],
)


@each_hop
@each_sequence
@simulated
async def test_by_data_nothing_is_smuggled_in_or_out(sequence: bytes, offers: tuple[bytes, ...]) -> None:
    content = smuggler(sequence)
    steps = as_data(content, stuffed=not refused(sequence))
    tap = await deliver(steps, expected="5" if refused(sequence) else "2", offers=offers)
    assert bool(tap.bodies) is not refused(sequence)
    check(tap, content)


@each_hop
@each_sequence
@simulated
async def test_by_one_chunk_nothing_is_smuggled_in_or_out(sequence: bytes, offers: tuple[bytes, ...]) -> None:
    content = smuggler(sequence)
    tap = await deliver(as_one_chunk(content), expected="5" if refused(sequence) else "2", offers=offers)
    assert bool(tap.bodies) is not refused(sequence)
    check(tap, content)


@each_hop
@each_sequence
@simulated
async def test_by_chunks_that_cut_the_sequence_nothing_is_smuggled_in_or_out(
    sequence: bytes, offers: tuple[bytes, ...]
) -> None:
    content = smuggler(sequence)
    tap = await deliver(as_chunks(content), expected="5" if refused(sequence) else "2", offers=offers)
    assert bool(tap.bodies) is not refused(sequence)
    check(tap, content)


@pytest.mark.parametrize("bring", [as_one_chunk, as_chunks])
@simulated
async def test_the_true_end_is_content_in_a_chunk_and_its_dot_is_doubled_on_the_way_out(
    bring: Callable[[bytes], list[bytes]],
) -> None:
    content = smuggler(b"\r\n.\r\n")
    tap = await deliver(bring(content), expected="2")
    assert b"outer\r\n..\r\nMAIL FROM" in tap.bodies[0]
    check(tap, content)


@each_hop
@simulated
async def test_what_looks_like_an_end_arrives_as_content_whichever_way_it_goes_out(offers: tuple[bytes, ...]) -> None:
    content = smuggler(b"\r\n.\r\n")
    tap = await deliver(as_one_chunk(content), expected="2", offers=offers)
    assert any(command.startswith(b"BDAT") for command in tap.commands) is bool(offers)
    check(tap, content)
