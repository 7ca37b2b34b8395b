"""What a sender says of its connection: that it came about, or why not; and that it has ended."""

from __future__ import annotations

from attrs import define, field

from empath.delivery.recording.closing import Closing
from empath.delivery.talking.hop import Hop
from empath.mail.failure import Failure
from empath.mail.way_facts import AttemptFaulted, HostDialled, HostLeft


@define(eq=False)
class Tidings:
    """See the module. Nothing here waits."""

    _site: str
    _closing: Closing
    _stages: tuple[tuple[str, float], ...] = field(init=False, default=())
    _way: tuple[tuple[str, float], ...] = field(init=False, default=())

    def found(self, took_s: float) -> None:
        """The hosts were looked up."""
        self._stages = (("dns", took_s),)

    def dialled(self, hop: Hop) -> None:
        """A connection is ready for mail."""
        self._tell("ok", tuple(hop.stages), hop.tls.version if hop.tls else None, verified=hop.verified)

    def failed(self, problem: Failure) -> None:
        """There is no connection to this host."""
        self._tell(problem.diagnosis.kind.value, (), None, verified=False)

    def _tell(
        self, result: str, stages: tuple[tuple[str, float], ...], tls_version: str | None, *, verified: bool
    ) -> None:
        found, self._stages = self._stages, ()  # said once, whoever of the hosts it leads to
        self._way += found + stages
        self._closing.observe(
            HostDialled(
                at=self._closing.clock.now(),
                site=self._site,
                result=result,
                stages=found + stages,
                tls_version=tls_version,
                tls_verified=verified,
            )
        )

    def take_way(self) -> tuple[tuple[str, float], ...]:
        """How long the stages took of all connections that were tried since the last call of this."""
        way, self._way = self._way, ()
        return way

    def faulted(self, deliveries: int) -> None:
        """Something on this side has ended an attempt."""
        self._closing.observe(AttemptFaulted(at=self._closing.clock.now(), site=self._site, deliveries=deliveries))

    def left(self, hop: Hop) -> None:
        """A connection has ended."""
        self._closing.observe(HostLeft(at=self._closing.clock.now(), site=self._site, messages=hop.transactions))
