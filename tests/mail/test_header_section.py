"""Header sections that come in block by block."""

import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.header_section import Section, SectionFault, SectionGate
from empath.mail.headers import split

PIECES = st.sampled_from(
    [
        b"Subject: x\r\n",
        b"Return-Path: <a@b>\r\n",
        b"return-path \t: <a@b>\r\n\tfolded\r\n",
        b"X-Return-Path: y\r\n",
        b" Return-Path: folded\r\n",
        b"Received: from a\r\n by b\r\n",
        b"From: a@b\r\n",
        b"no field\r\n",
        b"\r\n",
        b"Return-Path: <body@b>\r\n",
        b"\xff\x00:\r\n",
        b"unfinished",
    ]
)
MESSAGES = st.lists(PIECES, max_size=12).map(b"".join)


def let_through(message: bytes, cuts: list[int], gate: SectionGate | None = None) -> tuple[bytes, SectionGate]:
    gate = gate or SectionGate(100_000, 1000)
    edges = [0, *sorted({cut % (len(message) + 1) for cut in cuts}), len(message)]
    blocks = [gate.feed(message[start:end]) for start, end in pairwise(edges) if start < end]
    return b"".join([*blocks, gate.end()]), gate


@given(MESSAGES, st.lists(st.integers(0, 400), max_size=6))
def test_however_it_is_cut_all_passes_as_it_came_but_return_path_in_the_section(
    message: bytes, cuts: list[int]
) -> None:
    section, _ = split(message)
    passed, gate = let_through(message, cuts)
    assert gate.section is not None
    assert passed.endswith(message[len(section) :])
    kept, lost = split(passed)[0], b""
    assert gate.section.octets == kept
    if b"return-path" not in section.lower():
        assert passed == message
    for field in section.replace(b"\r\n ", b"\0").replace(b"\r\n\t", b"\1").split(b"\r\n"):
        if field.lower().partition(b":")[0].rstrip(b" \t") != b"return-path":
            lost += field.replace(b"\0", b"\r\n ").replace(b"\1", b"\r\n\t") + b"\r\n"
    assert kept == lost[:-2]


def test_nothing_passes_before_the_section_has_ended() -> None:
    gate = SectionGate(1000, 10)
    assert gate.feed(b"Subject: x\r") == b""
    assert gate.feed(b"\n\r") == b""
    assert gate.feed(b"\nbody") == b"Subject: x\r\n\r\nbody"
    assert gate.feed(b"more\r\n\r\nReturn-Path: z\r\n") == b"more\r\n\r\nReturn-Path: z\r\n"
    assert gate.end() == b""


def test_fields_are_found_in_every_spelling_of_their_names() -> None:
    _, gate = let_through(
        b"FROM: a\r\nfrom\t : b\r\nX-From: c\r\nDate: d\r\nSubject:\r\n From: e\r\nMessage-Id: f\r\n\r\n", []
    )
    assert gate.section is not None
    assert [gate.section.count(name) for name in (b"from", b"date", b"message-id", b"received")] == [2, 1, 1, 0]


@pytest.mark.parametrize(
    ("fields", "optional"),
    [
        (b"TLS-Required: No\r\n", True),
        (b"tls-required:no\r\n", True),
        (b"Subject: x\r\nTLS-Required:\r\n\tNo \r\n", True),
        (b"TLS-Required: Yes\r\n", False),
        (b"TLS-Required: No, really\r\n", False),
        (b"TLS-Required: No\r\nTLS-Required: No\r\n", False),
        (b"X-TLS-Required: No\r\n", False),
        (b"Subject: TLS-Required: No\r\n", False),
        (b"Subject: x\r\n TLS-Required: No\r\n", False),
        (b"", False),
    ],
)
def test_tls_is_optional_if_one_field_says_so_and_no_other_thing(fields: bytes, *, optional: bool) -> None:
    assert Section(fields).says_tls_is_optional is optional


def test_hops_are_counted_in_sections_of_any_length() -> None:
    trace = b"Received: from a\r\n by b; today\r\n"
    _, gate = let_through(trace * 700 + b"\r\n" + trace, [10, 1000, 20_000])
    assert gate.section is not None
    assert gate.section.hops == 700


@pytest.mark.parametrize("block", [1, 7, 1000, 65536, 10_000_000])
@pytest.mark.parametrize(
    ("bomb", "fault"),
    [
        (b"A: b\r\n" * 60_000, SectionFault.TOO_LARGE),
        (b"A: b\r\n" * 1001 + b"\r\nbody", SectionFault.TOO_MANY_FIELDS),
        (b"A: " + b"x" * 1_000_000, SectionFault.TOO_LARGE),
        (b"A: " + b"(" * 1_000_000 + b"\r\n\r\n", SectionFault.TOO_LARGE),
        (b"A:" + b"\r\n " * 300_000, SectionFault.TOO_LARGE),
        (b"To: " + b"a@b,\r\n " * 150_000 + b"c@d\r\n\r\n", SectionFault.TOO_LARGE),
    ],
)
def test_a_header_bomb_is_refused_and_nothing_of_it_passes(bomb: bytes, fault: SectionFault, block: int) -> None:
    bomb = bomb if block > 1 else bomb[:200_000]
    gate = SectionGate(100_000, 1000)
    for start in range(0, len(bomb), block):
        assert gate.feed(bomb[start : start + block]) == b""
    assert gate.end() == b""
    assert gate.fault is fault
    assert gate.section is None


def test_what_is_held_back_is_bounded() -> None:
    gate = SectionGate(100_000, 1000)
    tracemalloc.start()
    for _ in range(3000):
        gate.feed(b"A: " + b"x" * 9_995 + b"\r\n")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000


def test_the_bounds_themselves_are_allowed() -> None:
    section = b"A: b\r\n" * 10
    assert let_through(section + b"\r\nbody", [], SectionGate(len(section), 10))[0] == section + b"\r\nbody"
    assert let_through(section + b"\r\nbody", [], SectionGate(len(section) - 1, 10))[1].fault is SectionFault.TOO_LARGE
    assert let_through(section + b"\r\nbody", [], SectionGate(1000, 9))[1].fault is SectionFault.TOO_MANY_FIELDS
    folded = b"A: b\r\n c\r\n\td\r\n" * 10
    assert let_through(folded, [], SectionGate(1000, 10))[1].fault is None


@pytest.mark.parametrize(
    "body", [b"no field\r\n" * 20_000, b"\r\n" + b"x: y\r\n" * 60_000, b"A: b\r\nno field\r\n" * 20_000]
)
def test_a_long_body_is_no_long_section(body: bytes) -> None:
    for cuts in ([], list(range(0, len(body), 4096))):
        passed, gate = let_through(body, cuts)
        assert (passed, gate.fault) == (body, None)
