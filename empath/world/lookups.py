"""One question, one lookup: answers that are kept for their time to live, and askers that share a lookup under way.

A lookup runs in the nursery of this cache and not in the task that asked first, so a delivery that gives up waiting
takes nothing away from the others that wait for the same name. It ends by its own time limit.

Every finding has an end, bounded both ways: ``MIN_TTL_S`` protects the resolver from a zone that says 0, ``max_ttl_s``
protects us from one that says a week. What is not there is kept as well (RFC 2308 5). A lookup that failed is kept for
the minimum only; RFC 9520 3.2 asks for at least that second.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

import attrs
import trio
from attrs import define, field, frozen

from empath.world.answers import Answer
from empath.world.dns_watch import DnsWatch, lookup
from empath.world.errors import DnsError, DnsTemporary

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

MIN_TTL_S = 1.0

R = TypeVar("R")


@frozen
class Kept(Generic[R]):
    """A finding and the time, on Trio's clock, from which on it must not be used."""

    finding: Answer[R] | DnsError
    expires_at: float


@define(eq=False)
class Flight(Generic[R]):
    """A lookup under way."""

    landed: trio.Event = field(init=False, factory=trio.Event)
    result: Answer[R] | Exception = field(init=False)


@define(eq=False)
class Lookups(Generic[R]):
    """A bounded cache in front of a lookup by name. When it is full, what was not used for longest goes."""

    nursery: trio.Nursery
    look_up: Callable[[str], Awaitable[Answer[R]]]
    max_ttl_s: float = field(kw_only=True)
    max_entries: int = field(kw_only=True)
    kind: str = field(kw_only=True)
    """The type of record, for those who watch."""
    watch: DnsWatch = field(kw_only=True)
    _kept: OrderedDict[str, Kept[R]] = field(init=False, factory=OrderedDict)
    _flights: dict[str, Flight[R]] = field(init=False, factory=dict)

    async def get(self, name: str) -> Answer[R]:
        """Return what is known or can be found out about a name, with the time that is left of it.

        Raises the `DnsError` that is known or that the lookup raises. What is known is returned without yielding.
        """
        kept = self._kept.get(name)
        if kept is None or kept.expires_at <= trio.current_time():
            finding = await self._share(name)
        else:
            self.watch.hits += 1
            self._kept.move_to_end(name)
            finding = attrs.evolve(kept.finding, ttl_s=kept.expires_at - trio.current_time())
        if isinstance(finding, DnsError):
            raise finding
        return finding

    def entries(self) -> Iterator[tuple[str, Answer[R] | DnsError]]:
        """What is known, with the time that is left of it; what was not asked for longest comes first."""
        now = trio.current_time()
        for name, kept in self._kept.items():
            if kept.expires_at > now:
                yield name, attrs.evolve(kept.finding, ttl_s=kept.expires_at - now)

    def forget(self, name: str | None) -> int:
        """Forget what is known of a name; None: of all names. How many findings there were."""
        if name is not None:
            return 0 if self._kept.pop(name, None) is None else 1
        known = len(self._kept)
        self._kept.clear()
        return known

    async def _share(self, name: str) -> Answer[R] | DnsError:
        self.watch.misses += 1
        flight = self._flights.get(name)
        if flight is None:
            flight = self._flights[name] = Flight()
            self.nursery.start_soon(self._fly, name, flight)
        await flight.landed.wait()
        if isinstance(flight.result, Answer | DnsError):
            # A copy for each: an exception that several tasks raise would gather the tracebacks of all of them.
            return attrs.evolve(flight.result)
        raise flight.result

    async def _fly(self, name: str, flight: Flight[R]) -> None:
        # What stays if the nursery is cancelled.
        flight.result = DnsTemporary(name, "the resolver was closed")
        began = trio.current_time()
        try:
            flight.result = self._keep(name, await self.look_up(name))
            self._tell(flight.result, began)
        except DnsError as error:
            flight.result = self._keep(name, error)
            self._tell(flight.result, began)
        except Exception as error:  # a bug belongs to those who asked, and must not end the nursery
            flight.result = error
        finally:
            del self._flights[name]
            flight.landed.set()

    def _tell(self, finding: Answer[R] | DnsError, began: float) -> None:
        if self.watch.tell is not None:
            self.watch.tell(lookup(self.kind, finding, trio.current_time() - began))

    def _keep(self, name: str, finding: Answer[R] | DnsError) -> Answer[R] | DnsError:
        ttl_s = 0.0 if isinstance(finding, DnsTemporary) else min(finding.ttl_s, self.max_ttl_s)
        ttl_s = max(ttl_s, MIN_TTL_S)
        self._kept[name] = Kept(finding, trio.current_time() + ttl_s)
        self._kept.move_to_end(name)
        if len(self._kept) > self.max_entries:
            self._kept.popitem(last=False)
        return attrs.evolve(finding, ttl_s=ttl_s)
