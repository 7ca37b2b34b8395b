"""Looking at all of a spool of any backend that is open for a command, while no daemon runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePath
from typing import TypeVar

from attrs import define, field

from empath.spool.belonging import BODIES
from empath.spool.checking import PORTION, Checked, file_objection
from empath.spool.contract import Fault, Finding
from empath.spool.store import Store
from empath.world.files import FileCalls
from empath.world.ports import TEMPORARY_SUFFIX

T = TypeVar("T")


@define(eq=False)
class StoppedVerification:
    """Goes through a spool once. ``findings`` first; the counts are right when it has ended."""

    _store: Store
    _calls: FileCalls
    """Where its large bodies are."""
    _path: PurePath
    messages: int = field(init=False, default=0)
    deliveries: int = field(init=False, default=0)
    files: int = field(init=False, default=0)
    size_bytes: int = field(init=False, default=0)
    """Of the bodies."""

    def findings(self) -> Iterator[Finding]:
        """All that is not as it should be. Raises SpoolError and OSError: it cannot be looked at."""
        quarantine = {one.mid: one.reason for one in self._do(lambda store: store.quarantine())}
        for mid, reason in quarantine.items():
            yield Finding(Fault.QUARANTINED, mid, reason)
        for mid, reason in self._damaged():
            if mid not in quarantine:
                yield Finding(Fault.DAMAGED, mid, reason)
        yield from self._leftovers()

    def _damaged(self) -> Iterator[tuple[str, str]]:
        checked = self._check(None)
        while True:
            self.messages += checked.messages
            self.deliveries += checked.deliveries
            self.files += len(checked.files)
            self.size_bytes += checked.size_bytes
            for one in checked.damaged:
                yield one.mid, one.reason
            for _, mid, body in checked.files:
                reason = file_objection(self._calls, self._path / BODIES, body)
                if reason is not None:
                    yield mid, reason
            if checked.after is None:
                return
            checked = self._check(checked.after)

    def _leftovers(self) -> Iterator[Finding]:
        names = sorted(self._calls.names(str(self._path / BODIES)))
        for at in range(0, len(names), PORTION):
            some = names[at : at + PORTION]
            needed = self._do(partial(_needed, some))
            for name in some:
                if name not in needed:
                    why = "it was not finished" if name.endswith(TEMPORARY_SUFFIX) else "no message needs it"
                    detail = f"{why}; the next start removes it"
                    yield Finding(Fault.LEFTOVER, str(self._path / BODIES / name), detail)

    def _check(self, after: int | None) -> Checked:
        return self._do(lambda store: store.check(after=after, limit=PORTION))

    def _do(self, operation: Callable[[Store], T]) -> T:
        (result,) = self._store.commit([operation], durable=False)
        done: T = result.unwrap()  # type: ignore[assignment]  # what the operation has returned
        return done


def _needed(names: list[str], store: Store) -> set[str]:
    return store.needed(names)
