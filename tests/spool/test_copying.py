"""Copies of a store that is in use: they take the time of who asks for them, and nobody else's."""

from pathlib import Path

import pytest

from empath.spool.files import open_files
from empath.spool.sqlite import open_database
from empath.spool.store import Store
from empath.world.files import SystemFiles
from tests.contracts.spools import message


def opened(backend: str, directory: Path) -> Store:
    directory.mkdir()
    if backend == "files":
        return open_files(str(directory), SystemFiles())
    return open_database(str(directory / "queue.sqlite3"))


def copied(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


@pytest.mark.parametrize("backend", ["sqlite", "files"])
def test_a_portion_is_copied_by_the_transaction_that_asks_for_it_and_by_no_other(tmp_path: Path, backend: str) -> None:
    store, copy = opened(backend, tmp_path / "queue"), tmp_path / "copy"
    copy.mkdir()
    for number in range(200):
        store.commit([lambda store, number=number: store.accept(message(number, body=b"x" * 20_000))], durable=False)
    store.commit([lambda store: store.begin_copy(str(copy))], durable=False)[0].unwrap()
    before = copied(copy)
    for number in range(200, 220):
        store.commit([lambda store, number=number: store.accept(message(number))], durable=True)[0].unwrap()
    assert copied(copy) == before
    while store.commit([lambda store: store.copies_on()], durable=False)[0].unwrap():
        pass
    assert copied(copy) > 1_000_000
    store.commit([lambda store: store.end_copy()], durable=False)
    store.close()
