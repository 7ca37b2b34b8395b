import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.encryption.spki import public_key_info
from tests.delivery.shown import authorities, certificate
from tests.policy.certificates import chain


def test_the_key_is_cut_out_of_certificates_of_several_makers() -> None:
    blobs = [certificate("good").cert_chain_pems[0], authorities().known.cert_pem, authorities().below.cert_pem]
    ders = [x509.load_pem_x509_certificate(blob.bytes()).public_bytes(Encoding.DER) for blob in blobs]
    for der in (*ders, *chain()):
        key = x509.load_der_x509_certificate(der).public_key()
        assert public_key_info(der) == key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_a_certificate_that_is_cut_off_has_none() -> None:
    whole = chain()[0]
    for size in range(len(whole)):
        with pytest.raises(ValueError, match=r"."):
            public_key_info(whole[:size])


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: b"\x30\x7f\x30\x7e" + tail))
def test_whatever_is_shown_has_a_key_or_is_no_certificate(octets: bytes) -> None:
    try:
        found = public_key_info(octets)
    except ValueError:
        return
    assert found in octets
