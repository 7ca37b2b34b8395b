"""What keeps the queue, as configuration has it."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from empath.cli.launch import DATABASE
from empath.config.schema import Config, QueueBackend
from empath.spool.database import RESERVE, RESERVE_BYTES
from empath.spool.files import open_files
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
