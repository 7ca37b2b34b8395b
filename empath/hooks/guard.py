"""One call of a hook: under a deadline, one of not too many, and whatever it does, an answer comes back.

What the guard is good for, and where its power ends:

- Any exception is caught, groups of them and ``SystemExit`` too, and becomes the fail mode of the hook.
- A call that is slow is cancelled at its deadline. Waiting for a free place counts as time of the call.
- A hook that has failed slowly several times in a row is left alone for a while: a filter that hangs must not cost its
  deadline for each of a thousand recipients. Failures that come quickly cost nothing and count nothing, so nobody can
  switch a hook off with mail that it chokes on.
- The end of the session cancels the call as it cancels all else. A hook may clean up and must then let go.
- A hook that computes without awaiting, swallows its cancellation, or shields itself cannot be taken off the one
  thread that there is. It is found out: when it comes back, the log says by how much it was late.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping
from math import inf
from typing import Final, Self

import outcome
import trio
from attrs import define, field, frozen

from empath.config.schema import FailMode, HookSettings
from empath.hooks.answers import AddFields, Answer, Refuse
from empath.hooks.events import Event
from empath.hooks.values import Message, SessionFacts
from empath.policy.breaker import Breaker
from empath.smtp import Reply

_LOG = logging.getLogger(__name__)

LATE_S: Final = 1.0
"""By how much a call may pass its deadline before somebody is told."""
LOG_EVERY_S: Final = 1.0
"""How often a failure of a hook is logged at most: there may be one for each command of a hostile client."""
MAX_REASON: Final = 300
"""Characters of an exception's text that are logged: a stranger may have written it."""
FAILED: Final = Refuse(Reply(451, "cannot check this now, try again later", "4.3.0"))
"""What a client hears where a hook that must not fail has failed."""


class NotAnAnswer(TypeError):
    """A hook has returned something that is no `Answer`, or none at this event."""


@define(eq=False, kw_only=True)
class Guard:
    """What all calls of one configured hook have in common."""

    name: str
    deadline_s: float
    fails_closed: bool
    slots: trio.CapacityLimiter
    """As many calls as may run at once, over all sessions."""
    breaker: Breaker
    """Opens on slow failures in a row."""
    _logged_at: float = field(init=False, default=-inf)
    _unlogged: int = field(init=False, default=0)

    @classmethod
    def of(cls, settings: HookSettings) -> Self:
        """What the configuration says."""
        return cls(
            name=settings.name,
            deadline_s=settings.deadline_s,
            fails_closed=settings.fail_mode is FailMode.CLOSED,
            slots=trio.CapacityLimiter(settings.max_concurrent),
            breaker=Breaker(
                failure_threshold=settings.failure_threshold, timeout_s=settings.pause_s, half_open_max_calls=1
            ),
        )

    @property
    def fallback(self) -> Answer:
        """The answer in place of one that the hook does not give."""
        return FAILED if self.fails_closed else None

    def complain(self, event: Event, error: BaseException | None, about: str) -> None:
        """Log a failure, unless one has only just been logged. ``error``: None if there was no answer in time."""
        now = trio.current_time()
        if now < self._logged_at + LOG_EVERY_S:
            self._unlogged += 1
            return
        why = f"no answer within {self.deadline_s:g} s" if error is None else _told(error)
        passing = "clients are put off" if self.fails_closed else "mail passes without"
        _LOG.warning("hook %s failed at %s, %s %s: %r", self.name, event.value, passing, about, why)
        _LOG.debug("hook %s failed, and %d times unlogged before", self.name, self._unlogged, exc_info=error)
        self._logged_at, self._unlogged = now, 0


def _of(known: Mapping[str, object]) -> str:
    """Which session, and which message, a call was about."""
    session, message = known.get("session"), known.get("message")
    of_message = f" mid={message.mid}" if isinstance(message, Message) else ""
    return f"session={session.session if isinstance(session, SessionFacts) else '-'}{of_message}"


def _told(error: BaseException) -> str:
    """What an exception says of itself, which is code of other people as well."""
    words = outcome.capture(str, error)
    return f"{type(error).__name__}: {words.value if isinstance(words, outcome.Value) else ''}"[:MAX_REASON]


@frozen
class Call:
    """One method of a hook."""

    _guard: Guard
    event: Event
    _method: Callable[..., Coroutine[object, object, object]]
    _wants: tuple[str, ...]
    """The arguments that the method takes, in order."""

    async def ask(self, known: Mapping[str, object]) -> Answer:
        """Call the method with what it wants. Raises nothing but the cancellation of the caller."""
        guard, began = self._guard, trio.current_time()
        ticket = guard.breaker.admit(began)
        if ticket is None:
            return guard.fallback
        try:
            result = await self._result(known, began + guard.deadline_s)
        except BaseException:
            guard.breaker.withdraw(ticket)
            raise
        now = trio.current_time()
        if (late_s := now - began - guard.deadline_s) > LATE_S:
            why = "it computes without awaiting, or holds on against its cancellation"
            _LOG.warning(
                "hook %s was late by %.1f s at %s %s: %s", guard.name, late_s, self.event.value, _of(known), why
            )
        if isinstance(result, outcome.Value):
            guard.breaker.succeed(ticket)
            return result.value
        guard.complain(self.event, None if result is None else result.error, _of(known))
        if now - began < guard.deadline_s / 2:
            guard.breaker.succeed(ticket)
        else:
            guard.breaker.fail(ticket, now)
        return guard.fallback

    async def _result(self, known: Mapping[str, object], ends: float) -> outcome.Value[Answer] | outcome.Error | None:
        """What the method came to; None: nothing in time."""
        with trio.move_on_at(ends):
            async with self._guard.slots:
                result = await outcome.acapture(self._answer, known)
                # Whatever came of it, the end of the session and the deadline have the last word.
                await trio.lowlevel.checkpoint_if_cancelled()
                return result
        return None

    async def _answer(self, known: Mapping[str, object]) -> Answer:
        answer = await self._method(*[known[name] for name in self._wants])
        match answer:
            case None | Refuse():
                return answer
            case AddFields() if self.event is Event.MESSAGE:
                return answer
        raise NotAnAnswer(f"{type(answer).__name__} is no answer to {self.event.value}")
