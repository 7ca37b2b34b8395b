"""Mail that lies where the queue is to be, and that another backend has kept.

Who changes ``delivery.queue_backend`` and forgets to move the mail would start on an empty queue, and nobody would miss
what lies beside it. So the start looks for it, and refuses.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import PurePath
from typing import Any, Final

import apsw

from empath.spool.contract import SpoolError
from empath.spool.files.naming import INTENTS, MESSAGES, SUFFIX
from empath.world.files import FileCalls

ELSEWHERE: Final = "queue.server"
"""The file below ``spool.path`` that says on which server a queue is, from the start of a daemon on that queue to its
end, and beyond that if mail is left there.
"""
_MOST_BYTES: Final = 1000


def refuse_left_behind(
    calls: FileCalls, *, database: PurePath | None, tree: PurePath | None, elsewhere: PurePath | None
) -> None:
    """Raise SpoolError if there is mail in one of these that this daemon would not send.

    ``database``: where a queue in SQLite would lie, ``tree``: where one in files would, ``elsewhere``: the file
    `ELSEWHERE`; None: that is ours.
    """
    if elsewhere is not None and (server := _content(calls, elsewhere)):
        raise SpoolError(
            f"there may be mail in {server}, and delivery.queue_backend names another backend, which would never send "
            "it; nothing was touched; move it over with `empath spool convert --from postgres:FILE --to` and the "
            "backend that configuration names, where FILE has the connection string; set delivery.queue_backend back; "
            f"or remove {elsewhere} if nobody wants that mail"
        )
    if database is not None and (count := _messages_in_database(calls, database)):
        raise _refusal(f"{count} messages are in the SQLite queue {database}", "sqlite")
    if tree is not None and (count := _messages_in_tree(calls, tree)):
        raise _refusal(f"{count} messages are in the queue of files {tree}", "files")


def _content(calls: FileCalls, path: PurePath) -> str:
    """What a small file says; nothing: there is none."""
    try:
        handle = calls.open(str(path))
    except FileNotFoundError:
        return ""
    try:
        return calls.read_at(handle, _MOST_BYTES, 0).decode(errors="replace").strip() or "PostgreSQL"
    finally:
        calls.close(handle)


def _messages_in_database(calls: FileCalls, database: PurePath) -> int:
    try:
        if calls.size_bytes(str(database)) == 0:
            return 0
    except FileNotFoundError:
        return 0
    try:
        with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READWRITE)) as connection:
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.pragma("locking_mode", "EXCLUSIVE")
            tables = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'message'").fetchall()
            rows: list[tuple[Any, ...]] = (
                connection.execute("SELECT count(*) FROM message").fetchall() if tables else [(0,)]
            )
            return int(rows[0][0])
    except apsw.Error as problem:
        raise _refusal(f"{database} lies here and cannot be read ({problem})", "sqlite") from problem


def _messages_in_tree(calls: FileCalls, tree: PurePath) -> int:
    found = 0
    for directory in (MESSAGES, INTENTS):
        try:
            found += sum(name.endswith(SUFFIX) for name in calls.names(str(tree / directory)))
        except (FileNotFoundError, NotADirectoryError):
            continue
    return found


def _refusal(what: str, backend: str) -> SpoolError:
    return SpoolError(
        f"{what}, and delivery.queue_backend names another backend, which would never send them; nothing was touched; "
        f"move them over with `empath spool convert --from {backend} --to` and the backend that configuration names, "
        "set delivery.queue_backend back, or give delivery.queue_path another directory"
    )
