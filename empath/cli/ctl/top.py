"""``empathctl top``: the lanes in a terminal, as they change."""

import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import click
import msgspec
import trio
from rich.console import Console

from empath.cli.complaint import Complaint
from empath.cli.ctl.answers import HOME_AND_CLEAR, client_of
from empath.cli.ctl.client import Client, segment
from empath.cli.ctl.feed import Feed, watch
from empath.cli.ctl.stories import explained_lines, lane_lines
from empath.cli.ctl.top_screen import Screen, Verb, Wish

_OTHER_SCREEN, _FIRST_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_KEYS: Final = {"\x1b[A": "k", "\x1b[B": "j", "\n": "\r"}
_STATS, _LANES = 1, 2


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one object a second instead.")
@click.pass_context
def top(context: click.Context, *, as_json: bool) -> None:
    """Show the lanes as they change. Keys: s sort, / filter, Enter details, e explain, S suspend, ? help, q quit.

    Without a terminal it prints one JSON object a second.
    """
    client = client_of(context)
    if as_json or not (sys.stdout.isatty() and sys.stdin.isatty()):
        watch(client, _print)
    else:
        with _keys_one_by_one():
            watch(client, partial(_show, client))


async def _print(feed: Feed) -> None:
    await _subscribe(feed)
    while True:
        frame = await feed.frame()
        if frame.get("id") == _STATS and _LANES in feed.tables:
            stats = feed.tables[_STATS].get("all", {})
            shown = {"schema": "empath.top/1", "stats": stats, "lanes": list(feed.tables[_LANES].values())}
            click.echo(msgspec.json.encode(shown))


async def _subscribe(feed: Feed) -> None:
    await feed.subscribe(_LANES, "lanes")
    await feed.subscribe(_STATS, "stats")


async def _show(client: Client, feed: Feed) -> None:
    screen, console = Screen(), Console()
    await _subscribe(feed)

    def draw() -> None:
        with console.capture() as drawn:
            console.print(screen.drawn(console.height, console.width), overflow="ellipsis", no_wrap=True)
        sys.stdout.write(HOME_AND_CLEAR + drawn.get())
        sys.stdout.flush()

    async def follow() -> None:
        while True:
            frame = await feed.frame()
            screen.lanes = feed.tables.get(_LANES, {})
            screen.stats = dict(feed.tables.get(_STATS, {}).get("all", {}))
            if frame.get("id") == _STATS:
                draw()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(follow)
        while await _obey(client, screen):
            draw()
        nursery.cancel_scope.cancel()


async def _obey(client: Client, screen: Screen) -> bool:
    """Do what the next keys say; False: that was enough."""
    await trio.lowlevel.wait_readable(sys.stdin)
    for key in _keys(os.read(sys.stdin.fileno(), 64).decode(errors="replace")):
        wish = screen.press(key)
        if wish is not None and wish.verb is Verb.QUIT:
            return False
        if wish is not None:
            await trio.to_thread.run_sync(_grant, client, screen, wish)
    return True


def _grant(client: Client, screen: Screen, wish: Wish) -> None:
    """Ask the daemon for what a key was pressed for."""
    try:
        if wish.verb is Verb.SUSPEND:
            said = {"lane": wish.lane, "for": wish.text, "reason": "empathctl top"}
            rule = client.ask("POST", "/suspensions", content=said)
            screen.note = f"{wish.lane} is suspended ({rule['id']}); empathctl resume {rule['id']} ends it"
            return
        if wish.verb is Verb.DETAILS:
            screen.show(list(lane_lines(client.get(f"/lanes/{segment(wish.lane)}"))))
        else:
            screen.show(list(explained_lines(client.get("/explain", {"about": wish.lane}))))
    except Complaint as complaint:
        screen.note = complaint.what


def _keys(text: str) -> Iterator[str]:
    """The keys in what a terminal has sent: those with arrows are three characters."""
    while text:
        length = 3 if text.startswith("\x1b[") else 1
        yield _KEYS.get(text[:length], text[:1])
        text = text[length:]


@contextmanager
def _keys_one_by_one() -> Iterator[None]:
    """Get each key at once, and have a screen of our own."""
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        sys.stdout.write(_OTHER_SCREEN)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        sys.stdout.write(_FIRST_SCREEN)
        sys.stdout.flush()
