"""What keeps the queue, as configuration has it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from empath.cli.launch import DATABASE
from empath.config.schema import Config, QueueBackend
from empath.spool.database import RESERVE, RESERVE_BYTES
from empath.spool.files import open_files
from empath.spool.left_behind import ELSEWHERE, refuse_left_behind
from empath.spool.open import LOCK
from empath.spool.sqlite import open_database
from empath.spool.store import Store
from empath.world.files import SystemFiles
from empath.world.reserve import Reserve


def store_of(config: Config, backend: QueueBackend | None = None, path: Path | None = None) -> Callable[[], Store]:
    """What opens the queue, whose directory is there: that of configuration, unless another one is named."""
    queue, files = path or config.queue_path, SystemFiles()
    reserve = Reserve(files, queue / RESERVE, RESERVE_BYTES)
    if (backend or config.delivery.queue_backend) is QueueBackend.FILES:
        return partial(open_files, str(queue), files, reserve=reserve)
    return partial(open_database, str(queue / DATABASE), mode_of=str(config.spool_path / LOCK), reserve=reserve)


def watchful_store_of(config: Config) -> Callable[[], Store]:
    """What opens the queue of configuration, unless another backend has left mail in its place. For the daemon."""
    open_store = store_of(config)

    def open_watchfully() -> Store:
        refuse_mail_of_others(config)
        return open_store()

    return open_watchfully


def refuse_mail_of_others(config: Config) -> None:
    """Raise SpoolError if another backend than that of configuration has left mail where the queue is to be."""
    backend, queue = config.delivery.queue_backend, config.queue_path
    refuse_left_behind(
        SystemFiles(),
        database=None if backend is QueueBackend.SQLITE else queue / DATABASE,
        tree=None if backend is QueueBackend.FILES else queue,
        elsewhere=None if backend is QueueBackend.POSTGRES else config.spool_path / ELSEWHERE,
    )
