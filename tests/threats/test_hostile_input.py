"""What a client says is data: it opens no shell, names no file, ends no line, and takes no more room than it may."""

import logging
import ssl
import time
import tracemalloc

import pytest
import trio
import trustme
from trio.testing import MockClock

from empath.config.schema import LimitSettings, ListenerSettings, ListenerTls
from empath.mail.facts import SessionClosed
from empath.ops.logbook import Logbook
from empath.ops.logbook.formats import LogfmtFormatter
from empath.sim.vfs import SimulatedVfs
from empath.world.clock import SystemClock
from tests.ingress.stage import ENTRANCE, ENVELOPE, Talk, stage
from tests.sim.stage import Stage, simulated, sqlite_on

NASTY = [
    '"$(touch${IFS}owned)"',
    "`id`",
    "${run{/bin/sh}}",
    "|/bin/sh",
    "/etc/passwd",
    '"../../../../owned"',
    '"..%2f..%2fowned"',
    "%s%n%x",
    '"{0.__class__}"',
    "'--",
    "x'OR'1'='1",
    '"\\"; DROP TABLE delivery; --"',
    '"a b<c>(d)"',
    '".."',
    "-oQ/tmp",
    "a#b!c%d",
    "CON",
    "a" * 64,
]


@simulated
async def test_an_address_is_data_from_the_wire_over_the_queue_to_the_next_hop() -> None:
    stage = Stage()
    vfs = SimulatedVfs(stage.simulation.files)
    stage.open_store = sqlite_on(vfs)
    server = stage.site("example.org")
    await stage.simulation.world.disk.make_directory(stage.config.queue_path)
    async with stage.play():
        for number, local in enumerate(NASTY):
            await stage.send(str(number), f"{local}@example.org", sender=f"{local}@senders.example")
        await trio.sleep(60)
    arrived = [str(taken.recipients[0]) for taken in server.taken]
    assert sorted(arrived) == sorted(f"{local}@example.org" for local in NASTY)
    assert {str(taken.reverse_path) for taken in server.taken} == {f"{local}@senders.example" for local in NASTY}


@pytest.fixture(scope="module")
def certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.empath.example").configure_cert(context)
    return context


async def test_behind_a_handshake_that_failed_nothing_is_answered_in_clear(
    autojump_clock: MockClock, certificate: ssl.SSLContext
) -> None:
    listener = ListenerSettings(listen_addr=ENTRANCE, tls=ListenerTls.STARTTLS)
    async with stage(listener=listener, tls=certificate) as place:
        talk = await place.greeted()
        assert await talk.code(b"STARTTLS\r\n") == b"220"
        await talk.write(b"EHLO client.example\r\n" + ENVELOPE)
        assert b"250" not in await all_that_comes(talk)
        assert len(place.said(SessionClosed)) == 1


async def test_one_that_says_nothing_hears_421_and_is_closed(autojump_clock: MockClock) -> None:
    async with stage(limits=LimitSettings(command_timeout_s=60)) as place:
        talk = await place.greeted()
        assert [await talk.code(), await talk.code()] == [b"421", None]
        assert trio.current_time() == pytest.approx(60, abs=1)


BOMBS = {
    "sixty thousand fields": b"X: y\r\n" * 60_000,
    "one field of a megabyte": b"X: " + b"z" * 900 + (b"\r\n " + b"z" * 900) * 1100 + b"\r\n",
    "nested comments": b"From: " + (b"(" * 900 + b"\r\n ") * 200 + b"a@b.example\r\n",
    "a hundred and fifty thousand addresses": b"To: " + b"a@b.example,\r\n " * 150_000 + b"c@d.example\r\n",
    "deep MIME": b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (depth, depth) for depth in range(20_000)
    ),
    "folds without end": b"X:" + b"\r\n " * 500_000 + b"\r\n",
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
async def test_a_header_bomb_takes_time_in_proportion(autojump_clock: MockClock, bomb: bytes) -> None:
    async with stage(inline_limit_bytes=256 * 1024) as place:
        talk = await place.greeted()
        await talk.codes(ENVELOPE + b"DATA\r\n", 3)
        began = time.process_time()
        answer = await talk.code(bomb + b"\r\ntext\r\n.\r\n")
        assert answer in {b"250", b"552", b"554"}
        # A quadratic step would take minutes.
        assert time.process_time() - began < 10


async def test_an_endless_line_in_a_command_takes_no_room(autojump_clock: MockClock) -> None:
    async with stage() as place:
        talk = await place.greeted()
        assert await growth_bytes(talk, b"MAIL FROM:<") < 2_000_000
        assert await talk.code(b">\r\n") == b"500"
        assert await talk.code(b"NOOP\r\n") == b"250"


@pytest.mark.parametrize("begin", [b"DATA\r\n", b"BDAT 20000000 LAST\r\n"])
async def test_content_without_a_line_end_takes_no_room(autojump_clock: MockClock, begin: bytes) -> None:
    async with stage() as place:
        talk = await place.greeted()
        await talk.codes(ENVELOPE, 2)
        await talk.write(begin)
        await trio.sleep(1)
        assert await growth_bytes(talk, b"") < 2_000_000
        assert place.spool.accepted == []


@pytest.mark.parametrize("local", ["a\u2028b", "a\u0085b", "a\u202eb", "a\u200bb"])
async def test_a_log_line_is_one_line_of_printable_characters_whatever_an_address_holds(
    autojump_clock: MockClock, local: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage() as place:
        talk = await place.greeted()
        await talk.codes(f"MAIL FROM:<{local}@c.example> SMTPUTF8\r\n".encode(), 1)
        await talk.codes(f"RCPT TO:<{local}@anywhere.example>\r\nDATA\r\n".encode(), 2)
        await talk.code(b"x\r\n.\r\n")
        logbook = Logbook(SystemClock())
        with caplog.at_level(logging.INFO, "empath"):
            for fact in place.facts:
                logbook.observe(fact)
    lines = [LogfmtFormatter().format(record) for record in caplog.records]
    assert lines
    assert all(line.isprintable() for line in lines)


async def growth_bytes(talk: Talk, before: bytes) -> int:
    """Send twenty megabytes without a line end; by how much memory was higher meanwhile than before."""
    block = b"x" * 65_536
    tracemalloc.start()
    try:
        await talk.write(before)
        at_first, _ = tracemalloc.get_traced_memory()
        for _ in range(20_000_000 // len(block)):
            await talk.write(block)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return peak - at_first


async def all_that_comes(talk: Talk) -> bytes:
    """What the server says until it closes."""
    said = bytearray()
    try:
        while octets := await talk.stream.receive_some():
            said += octets
    except trio.BrokenResourceError:
        pass
    return bytes(said)
