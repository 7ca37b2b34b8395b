"""A client that did not hear our 250, and sends its message again."""

import pytest

from tests.ingress.stage import Stage, stage

CONTENT = b"Message-ID: <1@client.example>\r\nSubject: x\r\n\r\ntext\r\n"
ANN = "MAIL FROM:<a@client.example>\r\nRCPT TO:<ann@anywhere.example>\r\nDATA\r\n"
BOB = ANN.replace("ann@", "bob@")


async def sent(place: Stage, commands: str, content: bytes) -> str:
    """Send a message; what is said to its end."""
    talk = await place.greeted()
    assert await talk.codes(commands.encode(), 3) == [b"250", b"250", b"354"]
    return (await talk.reply_to(content + b".\r\n") or b"").decode()


async def test_the_same_message_again_is_answered_as_before_and_kept_once() -> None:
    async with stage(deduplication_window_s=600.0) as place:
        first, second = [await sent(place, ANN, CONTENT) for _ in range(2)]
        assert first.startswith("250 2.0.0")
        assert second == first
        assert len(place.spool.accepted) == 1


async def test_a_large_message_again_leaves_no_second_file() -> None:
    async with stage(deduplication_window_s=600.0, inline_limit_bytes=100) as place:
        large = CONTENT + b"y" * 70 * 5 + b"\r\n"
        assert await sent(place, ANN, large) == await sent(place, ANN, large)
        assert len(place.spool.accepted) == 1


@pytest.mark.parametrize(
    ("commands", "content"),
    [
        (BOB, CONTENT),
        (ANN.replace("a@client", "c@client"), CONTENT),
        (ANN, CONTENT.replace(b"text", b"Text")),
        (ANN, CONTENT.replace(b"<1@", b"<2@")),
    ],
    ids=["recipient", "sender", "body", "message-id"],
)
async def test_another_message_is_another_message(commands: str, content: bytes) -> None:
    async with stage(deduplication_window_s=600.0) as place:
        assert await sent(place, ANN, CONTENT) != await sent(place, commands, content)
        assert len(place.spool.accepted) == 2


async def test_without_a_message_id_nothing_is_a_repetition() -> None:
    async with stage(deduplication_window_s=600.0) as place:
        for _ in range(2):
            await sent(place, ANN, b"Subject: disk full\r\n\r\ntext\r\n")
        assert len(place.spool.accepted) == 2


async def test_unless_configured_each_is_kept() -> None:
    async with stage() as place:
        for _ in range(2):
            await sent(place, ANN, CONTENT)
        assert len(place.spool.accepted) == 2


async def test_what_the_spool_finds_people_by_comes_from_the_envelope() -> None:
    async with stage() as place:
        await sent(place, ANN, CONTENT)
        (kept,) = place.spool.accepted
        assert (kept.sender, kept.recipients, kept.priority) == ("a@client.example", ("ann@anywhere.example",), 0)
        assert kept.fingerprint is None
