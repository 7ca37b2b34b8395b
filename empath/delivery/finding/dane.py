"""Looking up the TLSA records of a host (RFC 7672 2.2).

Only secure records count: those that a resolver which we trust has validated. Records that are not, or that are not
there, are the same to us: the host has published nothing. Not so a question that could not be answered. Whoever could
break the answer on its way could make a host look as if it had published nothing, so the host is left for now (2.1.2).
"""

from __future__ import annotations

from collections.abc import Iterable

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.failure import failure_of
from empath.policy.encryption.demand import TlsaSet
from empath.world.answers import Security
from empath.world.errors import DnsTemporary, NoData, NoSuchDomain
from empath.world.ports import Resolver


async def secure_tlsa(resolver: Resolver, names: Iterable[str], *, port: int) -> TlsaSet | None:
    """The TLSA records of a host, from the first of its names that has any; None: it has published none.

    Raises Failure if that cannot be told now.
    """
    for name in names:
        try:
            answer = await resolver.tlsa(name, port=port)
        except (NoSuchDomain, NoData):
            continue
        except DnsTemporary as problem:
            text = f"its TLSA records could not be looked up: {problem.reason}"
            raise failure_of(Diagnosis(kind=Kind.DNS, phase=Phase.ROUTE, host=name, text=text)) from problem
        if answer.security is Security.SECURE:
            return TlsaSet(name=name, records=answer.records)
    return None
