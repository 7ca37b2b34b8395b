"""Who may open a session: a count of sessions, in all and for each address.

A client over a limit is told so with 421 and may come back; it is never left to hang. The table of addresses is as
large as the number of open sessions and no larger.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define, field

from empath.smtp import Reply


@define(eq=False)
class Admission:
    """Counts open sessions. ``refusal`` says whether a further one is too many."""

    max_sessions: int
    max_sessions_per_address: int
    open: int = field(init=False, default=0)
    """Sessions that are open now."""
    _by_address: dict[str, int] = field(init=False, factory=dict)

    def refusal(self, address: str) -> Reply | None:
        """What to say to a new client instead of the greeting; None: it may come in."""
        if self.open >= self.max_sessions:
            return Reply(421, "too many sessions, try again later", "4.3.2")
        if self._by_address.get(address, 0) >= self.max_sessions_per_address:
            return Reply(421, "too many sessions from your address, try again later", "4.7.0")
        return None

    @contextmanager
    def admit(self, address: str) -> Iterator[None]:
        """Count a session of ``address`` for the time of the context."""
        self.open += 1
        self._by_address[address] = self._by_address.get(address, 0) + 1
        try:
            yield
        finally:
            self.open -= 1
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
