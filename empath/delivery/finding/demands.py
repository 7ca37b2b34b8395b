"""What a host must show before it gets mail for a domain: configuration, DNS and the web, asked and put together.

The rules are those of `empath.policy.encryption.demand`. Here the questions are asked, and hosts are refused that
cannot get the mail whatever they show: one that an enforced MTA-STS policy does not list, one whose TLSA records cannot
be looked up, one without such records where our own policy asks for them.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, evolve, field, frozen

from empath.delivery.finding.dane import secure_tlsa
from empath.delivery.finding.sts import StsPolicies
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.failure import Failure, TemporaryFailure, failure_of
from empath.policy.encryption.dane import usable
from empath.policy.encryption.demand import Demand, TlsaSet, demand, proven, unchecked
from empath.policy.encryption.sts import StsMode, StsPolicy
from empath.policy.encryption.tls import Situation, TlsPolicy, refusal
from empath.policy.route import Target
from empath.policy.tlsrpt.results import NO_POLICY, PolicyKind, Published, ResultType, published_sts, published_tlsa
from empath.world.ports import Resolver


@frozen(kw_only=True)
class DomainTls:
    """What configuration says about TLS for a recipient domain."""

    policy: TlsPolicy
    accept_invalid_certs: bool = False
    """Whether certificates are not looked at. Whether TLS is needed does not depend on it."""
    by_host_name: bool = False
    """Whether a certificate for the recipient domain is not enough: it is no proof of who a password is for."""


@define(eq=False)
class HostUnfit(TemporaryFailure):
    """A host cannot get the mail, whatever it shows."""

    published: Published | None = field(kw_only=True)
    """The policy that says so, for reports; None: it is no business of the domain's."""
    result: ResultType = field(kw_only=True)


@frozen(kw_only=True)
class Wanted:
    """What a host must show, and what is to be told of it to its domain."""

    demand: Demand
    published: Published | None = None
    """The policy of the domain under which the connection is counted; None: it is not counted."""
    trouble: ResultType | None = None
    """What is wrong with that policy, so that no connection under it is a good one."""
    trial: Demand | None = None
    """What a policy in testing would have the host show. Found out for the report; mail does not depend on it."""


