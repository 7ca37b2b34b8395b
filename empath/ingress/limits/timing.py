"""The time of a session: one scope, whose deadline moves with what the session waits for.

A client has a time for one whole command, however its octets drip in, and the same again to take the replies to what it
sent. For content it has the allowance of `ContentPace`. What is left of the session's whole time outranks both. While
we ourselves are at work, on a commit for example, the client is not charged for it.

When the sessions have become a crowd, waiting is cut short for all of them: a client that means well has its next
command at hand, and one that keeps a session open for nothing takes the place of one that has mail.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio
from attrs import define, field

from empath.config.schema import LimitSettings
from empath.policy.reception.pace import ContentPace

_EXACT: Final = 0.01
"""To move a deadline costs two microseconds, several times for each message. What is less than this part of the time
that is left is not worth them: of five minutes, three seconds.
"""


@define(eq=False)
class Timing:
    """Whatever runs inside ``scope`` ends when the client has taken too long."""

    limits: LimitSettings
    crowded: Callable[[], bool]
    scope: trio.CancelScope = field(init=False, factory=trio.CancelScope)
    _ends_at: float = field(init=False)
    _pace: ContentPace = field(init=False)
    _working_since: float | None = field(init=False, default=None)
    """None: we wait for the client."""

    def __attrs_post_init__(self) -> None:
        limits = self.limits
        self._ends_at = trio.current_time() + limits.session_timeout_s
        self._pace = ContentPace(limits.data_timeout_s, limits.min_data_rate_bytes_per_s)
        self.await_command()

    def await_command(self) -> None:
        """It is the client's turn: it has to say something, and to say it as a whole."""
        self._wait_until(trio.current_time() + self.limits.command_timeout_s)

    def await_first_content(self) -> None:
        """The client has been told to go ahead with content, or is about to send a chunk."""
        self._pace.begin(trio.current_time())
        self._wait_until(self._pace.deadline)

    def await_more_content(self, size_bytes: int) -> None:
        """So much content has come, and there is more to it."""
        now = trio.current_time()
        if self._working_since is not None:
            self._pace.excuse(now - self._working_since)
        self._pace.advance(size_bytes, now)
        self._wait_until(self._pace.deadline)

    def work(self) -> None:
        """It is our turn, up to and with the writing of what we have to say: the end of the session waits for that."""
        self._working_since = trio.current_time()
        self._set(self._working_since + self.limits.command_timeout_s)

    def hurry(self) -> None:
        """It has become crowded: a client that is waited for has little time left."""
        if self._working_since is None:
            self._wait_until(self.scope.deadline)

    def _wait_until(self, deadline: float) -> None:
        self._working_since = None
        if self.crowded():
            deadline = min(deadline, trio.current_time() + self.limits.crowded_timeout_s)
        self._set(min(deadline, self._ends_at))

    def _set(self, deadline: float) -> None:
        if abs(deadline - self.scope.deadline) > _EXACT * (deadline - trio.current_time()):
            self.scope.deadline = deadline
