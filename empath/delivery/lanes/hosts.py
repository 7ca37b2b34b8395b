"""Connections to each host, over all lanes: many domains have the same hosts, and a host bears only so many of us.

A host is counted twice, by its name and by its address, and neither may exceed the limit: one name has several machines
behind it, and one machine goes by several names. A lane that finds its hosts full gives its job back and is told when
a place becomes free, so it holds nothing meanwhile that others could use; and somebody who only waits for a next
message, with a connection to that host, is asked to close it.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field, frozen

from empath.delivery.talking.pool import Pool
from empath.policy.route import Target


class HostFull(Exception):
    """All hosts that a job could go to have as many connections as they may have."""

    def __init__(self, targets: tuple[Target, ...]) -> None:
        """``targets``: where a place would do."""
        super().__init__(", ".join(dict.fromkeys(target.host for target in targets)))
        self.targets = targets


@define(eq=False)
class _Host:
    """What is known of one name, or of one address."""

    used: int = 0
    idle: dict[object, Callable[[], None]] = field(factory=dict)
    """Who is idle, longest first, and how to tell them to close."""
    line: dict[Callable[[], bool], None] = field(factory=dict)
    """Whom to tell of a free place, who has waited longest first."""


@frozen(eq=False)
class Place:
    """Leave to have a connection to a host. To be given back when that is closed."""

    _hosts: Hosts
    keys: tuple[str, ...]

    def give_back(self) -> None:
        """There is no connection any more."""
        self._hosts.give_back(self)

    def idle(self, close: Callable[[], None]) -> None:
        """The connection has nothing to carry; ``close`` may be called until ``busy`` is."""
        self._hosts.idle(self, close)

    def busy(self) -> None:
        """The connection carries something again, or is about to end."""
        self._hosts.busy(self)

    def dismiss(self) -> None:
        """Have the connection closed if it is idle."""
        self._hosts.dismiss(self)


@define(eq=False)
class Hosts:
    """See the module. It remembers hosts that we are connected to or that somebody waits for, and no others."""

    pool: Pool = field(init=False, factory=Pool)
    """The connections themselves."""
    _known: dict[str, _Host] = field(init=False, factory=dict)
    _waits: dict[Callable[[], bool], tuple[str, ...]] = field(init=False, factory=dict)
    """In which lines somebody stands."""

    def __len__(self) -> int:
        """How many names and addresses are remembered."""
        return len(self._known)

    def take(self, target: Target, limit: int) -> Place | None:
        """Take a place if the host has fewer connections than ``limit``, by name and by address."""
        keys = _keys(target)
        if any(self._used(key) >= limit for key in keys):
            return None
        for key in keys:
            self._known.setdefault(key, _Host()).used += 1
        return Place(self, keys)

    def _used(self, key: str) -> int:
        known = self._known.get(key)
        return 0 if known is None else known.used

    def give_back(self, place: Place) -> None:
        """See ``Place``. Who waits longest is told."""
        for key in place.keys:
            host = self._known[key]
            host.used -= 1
            host.idle.pop(place, None)
            while host.line:
                tell = next(iter(host.line))
                self.forget(tell)
                if tell():
                    break
            self._tidy(key)

    def wait(self, targets: tuple[Target, ...], tell: Callable[[], bool]) -> None:
        """Have ``tell`` called once, when a place at one of these becomes free; whoever is idle there gives way.

        ``tell`` says whether it will be made use of; else the next in line hears of it.
        """
        keys = dict.fromkeys(key for target in targets for key in _keys(target))
        self._waits[tell] = tuple(dict.fromkeys((*self._waits.get(tell, ()), *keys)))
        for key in keys:
            host = self._known.setdefault(key, _Host())
            host.line.setdefault(tell)
            if host.idle:
                place = next(iter(host.idle))
                host.idle.pop(place)()

    def forget(self, tell: Callable[[], bool]) -> None:
        """Nobody waits with this any more."""
        for key in self._waits.pop(tell, ()):
            host = self._known[key]
            host.line.pop(tell, None)
            self._tidy(key)

    def _tidy(self, key: str) -> None:
        host = self._known.get(key)
        if host is not None and not (host.used or host.line):
            del self._known[key]

    def idle(self, place: Place, close: Callable[[], None]) -> None:
        """See ``Place``."""
        hosts = [self._known[key] for key in place.keys]
        if any(host.line for host in hosts):
            close()
            return
        for host in hosts:
            host.idle[place] = close

    def busy(self, place: Place) -> None:
        """See ``Place``."""
        for key in place.keys:
            if (host := self._known.get(key)) is not None:
                host.idle.pop(place, None)

    def dismiss(self, place: Place) -> None:
        """See ``Place``."""
        for key in place.keys:
            host = self._known.get(key)
            close = None if host is None else host.idle.pop(place, None)
            if close is not None:
                close()


def _keys(target: Target) -> tuple[str, ...]:
    address = f"{target.address}:{target.port}"
    return (address,) if target.host == target.address else (f"{target.host}:{target.port}", address)
