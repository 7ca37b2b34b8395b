"""Our way up to a trust anchor beside OpenSSL's: whatever we take, it takes as well."""

import ssl
import tempfile
import time
from pathlib import Path

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import event, given, settings
from hypothesis import strategies as st

from empath.policy.encryption.issuers import leads_to
from tests.policy.certificates import Issued, issue
from tests.policy.test_issuers import usage

TODAY = time.time()


@frozen
class Issuer:
    """What an issuer in a chain says of itself."""

    may_issue: bool | None
    """None: it has no basic constraints."""
    path_length: int | None
    signs: bool | None
    """None: it has no key usage."""
    is_over: bool


@frozen
class Chain:
    """Issuers from the anchor downwards, what the host's certificate is for, and what is shown of it."""

    issuers: list[Issuer]
    purpose: x509.ObjectIdentifier | None
    turned_round: bool
    missing: int | None


MOSTLY_RIGHT = st.builds(
    Issuer,
    st.sampled_from([True, True, True, True, False, None]),
    st.sampled_from([None, None, None, 0, 1]),
    st.sampled_from([None, True, True, False]),
    st.sampled_from([False] * 7 + [True]),
)
CHAINS = st.builds(
    Chain,
    st.lists(MOSTLY_RIGHT, min_size=1, max_size=3),
    st.sampled_from([None, None, ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]),
    st.booleans(),
    st.sampled_from([None, None, None, 0, 1]),
)


def built(chain: Chain) -> tuple[Issued, list[Issued], list[Issued]]:
    """The host's certificate, all its issuers from the anchor downwards, and those that are shown."""
    issuers: list[Issued] = []
    for number, one in enumerate(chain.issuers):
        extensions: list[tuple[x509.ExtensionType, bool]] = []
        if one.may_issue is not None:
            limit = one.path_length if one.may_issue else None
            extensions.append((x509.BasicConstraints(ca=one.may_issue, path_length=limit), True))
        if one.signs is not None:
            extensions.append((usage(may_issue=one.signs), True))
        ends = TODAY - 60 if one.is_over else TODAY + 86_400
        above = issuers[-1] if issuers else None
        issuers.append(issue(f"issuer {number}", above, extensions=tuple(extensions), ends=ends))
    purpose = () if chain.purpose is None else ((x509.ExtendedKeyUsage([chain.purpose]), False),)
    leaf = issue("host", issuers[-1], names=("mx.example.org",), extensions=purpose, ends=TODAY + 86_400)
    shown = [one for number, one in enumerate(issuers) if number != chain.missing or number == 0]
    return leaf, issuers, shown if chain.turned_round else shown[::-1]


def openssl_takes(leaf: Issued, shown: list[Issued], anchor: Issued) -> bool:
    """Whether OpenSSL, trusting the anchor alone, takes a host that shows this."""
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with tempfile.NamedTemporaryFile() as file:
        key = leaf.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        certificates = [one.certificate.public_bytes(Encoding.PEM) for one in (leaf, *shown)]
        Path(file.name).write_bytes(b"".join([key, *certificates]))
        server.load_cert_chain(file.name)
    client.check_hostname = False
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(cadata=anchor.der)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    sides = [
        client.wrap_bio(to_client, to_server, server_hostname="mx.example.org"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for side in sides * 3:
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError:
            return False
    return True


def we_take(leaf: Issued, shown: list[Issued], anchor: Issued) -> bool:
    certificates = [one.certificate for one in shown]
    return leads_to(leaf.certificate, certificates, lambda one: one == anchor.certificate, now=TODAY)


@settings(deadline=None)
@given(CHAINS)
def test_a_way_that_we_find_is_one_for_openssl(chain: Chain) -> None:
    leaf, issuers, shown = built(chain)
    ours, theirs = we_take(leaf, shown, issuers[0]), openssl_takes(leaf, shown, issuers[0])
    event(f"ours {ours}, OpenSSL's {theirs}")
    assert theirs or not ours


def test_what_is_as_it_should_be_is_taken_by_both() -> None:
    sound = Issuer(may_issue=True, path_length=None, signs=True, is_over=False)
    for length in (1, 2, 3):
        for turned_round in (False, True):
            leaf, issuers, shown = built(Chain([sound] * length, ExtendedKeyUsageOID.SERVER_AUTH, turned_round, None))
            assert we_take(leaf, shown, issuers[0])
            assert openssl_takes(leaf, shown, issuers[0])
