"""The report on a day to a domain, in the form of RFC 8460 4.4."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec
from attrs import frozen

from empath.policy.tlsrpt.results import PolicyKind
from empath.policy.tlsrpt.tally import Counted, DomainTally, PolicyTally

DAY_S: Final = 86_400


@frozen(kw_only=True)
class TlsReport:
    """What a domain hears of one day."""

    organization: str
    """Who reports: a domain."""
    contact: str
    """A mail address, for questions."""
    day: int
    """Days since 1970-01-01 UTC."""
    tally: DomainTally

    @property
    def begins(self) -> int:
        """The first second of the day."""
        return self.day * DAY_S

    @property
    def ends(self) -> int:
        """The last second of the day."""
        return self.begins + DAY_S - 1

    @property
    def identifier(self) -> str:
        """What the report is called: the same however often it is made. It can stand in a Message-ID."""
        return f"{_moment(self.begins)[:10]}.{self.tally.domain}@{self.organization}"

    def as_json(self) -> bytes:
        """The report itself."""
        document = {
            "organization-name": self.organization,
            "date-range": {"start-datetime": _moment(self.begins), "end-datetime": _moment(self.ends)},
            "contact-info": self.contact,
            "report-id": self.identifier,
            "policies": [_policy(self.tally.domain, policy) for policy in self.tally.policies],
        }
        return msgspec.json.format(msgspec.json.encode(document), indent=1)


def _policy(domain: str, tally: PolicyTally) -> dict[str, object]:
    policy: dict[str, object] = {"policy-type": tally.policy.kind.value}
    if tally.policy.kind is not PolicyKind.NONE:
        policy["policy-string"] = tally.policy.strings
    policy["policy-domain"] = domain
    if tally.policy.hosts:
        policy["mx-host"] = tally.policy.hosts
    summary = {"total-successful-session-count": tally.successes, "total-failure-session-count": tally.failures}
    found: dict[str, object] = {"policy": policy, "summary": summary}
    if tally.troubles:
        found["failure-details"] = [dict(_detail(counted)) for counted in tally.troubles]
    return found


def _detail(counted: Counted) -> Iterator[tuple[str, object]]:
    trouble = counted.trouble
    yield "result-type", trouble.result.value
    if trouble.sending_ip is not None:
        yield "sending-mta-ip", trouble.sending_ip
    yield "receiving-mx-hostname", trouble.host
    if trouble.receiving_ip is not None:
        yield "receiving-ip", trouble.receiving_ip
    yield "failed-session-count", counted.sessions
    if trouble.reason:
        yield "failure-reason-code", trouble.reason


def _moment(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
