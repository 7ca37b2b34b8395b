"""The subcommand ``spool convert``: from one backend to another, while no daemon runs."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Final

import click
from attrs import frozen

from empath.cli.backend import store_of
from empath.cli.complaint import Code, Complaint
from empath.cli.launch import DATABASE
from empath.cli.queue import postgres_server
from empath.cli.settings import config_option, configuration
from empath.cli.spool import FINDINGS, alone
from empath.config.schema import Config, QueueBackend
from empath.spool.contract import SpoolError
from empath.spool.conversion import Conversion, Side
from empath.spool.files.naming import MESSAGES
from empath.spool.left_behind import ELSEWHERE
from empath.world.errors import DiskError
from empath.world.files import FileCalls, SystemFiles

_TOKEN_BYTES: Final = 16
_EVERY_S: Final = 1.0
"""Between two lines of progress."""


@frozen
class Place:
    """What ``--from`` and ``--to`` name: a backend, and where its queue is."""

    backend: QueueBackend
    where: Path

    def __str__(self) -> str:
        return f"{self.backend.value}:{self.where}"


class _PlaceType(click.ParamType[tuple[str, str]]):
    name = "BACKEND[:PATH]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        backend, _, where = str(value).partition(":")
        backend = "files" if backend == "file" else backend
        if backend not in [one.value for one in QueueBackend]:
            self.fail(f"{backend!r} is none of {', '.join(one.value for one in QueueBackend)}", param, ctx)
        return backend, where


@click.command()
@click.option("--from", "source", type=_PlaceType(), help="Where the mail is; what configuration names unless given.")
@click.option("--to", "target", type=_PlaceType(), required=True, help="Where it shall be.")
@config_option
@click.pass_context
def convert(
    context: click.Context, source: tuple[str, str] | None, target: tuple[str, str], config_file: Path | None
) -> None:
    """Move all mail to another backend. The daemon must not run.

    BACKEND is sqlite, files or postgres. PATH is the directory of the queue, or for postgres the file with the
    connection string; where configuration has it unless given. Cut off, it goes on when it is called again.
    """
    config = configuration(config_file)
    from_place = _place(config, source or (config.delivery.queue_backend.value, ""))
    to_place = _place(config, target)
    if from_place == to_place:
        raise _refused(f"{from_place} cannot be moved onto itself", "name another one with --to")
    files = SystemFiles()
    with alone(config), _explaining(), ExitStack() as stack:
        there = stack.enter_context(_open(config, from_place, files, is_source=True))
        here = stack.enter_context(_open(config, to_place, files, is_source=False))
        conversion = Conversion(source=there, target=here, now=time.time(), tell=_Progress(there).tell)
        conversion.run(token_hex(_TOKEN_BYTES))
        remaining = there.do(lambda store: store.statistics()).messages
        if from_place.backend is QueueBackend.POSTGRES and not remaining:
            (config.spool_path / ELSEWHERE).unlink(missing_ok=True)
    click.echo(_summary(conversion, from_place, to_place), err=True)
    for damage in conversion.left:
        click.echo(f"{damage.mid}: {damage.reason}", err=True)
    if remaining:
        click.echo(f"{remaining} messages are in {from_place} still, since they are damaged", err=True)
        context.exit(FINDINGS)


def _place(config: Config, named: tuple[str, str]) -> Place:
    backend, where = QueueBackend(named[0]), named[1]
    if where:
        return Place(backend, Path(where).absolute())
    if backend is QueueBackend.POSTGRES:
        if config.delivery.queue_url_file is None:
            raise _refused(
                "nothing says which PostgreSQL server", "write postgres:FILE, or set delivery.queue_url_file"
            )
        return Place(backend, config.delivery.queue_url_file)
    return Place(backend, config.queue_path)


@contextmanager
def _open(config: Config, place: Place, files: FileCalls, *, is_source: bool) -> Iterator[Side]:
    """Open one of the two, which nobody else has open then. Raises SpoolError and Complaint."""
    if place.backend is QueueBackend.POSTGRES:
        from empath.spool.postgres.alone import open_alone  # noqa: PLC0415  only such a queue needs psycopg

        server = postgres_server(place.where, config.mode)
        with open_alone(server, config.spool_path, files, holder=f"empath spool (pid {os.getpid()})") as (store, rows):
            yield Side(name=str(place), store=store, calls=rows, path=config.spool_path)
        return
    if is_source and not _is_queue(place):
        raise _refused(f"there is no queue {place}", "name the right one with --from, or with --config")
    place.where.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(store_of(config, place.backend, place.where)()) as store:
        yield Side(name=str(place), store=store, calls=files, path=config.spool_path)


def _is_queue(place: Place) -> bool:
    return (place.where / (DATABASE if place.backend is QueueBackend.SQLITE else MESSAGES)).exists()


@contextmanager
def _explaining() -> Iterator[None]:
    try:
        yield
    except (SpoolError, DiskError) as problem:
        raise _refused(
            str(problem), "repair that, and call it again: what has moved has moved, and it goes on"
        ) from None


def _refused(what: str, remedy: str) -> Complaint:
    why = "each message is in one of the two queues, and both have to be read and written"
    return Complaint(Code.SPOOL_UNREADABLE, what, why=why, remedy=remedy, status=os.EX_UNAVAILABLE)


class _Progress:
    """Says from time to time how far it has come."""

    def __init__(self, source: Side) -> None:
        self._all = source.do(lambda store: store.statistics()).messages
        self._next = time.monotonic() + _EVERY_S

    def tell(self, done: int) -> None:
        """So many messages have moved."""
        if time.monotonic() >= self._next:
            click.echo(f"{done} of {self._all} messages", err=True)
            self._next = time.monotonic() + _EVERY_S


def _summary(conversion: Conversion, source: Place, target: Place) -> str:
    return (
        f"{conversion.moved} messages with {conversion.deliveries} deliveries went from {source} to {target}; "
        f"{conversion.was_there} were there from before, {len(conversion.left)} are damaged and were left; set "
        f'delivery.queue_backend = "{target.backend.value}" now'
    )