@frozen(kw_only=True)
class Demands:
    """See the module."""

    configured: Callable[[str], DomainTls]
    is_routed: Callable[[str], bool]
    """Whether configuration says where the mail of a domain goes."""
    resolver: Resolver
    sts: StsPolicies | None
    """None: MTA-STS is not asked for."""
    dane: bool
    """Whether TLSA records are obeyed that our own policy does not ask for."""
    reported: bool = False
    """Whether domains are told what became of connections to them (RFC 8460)."""

    async def of(self, domain: str, target: Target, *, requiretls: bool = False, tls_optional: bool = False) -> Wanted:
        """What ``target`` must show for mail to ``domain``. Raises Failure if it can get none.

        ``requiretls``: whether the sender of the message has asked for TLS all the way (RFC 8689). ``tls_optional``:
        whether what the domain has published does not count, see `Envelope`. What configuration asks for does, and so
        does ``requiretls`` (RFC 8689 4.1).
        """
        own = self.configured(domain)
        routed = self.is_routed(domain)
        host = target.address if target.host.startswith("[") else target.host
        names = (host, domain) if routed and not own.by_host_name else (host,)
        unasked = tls_optional and not requiretls and own.policy is not TlsPolicy.DANE
        if own.policy is TlsPolicy.DISABLED or unasked:
            return Wanted(demand=demand(own.policy, domain=domain, host=host, names=names))
        tlsa = await self._tlsa(domain, target, own, routed=routed)
        sts = await self._sts(domain, routed=routed)
        wanted = demand(
            own.policy,
            domain=domain,
            host=host,
            names=names,
            tlsa=tlsa,
            enforced=sts is not None and sts.mode is StsMode.ENFORCE,
        )
        if not wanted.records:
            self._refuse_unlisted(domain, target.host, sts)
        if requiretls:
            listed = sts is not None and sts.mode is not StsMode.NONE and sts.lists(target.host)
            known = target.host_secure or target.host == domain or listed
            return Wanted(demand=_proven(wanted, names, target.host, known=known))
        if own.accept_invalid_certs:
            return Wanted(demand=unchecked(wanted))
        if not self.reported or routed or domain.startswith("["):
            return Wanted(demand=wanted)
        return self._told(wanted, domain, names, tlsa, sts)

    def _told(
        self, wanted: Demand, domain: str, names: tuple[str, ...], tlsa: TlsaSet | None, sts: StsPolicy | None
    ) -> Wanted:
        """The same, with what its domain is to be told of it."""
        if tlsa is not None:
            trouble = None if wanted.records else ResultType.TLSA_INVALID
            return Wanted(demand=wanted, published=published_tlsa(wanted.records or tlsa.records), trouble=trouble)
        if sts is None and self.sts is not None and (trouble := self.sts.trouble(domain)) is not None:
            return Wanted(demand=wanted, published=Published(PolicyKind.STS), trouble=trouble)
        trial = None
        if sts is not None and sts.mode is StsMode.TESTING and not wanted.names:
            trial = evolve(wanted, policy=TlsPolicy.VERIFIED, names=names)
        unlisted = trial is not None and sts is not None and not any(map(sts.lists, names))
        return Wanted(
            demand=wanted,
            published=published_sts(sts),
            trouble=ResultType.VALIDATION_FAILURE if unlisted else None,
            trial=None if unlisted else trial,
        )

    async def _tlsa(self, domain: str, target: Target, own: DomainTls, *, routed: bool) -> TlsaSet | None:
        """The TLSA records that count: nobody can have led us to the host but those who may (RFC 7672 2.2.1, 2.2.2)."""
        asked_for = own.policy is TlsPolicy.DANE
        tlsa = None
        if (self.dane or asked_for) and target.address_secure and (target.host_secure or target.host == domain):
            try:
                tlsa = await secure_tlsa(
                    self.resolver, dict.fromkeys((target.canonical_name, target.host)), port=target.port
                )
            except Failure as problem:
                published = None if routed else Published(PolicyKind.TLSA)
                raise HostUnfit(problem.diagnosis, published=published, result=ResultType.DNSSEC_INVALID) from problem
        if asked_for and not own.accept_invalid_certs and not (tlsa and usable(tlsa.records)):
            text = f"DANE is asked for, and there are no TLSA records for port {target.port} that are secure and usable"
            raise HostUnfit(
                refusal(Situation.UNTRUSTED, host=target.host, text=text).diagnosis,
                published=None if routed else NO_POLICY,
                result=ResultType.DANE_REQUIRED,
            )
        return tlsa

    async def _sts(self, domain: str, *, routed: bool) -> StsPolicy | None:
        """Who names the host himself does not ask the domain which ones it has (RFC 8461 3 is about MX records)."""
        if self.sts is None or routed or domain.startswith("["):
            return None
        return await self.sts.find(domain)

    def _refuse_unlisted(self, domain: str, host: str, sts: StsPolicy | None) -> None:
        if sts is not None and sts.mode is StsMode.ENFORCE and not sts.lists(host):
            text = f"the MTA-STS policy of {domain} does not list this host"
            raise HostUnfit(
                refusal(Situation.UNTRUSTED, host=host, text=text).diagnosis,
                published=published_sts(sts),
                result=ResultType.VALIDATION_FAILURE,
            )


def needs_tls(host: str, text: str) -> Failure:
    """The failure of a message that asks for more than others (RFC 8689). It says nothing about the site."""
    return failure_of(Diagnosis(kind=Kind.NEEDS_TLS, phase=Phase.STARTTLS, host=host, text=text))


def _proven(wanted: Demand, names: tuple[str, ...], host: str, *, known: bool) -> Demand:
    """RFC 8689 4.2.1: it must be beyond doubt that this is the host, and the host must prove that it is."""
    if not known:
        raise needs_tls(host, "the sender asks for TLS all the way, and nobody vouches that this is the right host")
    return proven(wanted, names)
