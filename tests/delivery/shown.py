"""Certificates that hosts show in these tests, made by trustme, and what OpenSSL is told to trust."""

import hashlib
import ssl
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Final

import trustme
from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from empath.world import TlsaRecord

HOST: Final = "mx.example.org"


@frozen
class Authorities:
    """Who issues, and who is unknown to us."""

    known: trustme.CA
    below: trustme.CA
    """An intermediate one of the known."""
    unknown: trustme.CA


@cache
def authorities() -> Authorities:
    known = trustme.CA()
    return Authorities(known, known.create_child_ca(), trustme.CA())


def ca_file(directory: Path) -> Path:
    """A file with the authority that is known."""
    path = directory / "ca.pem"
    authorities().known.cert_pem.write_to_path(path)
    return path


@cache
def certificate(kind: str) -> trustme.LeafCert:
    """``good``, ``intermediate``, ``wrong name``, ``expired`` or ``unknown``."""
    found, ec = authorities(), trustme.KeyType.ECDSA
    match kind:
        case "good":
            return found.known.issue_cert(HOST, key_type=ec)
        case "intermediate":
            return found.below.issue_cert(HOST, key_type=ec)
        case "wrong name":
            return found.known.issue_cert("elsewhere.example", key_type=ec)
        case "expired":
            return found.known.issue_cert(HOST, not_after=datetime(2025, 12, 1, tzinfo=UTC), key_type=ec)
        case _:
            return found.unknown.issue_cert(HOST, key_type=ec)


def server_side(kind: str) -> ssl.SSLContext:
    """What a host with such a certificate serves with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate(kind).configure_cert(context)
    return context


def tlsa(kind: str, usage: int = 3) -> TlsaRecord:
    """A record for the key of a host (usage 3), or for the authority that has issued its certificate (2)."""
    pem = certificate(kind).cert_chain_pems[0] if usage == 3 else _issuer(kind)
    key = x509.load_pem_x509_certificate(pem.bytes()).public_key()
    whole = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return TlsaRecord(usage, 1, 1, hashlib.sha256(whole).digest())


def whole_issuer(kind: str) -> TlsaRecord:
    """A record that holds the certificate of the authority itself."""
    return TlsaRecord(2, 0, 0, x509.load_pem_x509_certificate(_issuer(kind).bytes()).public_bytes(Encoding.DER))


def _issuer(kind: str) -> trustme.Blob:
    found = authorities()
    return {"intermediate": found.below, "unknown": found.unknown}.get(kind, found.known).cert_pem
