"""Whether the files of a configuration have changed since somebody last looked."""

from collections.abc import Hashable
from pathlib import Path

from empath.config.load import Loaded, Sources, files_of


def stamp(sources: Sources, loaded: Loaded) -> Hashable:
    """Return a value that is another one when a file was changed, came or went. This blocks.

    ``loaded``: what was read, which names further files: the rules about the answers of hosts.
    """
    rules = loaded.config.delivery.rules_file
    paths = [*files_of(sources), *([] if rules is None else [rules])]
    return tuple((path, _look(path)) for path in paths)


def _look(path: Path) -> Hashable:
    try:
        found = path.stat()
    except OSError as problem:
        return problem.errno
    return found.st_mtime_ns, found.st_size, found.st_ino
