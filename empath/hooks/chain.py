"""The hooks of one listener, in the order of the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Self

from attrs import frozen

from empath.hooks.answers import AddFields, Refuse
from empath.hooks.events import Event
from empath.hooks.guard import Call
from empath.smtp import Reply


@frozen
class Said:
    """What all hooks together say to one event."""

    refusal: Reply | None = None
    """Of the first that refused; those behind it were not asked."""
    fields: bytes = b""
    """To go on top of the message. What a later hook adds stands above what an earlier one did."""


@frozen
class Chain:
    """The calls of each event."""

    _calls: Mapping[Event, tuple[Call, ...]]

    @classmethod
    def of(cls, calls: Iterable[Call]) -> Self:
        """Put calls where they belong; those of one event stay in their order."""
        by_event: dict[Event, tuple[Call, ...]] = {}
        for call in calls:
            by_event[call.event] = (*by_event.get(call.event, ()), call)
        return cls(by_event)

    def __bool__(self) -> bool:
        """Whether there is any hook."""
        return bool(self._calls)

    def wants(self, event: Event) -> bool:
        """Whether any hook is to be asked."""
        return event in self._calls

    async def ask(self, event: Event, **known: object) -> Said:
        """Ask one hook after the other, until one refuses."""
        fields = b""
        for call in self._calls.get(event, ()):
            match await call.ask(known):
                case Refuse(reply):
                    return Said(reply)
                case AddFields(octets):
                    fields = octets + fields
        return Said(None, fields)


NO_HOOKS: Final = Chain({})
