"""Watching SMTP dialogues: for ``trace``, and for commands that show what becomes of what they did."""

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

import click
import trio
from attrs import define, field

from empath.cli.ctl.answers import print_json
from empath.cli.ctl.client import Client, Record
from empath.cli.ctl.feed import Feed, watch
from empath.cli.render import printable

T = TypeVar("T")

MARKS = {"command": ">", "reply": "<", "content": "|", "note": "-", "closed": "-"}
_LAST_LINES_S = 1.0
"""How long after the end of it lines may still come: they come in frames of a quarter of a second."""


@define(eq=False, kw_only=True)
class Screen:
    """Prints lines as they come."""

    terse: bool = False
    """Whether replies are cut to their last line, and notes left out."""
    as_json: bool = False
    since: float | None = None
    """Lines are dated from here, on the monotonic clock of this machine; None: by the time of day."""
    dropped: int = field(init=False, default=0)
    _offset_s: float | None = field(init=False, default=None)

    def show(self, record: Record) -> None:
        """Print a line."""
        if self.as_json:
            print_json({"schema": "empath.trace/1", **record})
        elif not (self.terse and _is_noise(record)):
            click.echo(printable(self._line(record)))

    def _line(self, record: Record) -> str:
        said = f"{MARKS[record['event']]} {record['line']}"
        if self.terse:
            return f"{record['session']} {said}"
        if self.since is not None:
            if self._offset_s is None:
                self._offset_s = time.time() - time.monotonic() + self.since
            return f"{record['time'] - self._offset_s:7.3f} {said}"
        whole, _, part = f"{record['time']:.3f}".partition(".")
        moment = time.strftime("%H:%M:%S", time.gmtime(int(whole)))
        peer = record.get("host") or record["peer"]
        return f"{moment}.{part} {record['way']:3} {record['session']} {peer} {said}"

    def gap(self, number: int) -> None:
        """Say that lines are missing."""
        self.dropped += number
        click.echo(f"dropped {number} events: they came too fast", err=True)


def _is_noise(record: Record) -> bool:
    line: str = record["line"]
    return record["event"] == "note" or (record["event"] == "reply" and line[3:4] == "-")


def follow(client: Client, wanted: Mapping[str, object], screen: Screen, *, only_one: bool = False) -> None:
    """Print what is said until Ctrl-C; or only one dialogue, to the end of its message. Raises Complaint."""
    watch(client, partial(_follow, wanted=wanted, screen=screen, only_one=only_one))


async def _follow(feed: Feed, *, wanted: Mapping[str, object], screen: Screen, only_one: bool) -> None:
    await feed.subscribe(1, "trace", filter=wanted)
    await feed.settled()
    click.echo("what is said from now on; Ctrl-C ends it", err=True)
    session: int | None = None
    while True:
        for record in await _lines(feed, screen):
            session = record["session"] if session is None else session
            if only_one and record["session"] != session:
                continue
            screen.show(record)
            if only_one and record["ends"]:
                return


async def _lines(feed: Feed, screen: Screen) -> Iterable[Record]:
    frame = await feed.frame()
    if frame["t"] == "gap":
        screen.gap(frame["dropped"])
    lines: list[Record] = frame["data"] if frame["t"] == "event" else []
    return lines


def accompany(
    client: Client,
    wanted: Mapping[str, object],
    screen: Screen,
    work: Callable[[], T],
    *,
    patience_s: float = _LAST_LINES_S,
) -> T:
    """Do some work, and print what is said meanwhile; return what the work returns. Raises Complaint.

    ``patience_s``: how long after the work is done, if no message has come to its end by then.
    """
    answers: list[T] = []
    ended = trio.Event()

    async def talk(feed: Feed) -> None:
        await feed.subscribe(1, "trace", filter=wanted)
        await feed.settled()
        async with trio.open_nursery() as nursery:

            async def do() -> None:
                answers.append(await trio.to_thread.run_sync(work))
                with trio.move_on_after(patience_s):
                    await ended.wait()
                await trio.sleep(_LAST_LINES_S)
                nursery.cancel_scope.cancel()

            nursery.start_soon(do)
            while True:
                for record in await _lines(feed, screen):
                    screen.show(record)
                    if record["ends"]:
                        ended.set()

    watch(client, talk)
    return answers[0]
