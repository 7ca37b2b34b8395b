"""Certificates of every kind that a host may show, made once for all tests."""

from datetime import UTC, datetime, timedelta
from functools import cache

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

NOW = 1_800_000_000.0
_DAY = timedelta(days=1)


@frozen
class Issued:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)


def issue(
    name: str,
    issuer: Issued | None = None,
    *,
    names: tuple[str, ...] = (),
    extensions: tuple[tuple[x509.ExtensionType, bool], ...] = (),
    ends: float = NOW + 86_400,
) -> Issued:
    """A certificate of ``issuer``; without one it is its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = datetime.fromtimestamp(ends, UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - 30 * _DAY)
        .not_valid_after(end)
    )
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(one) for one in names])
        builder = builder.add_extension(alternatives, critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Issued(builder.sign((issuer.key if issuer else key), hashes.SHA256()), key)


def authority(
    name: str, issuer: Issued | None = None, *, path_length: int | None = None, ends: float = NOW + 1e6
) -> Issued:
    """A certificate that may issue others."""
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return issue(name, issuer, extensions=((constraints, True),), ends=ends)


@cache
def root() -> Issued:
    return authority("a root")


@cache
def intermediate() -> Issued:
    return authority("an intermediate", root())


@cache
def host() -> Issued:
    return issue("a host", intermediate(), names=("mx.example.org",))


def chain() -> tuple[bytes, ...]:
    """What the host shows, up to the root."""
    return (host().der, intermediate().der, root().der)
