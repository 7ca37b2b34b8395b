"""The runner sees it when a server does something else than the dialogue says."""

import pytest

from tests.dialogues.reading import read
from tests.dialogues.runner import MemoryPeer, Mismatch, drive, in_pieces, together

OPENING = "# RFC 5321\noffer: PIPELINING\nS~ 220\nC: EHLO client.example\nS: 250-mx.example.org\nS: 250 PIPELINING\n"
MESSAGE = (
    "C: MAIL FROM:<ann@example.com>\nS~ 250\nC: RCPT TO:<bob@example.org>\nS~ 250\n"
    "C: DATA\nS~ 354\nC: hello\nC: .\nS~ 250\n"
)
ACCEPTED = "M: <ann@example.com> to <bob@example.org>\n"


async def play(text: str) -> None:
    dialogue = read("some.txt", OPENING + text)
    await drive(dialogue, MemoryPeer(dialogue.settings))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("C: NOOP\nS: 250 2.0.0\n", r"some\.txt:8: expected b'250 2\.0\.0'\n"),
        ("C: NOOP\nS~ 251\n", r"some\.txt:8: expected b'251'\.\.\."),
        ("C: NOOP\nS~ 250\nS~ 250\n", r"some\.txt:9: expected b'250'(?s:.*)  nothing"),
        ("C: RSET\nC: RSET\nS~ 250\n", r"some\.txt:9: expected no further reply"),
        ("C: QUIT\nS~ 221\n", r"some\.txt:8: expected the server to stay connected"),
        ("C: NOOP\nS~ 250\nCLOSED\n", r"some\.txt:9: expected the server to close"),
        ("C: RSET\nC: QUIT\nS~ 250\nCLOSED\n", r"some\.txt:10: expected the server to close(?s:.*)S b'221 "),
        (MESSAGE, r"expected to be accepted: nothing\naccepted:\n  <ann@example\.com> to <bob@example\.org>: b'hello"),
        (ACCEPTED, r"expected to be accepted:\n  <ann@example\.com> to <bob@example\.org>: None\naccepted: nothing"),
        (MESSAGE + ACCEPTED * 2, "expected to be accepted:"),
        (MESSAGE + ACCEPTED.replace("ann", "carl"), "expected to be accepted:"),
        (MESSAGE + ACCEPTED.replace("bob", "carl"), "expected to be accepted:"),
        (MESSAGE + ACCEPTED + "M| hallo\n", "expected to be accepted:"),
        (MESSAGE + ACCEPTED + "M~\n", "expected to be accepted:"),
    ],
)
async def test_a_difference_is_a_mismatch_that_names_its_line(text: str, complaint: str) -> None:
    with pytest.raises(Mismatch, match=complaint):
        await play(text)


@pytest.mark.parametrize("ending", [ACCEPTED, ACCEPTED + "M| hello\n", ACCEPTED + "M~ hel\nM~ lo\\r\\n\n"])
async def test_a_message_is_compared_with_as_much_as_is_said_of_it(ending: str) -> None:
    await play(MESSAGE + ending)


async def test_what_was_said_stands_in_the_mismatch() -> None:
    with pytest.raises(Mismatch) as caught:
        await play("C: NOOP\nS~ 500\n")
    assert str(caught.value).splitlines()[1:3] == [
        "S b'220 mx.example.org at your service'",
        "C b'EHLO client.example\\r\\n'",
    ]


def test_both_ways_to_send_a_group_send_all_of_it() -> None:
    assert list(together(b"NOOP\r\n")) == [b"NOOP\r\n"]
    assert list(in_pieces(b"NO\r\n")) == [b"N", b"O", b"\r", b"\n"]
