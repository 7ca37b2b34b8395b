"""What the benchmark of long queues puts into a spool is what it says, and people find it."""

from pathlib import Path

import pytest

from bench import long_queue
from bench.backends import Backend
from bench.long_queue import NEEDLES, Queue, fill
from empath.mail.delivery import Status
from empath.spool.contract import Row, Selector
from tests.contracts.spools import NOW

CHOSEN = {
    "sender": Selector(sender="needle@rare.example"),
    "recipient": Selector(recipient="needle@site0.example"),
    "domain": Selector(domains=frozenset({"rare.example"})),
    "priority": Selector(priorities=frozenset({5})),
    "pending": Selector(statuses=frozenset({Status.PENDING})),
    "uncertain": Selector(statuses=frozenset({Status.UNCERTAIN})),
    "failed": Selector(statuses=frozenset({Status.FAILED})),
    "expired": Selector(statuses=frozenset({Status.EXPIRED})),
    "held": Selector(hold="bench"),
    "deleted": Selector(in_trash=True),
}


@pytest.mark.parametrize("backend", ["sqlite", "files"])
def test_a_long_queue_waits_for_tomorrow_and_has_some_of_each_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    monkeypatch.setattr(long_queue, "EVERY", 100)
    kept = Backend(name=backend)
    kept.lay_out(tmp_path)
    store = kept.open(tmp_path)
    fill(store, Queue(250, NOW))
    found = store.statistics()
    assert (found.messages, found.waiting, found.retry, found.deleted) == (250, 250 - 8, 250 - 12, 2)
    rows: dict[str, list[Row]] = {}

    def look(name: str) -> None:
        rows[name] = store.find(CHOSEN[name], now=NOW, after=None, limit=250).rows

    for name in CHOSEN:
        store.commit([lambda _, name=name: look(name)], durable=False)[0].unwrap()
    assert {name: [row.mid.number for row in some] for name, some in rows.items()} == {
        name: [50 + NEEDLES.index(name), 150 + NEEDLES.index(name)] for name in CHOSEN
    }
    store.close()
