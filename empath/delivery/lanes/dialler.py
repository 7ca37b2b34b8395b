"""How a sender comes to its connection: the hosts of a domain in turn, a place at one of them, and leave to connect."""

from __future__ import annotations

import trio
from attrs import define, field

from empath.delivery.lanes import errands
from empath.delivery.lanes.cause import Cause
from empath.delivery.lanes.dispatch import Dispatch
from empath.delivery.lanes.hosts import HostFull, Place
from empath.delivery.lanes.job import Job
from empath.delivery.lanes.lane import Lane
from empath.delivery.lanes.search import Search, TooEarly
from empath.delivery.lanes.tidings import Tidings
from empath.delivery.talking.hop import Hop
from empath.mail.failure import Failure
from empath.mail.waiting import WaitReason
from empath.policy.route import Target


@define(eq=False)
class Dialler:
    """One for each sender, since that has one connection at a time."""

    _lane: Lane
    _dispatch: Dispatch
    _tidings: Tidings
    place: Place | None = field(init=False, default=None)
    """What the connection takes at its host; None: there is no connection."""
    _hop: Hop | None = field(init=False, default=None)
    """That connection."""
    _untried: tuple[Target, ...] = field(init=False, default=())
    """Where the transaction at hand may go if this hop breaks off, the best first."""
    _search_ends: float = field(init=False, default=0.0)
    """When it is too late, on Trio's clock, to go there."""
    _failure: Failure | None = field(init=False, default=None)
    """Of the host that was tried before this search had to wait."""

    def begin(self, search: Search | None) -> None:
        """A transaction begins: its search for a host that takes it has all its time, or goes on."""
        self._untried, self._failure, left_s = (), None, self._dispatch.max_search_s
        if search is not None:
            self._untried, self._failure, left_s = search.untried, search.failure, search.remaining_s
        self._search_ends = trio.current_time() + left_s

    def forget(self) -> None:
        """The next ``open`` asks anew for the hosts."""
        self._untried = ()

    @property
    def may_go_on(self) -> bool:
        """Whether there is another host, and time for it."""
        return bool(self._untried) and trio.current_time() < self._search_ends

    async def open(self, job: Job) -> Hop:
        """Connect to the first host not tried yet that lets us come to the point of MAIL.

        Raises the Failure of the last one; a HostFull if nothing was tried since all have too many connections of ours;
        TooEarly if a limit of connections per time is met on the way.
        """
        self._lane.leave.dialling += 1
        try:
            return await self._search(job)
        finally:
            self._lane.leave.dialling -= 1

    async def _search(self, job: Job) -> Hop:
        if not self._untried:
            began = trio.current_time()
            errands.begin(self._lane, job, Cause(WaitReason.DNS_WAIT, detail=job.domain))
            try:
                self._untried = await self._dispatch.finder.find(job.domain)
            finally:
                errands.end(self._lane, job)
            self._tidings.found(trio.current_time() - began)
        failure, self._failure = self._failure, None
        full: list[Target] = []
        while True:
            target, *others = self._untried
            self._ask_for_leave(target, full, failure)
            self._untried = tuple(others)
            place = self._dispatch.hosts.take(target, self._lane.leave.host_limit)
            if place is None:
                full.append(target)
            else:
                try:
                    return await self._dial(job, target, place)
                except Failure as problem:
                    failure = problem
                    self._tidings.failed(problem)
            if not self.may_go_on:
                raise failure or HostFull(tuple(full))

    def _ask_for_leave(self, target: Target, full: list[Target], failure: Failure | None) -> None:
        limits = self._dispatch.connections
        if limits is None:
            return
        now = trio.current_time()
        objection = limits.objection(self._lane.site, target.source or "", now)
        if objection is not None:
            raise TooEarly(Search((*full, *self._untried), self._search_ends - now, failure), *objection)

    async def _dial(self, job: Job, target: Target, place: Place) -> Hop:
        if self._dispatch.connections is not None:
            self._dispatch.connections.take(self._lane.site, target.source or "", trio.current_time())
            self._lane.leave.connected()
        try:
            hop = await self._dispatch.dialling(job.domain).open(
                target, requiretls=job.envelope.params.requiretls, tls_optional=job.envelope.tls_optional
            )
        except BaseException:
            place.give_back()
            raise
        self.place, self._hop = place, hop
        self._dispatch.hosts.pool.enter(hop, self._lane.site, place.dismiss)
        self._tidings.dialled(hop)
        return hop

    def closed(self) -> None:
        """The connection has ended."""
        place, self.place = self.place, None
        hop, self._hop = self._hop, None
        if hop is not None:
            self._dispatch.hosts.pool.leave(hop)
        if place is not None:
            place.give_back()
