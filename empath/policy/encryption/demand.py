"""What a host must show before it gets mail for a domain, and whether a connection has shown it.

Two things decide: the policy that we have for the domain, and what the domain has published. Whichever asks for more is
obeyed; what we have configured is never made weaker by somebody's DNS.

======================  ================================  ==================================  ======================
our policy              secure TLSA records, usable       secure TLSA records, none usable    MTA-STS in ``enforce``
======================  ================================  ==================================  ======================
``disabled``            nothing                           nothing                             nothing
``opportunistic``       TLS, DANE                         TLS                                 TLS, name and authority
``required``            TLS, DANE                         TLS                                 TLS, name and authority
``verified``            TLS, DANE, name and authority     TLS, name and authority             TLS, name and authority
``dane``                TLS, DANE                         the host is left                    as the records have it
======================  ================================  ==================================  ======================

With usable TLSA records MTA-STS is not looked at: it must not let pass what DANE would not, and has nothing to add (RFC
8461 2). A message that its sender has marked with REQUIRETLS goes only to a host that has proved who it is, whatever
else holds (RFC 8689 4.2.1).
"""

from __future__ import annotations

from collections.abc import Sequence

from attrs import evolve, field, frozen
from cryptography import x509

from empath.policy.encryption.dane import Tlsa, authentic, usable
from empath.policy.encryption.peer_names import is_for
from empath.policy.encryption.tls import TlsPolicy


@frozen(kw_only=True)
class TlsaSet:
    """TLSA records of a host, which are secure."""

    name: str
    """Where they were found: the TLSA base domain (RFC 7672 2.2.2)."""
    records: Sequence[Tlsa]


@frozen(kw_only=True)
class Demand:
    """What a host must show."""

    policy: TlsPolicy
    """What is done where there is no TLS, or broken TLS; see `empath.policy.encryption.tls`."""
    server_name: str
    """Which name is asked for in the handshake (SNI)."""
    names: tuple[str, ...] = ()
    """The certificate must be of an authority that we trust, and for one of these; none: nobody looks."""
    records: tuple[Tlsa, ...] = field(default=(), repr=False)
    """The certificate must match one of these; none: nobody looks."""
    record_names: tuple[str, ...] = ()
    """What the host may be called where a record names a trust anchor (RFC 7672 3.2.2)."""


@frozen(kw_only=True)
class Shown:
    """What a connection has shown."""

    encrypted: bool
    chain: tuple[bytes, ...] = field(default=(), repr=False)
    """The certificates of the host in DER form, its own first."""
    trusted: bool = False
    """Whether it was found that they lead to an authority that we trust. Nobody looks unless that is asked for."""


def demand(
    policy: TlsPolicy,
    *,
    domain: str,
    host: str,
    names: tuple[str, ...],
    tlsa: TlsaSet | None = None,
    enforced: bool = False,
) -> Demand:
    """What ``host`` must show for mail to ``domain``. ``dane`` without usable records is the caller's to refuse.

    ``names``: what a certificate of an authority may be for. ``enforced``: by MTA-STS.
    """
    if policy is TlsPolicy.DISABLED:
        return Demand(policy=policy, server_name=host)
    records = () if tlsa is None else usable(tlsa.records)
    by_name = policy is TlsPolicy.VERIFIED or (enforced and not records)
    if records and policy is not TlsPolicy.VERIFIED:
        policy = TlsPolicy.DANE
    elif by_name and policy is not TlsPolicy.DANE:
        policy = TlsPolicy.VERIFIED
    elif tlsa is not None and policy is TlsPolicy.OPPORTUNISTIC:
        policy = TlsPolicy.REQUIRED
    base = host if tlsa is None else tlsa.name
    return Demand(
        policy=policy,
        server_name=base if records else host,
        names=names if by_name else (),
        records=records,
        record_names=tuple(dict.fromkeys((base, host, domain))) if records else (),
    )


def proven(wanted: Demand, names: tuple[str, ...]) -> Demand:
    """The same, and that the host proves who it is: by DANE if it can, else by name and authority."""
    if wanted.policy is TlsPolicy.DISABLED or wanted.records or wanted.names:
        return wanted
    return evolve(wanted, policy=TlsPolicy.VERIFIED, names=names)


def unchecked(wanted: Demand) -> Demand:
    """The same without a look at certificates. That nothing goes in clear stays as it was."""
    return evolve(wanted, names=(), records=(), record_names=())


def unmet(wanted: Demand, shown: Shown, *, now: float) -> str | None:
    """What is missing, for people; None: nothing. ``now``: wall clock."""
    if not shown.encrypted:
        return "the connection is not encrypted" if wanted.policy.mandatory else None
    if wanted.names and not shown.trusted:
        return "the certificate is not known to be of an authority that is trusted here"
    if wanted.names and not _is_for(shown, wanted.names):
        return f"the certificate is not for {' or '.join(wanted.names)}"
    if wanted.records and not authentic(wanted.records, shown.chain, names=wanted.record_names, now=now):
        return "the certificate does not match the TLSA records (DANE)"
    return None


def _is_for(shown: Shown, names: tuple[str, ...]) -> bool:
    try:
        return bool(shown.chain) and is_for(x509.load_der_x509_certificate(shown.chain[0]), names)
    except ValueError:
        return False
