"""Contexts: what they load and what they say when they cannot."""

import ssl
from pathlib import Path

import pytest
import trustme

from empath.world import CertificateUnusable
from empath.world.tls import opportunistic_context, server_context, verifying_context


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A directory with a chain, its key, the key of somebody else, and a file that is none of them."""
    authority = trustme.CA()
    issued, other = authority.issue_cert("mx.example.com"), authority.issue_cert("other.example.com")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "chain.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    other.private_key_pem.write_to_path(tmp_path / "other-key.pem")
    (tmp_path / "rubbish.pem").write_text("this is no certificate")
    return tmp_path


@pytest.mark.parametrize(
    ("chain", "key", "why"),
    [
        ("missing.pem", "key.pem", "No such file"),
        ("chain.pem", "missing.pem", "No such file"),
        ("rubbish.pem", "key.pem", "expected PEM"),
        ("chain.pem", "rubbish.pem", "expected PEM"),
        ("chain.pem", "other-key.pem", "a key that belongs to the first certificate"),
    ],
)
def test_files_that_cannot_be_used_are_named_with_the_reason(files: Path, chain: str, key: str, why: str) -> None:
    with pytest.raises(CertificateUnusable, match=why) as failure:
        server_context(files / chain, files / key)
    assert str(files / chain) in str(failure.value)
    assert str(files / key) in str(failure.value)


@pytest.mark.parametrize(("ca_file", "why"), [("missing.pem", "No such file"), ("rubbish.pem", "expected PEM")])
def test_an_authority_that_cannot_be_read_is_named(files: Path, ca_file: str, why: str) -> None:
    with pytest.raises(CertificateUnusable, match=why):
        verifying_context(ca_file=files / ca_file)


def test_all_contexts_begin_at_tls_1_2(files: Path) -> None:
    contexts = [server_context(files / "chain.pem", files / "key.pem"), verifying_context(), opportunistic_context()]
    assert {context.minimum_version for context in contexts} == {ssl.TLSVersion.TLSv1_2}


def test_verification_is_on_unless_it_was_asked_to_be_off() -> None:
    context = verifying_context()
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert opportunistic_context().verify_mode is ssl.CERT_NONE


def test_one_function_in_the_whole_tree_switches_verification_off() -> None:
    sources = (path for path in Path(__file__).parents[2].joinpath("empath").rglob("*.py"))
    places = [path.name for path in sources for line in path.read_text().splitlines() if "CERT_NONE" in line]
    assert places == ["tls.py"]
