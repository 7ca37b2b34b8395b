"""The words of reports on TLS: policies, and what became of a connection under one (RFC 8460 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from attrs import field, frozen

from empath.mail.diagnosis import Diagnosis, Kind
from empath.policy.encryption.dane import Tlsa
from empath.policy.encryption.sts import StsMode, StsPolicy


class PolicyKind(Enum):
    """What a domain has published. The value is the word in reports (RFC 8460 4.4)."""

    TLSA = "tlsa"
    STS = "sts"
    NONE = "no-policy-found"

    __hash__ = object.__hash__


class ResultType(Enum):
    """What went wrong. The value is the word in reports (RFC 8460 4.3)."""

    STARTTLS_NOT_SUPPORTED = "starttls-not-supported"
    CERTIFICATE_HOST_MISMATCH = "certificate-host-mismatch"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_TRUSTED = "certificate-not-trusted"
    VALIDATION_FAILURE = "validation-failure"
    """All that has no word of its own."""
    TLSA_INVALID = "tlsa-invalid"
    """There are secure TLSA records, and none that can be used."""
    DNSSEC_INVALID = "dnssec-invalid"
    """The TLSA records could not be looked up."""
    DANE_REQUIRED = "dane-required"
    """We ask for DANE, and there are no such records."""
    STS_POLICY_FETCH_ERROR = "sts-policy-fetch-error"
    STS_POLICY_INVALID = "sts-policy-invalid"
    STS_WEBPKI_INVALID = "sts-webpki-invalid"
    """The web server could not prove who it is."""

    __hash__ = object.__hash__


@frozen
class Published:
    """The policy under which a connection was made, as reports quote it."""

    kind: PolicyKind
    strings: tuple[str, ...] = ()
    """The lines of an MTA-STS policy, or TLSA records as text."""
    hosts: tuple[str, ...] = ()
    """The hosts that an MTA-STS policy lists."""


def _shortened(text: str) -> str:
    return text[:MAX_REASON]


@frozen(kw_only=True)
class Trouble:
    """What went wrong on a connection; reports count equal ones together."""

    result: ResultType
    host: str
    """The MX host, as A-labels."""
    receiving_ip: str | None = None
    sending_ip: str | None = None
    """None: no connection came about."""
    reason: str = field(default="", converter=_shortened)
    """In words, for who has to mend it."""


MAX_REASON: Final = 200
NO_POLICY: Final = Published(PolicyKind.NONE)


def published_tlsa(records: Iterable[Tlsa]) -> Published:
    """The policy that TLSA records are (RFC 6698 2.2: how they are written)."""
    lines = [f"{one.usage} {one.selector} {one.matching_type} {one.data.hex()}" for one in records]
    return Published(PolicyKind.TLSA, tuple(lines))


def published_sts(policy: StsPolicy | None) -> Published:
    """The policy that was fetched. One in the mode ``none`` is no policy (RFC 8461 5)."""
    if policy is None or policy.mode is StsMode.NONE:
        return NO_POLICY
    return Published(PolicyKind.STS, policy.lines, policy.patterns)


def result_of(diagnosis: Diagnosis, *, encrypted: bool, by_name: bool) -> ResultType:
    """The word for a failure between STARTTLS and the look at the certificate.

    ``encrypted``: the handshake was completed before. ``by_name``: a name was asked for, and no TLSA record.
    """
    match diagnosis.kind:
        case Kind.TLS_UNAVAILABLE:
            return ResultType.STARTTLS_NOT_SUPPORTED
        case Kind.TLS_UNTRUSTED if encrypted:
            return ResultType.CERTIFICATE_HOST_MISMATCH if by_name else ResultType.VALIDATION_FAILURE
        case Kind.TLS_UNTRUSTED:
            # OpenSSL's words for X509_V_ERR_CERT_HAS_EXPIRED; that code is not in what Python's ssl has as a name.
            expired = "expired" in diagnosis.text
            return ResultType.CERTIFICATE_EXPIRED if expired else ResultType.CERTIFICATE_NOT_TRUSTED
        case _:
            return ResultType.VALIDATION_FAILURE
