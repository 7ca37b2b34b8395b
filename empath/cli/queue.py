"""How the spool is opened that configuration names: on this machine, or in a database of a server."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from functools import partial
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

from empath.cli.backend import refuse_mail_of_others, store_of, watchful_store_of
from empath.config.schema import Config, Mode, QueueBackend
from empath.spool.contract import Spool, SpoolError
from empath.spool.open import OpenSpool, open_spool
from empath.spool.store import Store
from empath.world.files import FileCalls
from empath.world.ports import World

if TYPE_CHECKING:  # it needs a package that only a queue in PostgreSQL needs
    from empath.spool.postgres import Server

_SANDBOX: Final = "empath_sandbox"
"""The schema of a queue in PostgreSQL when nothing is sent: going live never sends what was captured."""


def open_queue(config: Config) -> OpenSpool:
    """How to open the spool that configuration names. A SpoolError: that cannot be found out."""
    if config.delivery.queue_backend is QueueBackend.POSTGRES:
        server = configured_server(config)
        refuse_mail_of_others(config)
        from empath.spool.postgres import open_postgres  # noqa: PLC0415  only such a queue needs psycopg

        return partial(open_postgres, server=server)
    return partial(_on_this_machine, queue=config.queue_path, open_store=watchful_store_of(config))


def configured_server(config: Config) -> Server:
    """The server of configuration. A SpoolError: there is none, or no psycopg."""
    file = config.delivery.queue_url_file
    if file is None:
        raise SpoolError("delivery.queue_url_file does not say where the queue is; set it")
    return postgres_server(file, config.mode)


def postgres_server(file: Path, mode: Mode) -> Server:
    """The server that a file such as delivery.queue_url_file names. A SpoolError: there is none, or no psycopg."""
    try:
        from empath.spool.postgres import Server  # noqa: PLC0415  as above
    except ImportError as problem:
        raise SpoolError(
            f"the queue is in PostgreSQL, and psycopg is missing ({problem}); install it, for example with "
            "pip install 'empath-mta[postgres]'"
        ) from problem
    try:
        url = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise SpoolError(f"{file} cannot be read ({problem}); let the user of the daemon read it") from problem
    if not url:
        raise SpoolError(f"{file} is empty; write the connection string of the PostgreSQL server into it")
    return Server(url, str(file), *([_SANDBOX] if mode is Mode.SANDBOX else []))


@contextmanager
def opened_alone(config: Config, files: FileCalls) -> Iterator[tuple[Store, FileCalls]]:
    """The queue of configuration, for a command that holds the lock of the spool, and where its large bodies are.

    A SpoolError: it cannot be opened.
    """
    if config.delivery.queue_backend is not QueueBackend.POSTGRES:
        with closing(store_of(config)()) as store:
            yield store, files
        return
    server = configured_server(config)
    from empath.spool.postgres.alone import open_alone  # noqa: PLC0415  only such a queue needs psycopg

    with open_alone(server, config.spool_path, files, holder=f"empath spool (pid {os.getpid()})") as (queue, rows):
        yield queue, rows


@asynccontextmanager
async def _on_this_machine(
    world: World, path: PurePath, /, *, holder: str, queue: Path, open_store: Callable[[], Store]
) -> AsyncIterator[Spool]:
    await world.disk.make_directory(queue)
    async with open_spool(world, path, open_store, holder=holder) as spool:
        yield spool
