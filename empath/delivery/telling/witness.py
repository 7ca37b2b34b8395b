"""What came of TLS on a connection, put into the words of reports, and counted."""

from __future__ import annotations

from attrs import define

from empath.delivery.finding.demands import HostUnfit, Wanted
from empath.delivery.talking.hop import Hop
from empath.delivery.telling.day_book import DayBook
from empath.mail.diagnosis import Phase
from empath.mail.failure import Failure
from empath.policy.route import Target
from empath.policy.tlsrpt.results import ResultType, Trouble, result_of
from empath.world.endpoint import TcpEndpoint


@define(eq=False)
class Witness:
    """See the module. Nothing here waits."""

    _book: DayBook

    def refused(self, domain: str, problem: HostUnfit, target: Target) -> None:
        """A host was not connected to, for what its domain has published."""
        if problem.published is not None:
            trouble = Trouble(
                result=problem.result,
                host=target.host,
                receiving_ip=target.address,
                reason=problem.diagnosis.text,
            )
            self._book.add(domain, problem.published, trouble)

    def opened(self, domain: str, wanted: Wanted, hop: Hop) -> None:
        """A connection is ready for mail."""
        if wanted.published is None:
            return
        if wanted.trouble is not None:
            trouble = _trouble(wanted.trouble, hop, "")
        elif hop.tls is not None:
            trouble = None
        else:
            refused = "STARTTLS" in hop.client.facts.in_force
            reason = "STARTTLS was refused" if refused else ""
            trouble = _trouble(ResultType.STARTTLS_NOT_SUPPORTED, hop, reason)
        self._book.add(domain, wanted.published, trouble)

    def failed(self, domain: str, wanted: Wanted, hop: Hop, problem: Failure, *, by_name: bool) -> None:
        """No connection came about. What was not about TLS is not counted."""
        diagnosis = problem.diagnosis
        if wanted.published is None or diagnosis.phase is not Phase.STARTTLS:
            return
        result = result_of(diagnosis, encrypted=hop.tls is not None, by_name=by_name)
        self._book.add(domain, wanted.published, _trouble(result, hop, diagnosis.text))


def _trouble(result: ResultType, hop: Hop, reason: str) -> Trouble:
    local = hop.connection.local
    return Trouble(
        result=result,
        host=hop.target.host,
        receiving_ip=hop.target.address,
        sending_ip=local.host if isinstance(local, TcpEndpoint) else None,
        reason=reason,
    )
