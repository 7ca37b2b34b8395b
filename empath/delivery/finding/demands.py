"""What a host must show before it gets mail for a domain: configuration, DNS and the web, asked and put together.

The rules are those of `empath.policy.encryption.demand`. Here the questions are asked, and hosts are refused that
cannot get the mail whatever they show: one that an enforced MTA-STS policy does not list, one whose TLSA records cannot
be looked up, one without such records where our own policy asks for them.
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from empath.delivery.finding.dane import secure_tlsa
from empath.delivery.finding.sts import StsPolicies
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.failure import Failure, failure_of
from empath.policy.encryption.dane import usable
from empath.policy.encryption.demand import Demand, TlsaSet, demand, proven, unchecked
from empath.policy.encryption.sts import StsMode, StsPolicy
from empath.policy.encryption.tls import Situation, TlsPolicy, refusal
from empath.policy.route import Target
from empath.world.ports import Resolver


@frozen(kw_only=True)
class DomainTls:
    """What configuration says about TLS for a recipient domain."""

    policy: TlsPolicy
    accept_invalid_certs: bool = False
    """Whether certificates are not looked at. Whether TLS is needed does not depend on it."""
    by_host_name: bool = False
    """Whether a certificate for the recipient domain is not enough: it is no proof of who a password is for."""


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

    async def of(self, domain: str, target: Target, *, requiretls: bool = False) -> Demand:
        """What ``target`` must show for mail to ``domain``. Raises Failure if it can get none.

        ``requiretls``: whether the sender of the message has asked for TLS all the way (RFC 8689).
        """
        own = self.configured(domain)
        routed = self.is_routed(domain)
        host = target.address if target.host.startswith("[") else target.host
        names = (host, domain) if routed and not own.by_host_name else (host,)
        if own.policy is TlsPolicy.DISABLED:
            return demand(own.policy, domain=domain, host=host, names=names)
        tlsa = await self._tlsa(domain, target, own)
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
            _refuse_unlisted(domain, target.host, sts)
        if requiretls:
            listed = sts is not None and sts.mode is not StsMode.NONE and sts.lists(target.host)
            known = target.host_secure or target.host == domain or listed
            return _proven(wanted, names, target.host, known=known)
        return unchecked(wanted) if own.accept_invalid_certs else wanted

    async def _tlsa(self, domain: str, target: Target, own: DomainTls) -> TlsaSet | None:
        """The TLSA records that count: nobody can have led us to the host but those who may (RFC 7672 2.2.1, 2.2.2)."""
        asked_for = own.policy is TlsPolicy.DANE
        tlsa = None
        if (self.dane or asked_for) and target.address_secure and (target.host_secure or target.host == domain):
            tlsa = await secure_tlsa(
                self.resolver, dict.fromkeys((target.canonical_name, target.host)), port=target.port
            )
        if asked_for and not own.accept_invalid_certs and not (tlsa and usable(tlsa.records)):
            text = f"DANE is asked for, and there are no TLSA records for port {target.port} that are secure and usable"
            raise refusal(Situation.UNTRUSTED, host=target.host, text=text)
        return tlsa

    async def _sts(self, domain: str, *, routed: bool) -> StsPolicy | None:
        """Who names the host himself does not ask the domain which ones it has (RFC 8461 3 is about MX records)."""
        if self.sts is None or routed or domain.startswith("["):
            return None
        return await self.sts.find(domain)


def needs_tls(host: str, text: str) -> Failure:
    """The failure of a message that asks for more than others (RFC 8689). It says nothing about the site."""
    return failure_of(Diagnosis(kind=Kind.NEEDS_TLS, phase=Phase.STARTTLS, host=host, text=text))


def _refuse_unlisted(domain: str, host: str, sts: StsPolicy | None) -> None:
    if sts is not None and sts.mode is StsMode.ENFORCE and not sts.lists(host):
        text = f"the MTA-STS policy of {domain} does not list this host"
        raise refusal(Situation.UNTRUSTED, host=host, text=text)


def _proven(wanted: Demand, names: tuple[str, ...], host: str, *, known: bool) -> Demand:
    """RFC 8689 4.2.1: it must be beyond doubt that this is the host, and the host must prove that it is."""
    if not known:
        raise needs_tls(host, "the sender asks for TLS all the way, and nobody vouches that this is the right host")
    return proven(wanted, names)
