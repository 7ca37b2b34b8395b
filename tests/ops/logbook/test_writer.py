"""When lines of the log are written, and how many with one write."""

import io
import logging
from collections.abc import Iterator

import pytest
import trio
import trio.testing
from typing_extensions import override

from empath.ops.logbook import LineWriter


class Writes(io.StringIO):
    """A stream that remembers what came with each write."""

    def __init__(self) -> None:
        """Nothing was written yet."""
        super().__init__()
        self.pieces: list[str] = []

    @override
    def write(self, text: str) -> int:
        """Remember."""
        self.pieces.append(text)
        return len(text)


@pytest.fixture
def stream() -> Writes:
    return Writes()


@pytest.fixture
def log(stream: Writes) -> Iterator[logging.Logger]:
    logger = logging.Logger("test", logging.DEBUG)
    handler = LineWriter(stream)
    logger.addHandler(handler)
    yield logger
    handler.close()


async def test_lines_of_one_turn_leave_with_one_write(log: logging.Logger, stream: Writes) -> None:
    log.info("one")
    log.info("two")
    assert stream.pieces == []
    await trio.testing.wait_all_tasks_blocked()
    log.info("three")
    await trio.testing.wait_all_tasks_blocked()
    assert stream.pieces == ["one\ntwo\n", "three\n"]


async def test_a_warning_waits_for_nothing_and_takes_along_what_was_before_it(
    log: logging.Logger, stream: Writes
) -> None:
    log.info("one")
    log.warning("two")
    assert stream.pieces == ["one\ntwo\n"]
    await trio.lowlevel.checkpoint()


def test_outside_of_the_event_loop_a_line_is_written_at_once(log: logging.Logger, stream: Writes) -> None:
    log.info("one")
    assert stream.pieces == ["one\n"]


async def test_a_line_of_a_thread_is_written_at_once(log: logging.Logger, stream: Writes) -> None:
    await trio.to_thread.run_sync(log.info, "one")
    assert stream.pieces == ["one\n"]


async def test_no_more_than_a_thousand_lines_wait(log: logging.Logger, stream: Writes) -> None:
    for number in range(1001):
        log.info("%d", number)
    assert [piece.count("\n") for piece in stream.pieces] == [1000]
    await trio.lowlevel.checkpoint()


def test_what_still_waits_when_the_loop_ends_is_written_at_the_end(log: logging.Logger, stream: Writes) -> None:
    async def main() -> None:
        log.info("one")
        await trio.lowlevel.cancel_shielded_checkpoint()
        log.info("two")

    trio.run(main)
    log.handlers[0].flush()
    assert "".join(stream.pieces) == "one\ntwo\n"
