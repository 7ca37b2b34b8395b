"""What is known of a certificate, and when its files count as changed."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from empath.world import CertificateUnusable
from empath.world.certificates import load, stamp


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


def write(directory: Path, issued: trustme.LeafCert, name: str = "cert") -> tuple[Path, Path]:
    cert_file, key_file = directory / f"{name}.pem", directory / f"{name}-key.pem"
    issued.cert_chain_pems[0].write_to_path(cert_file)
    issued.private_key_pem.write_to_path(key_file)
    return cert_file, key_file


def test_its_names_and_its_span_are_known(authority: trustme.CA, tmp_path: Path) -> None:
    begin, end = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 4, 2, tzinfo=UTC)
    names = ("mx.example.org", "*.example.net", "192.0.2.1")
    found = load(*write(tmp_path, authority.issue_cert(*names, not_before=begin, not_after=end)))
    assert found.names == ("mx.example.org", "*.example.net")
    assert (found.not_before, found.not_after) == (begin.timestamp(), end.timestamp())


def test_a_certificate_need_not_have_names(authority: trustme.CA, tmp_path: Path) -> None:
    assert load(*write(tmp_path, authority.issue_cert("192.0.2.1"))).names == ()


def test_an_authority_of_clients_that_cannot_be_read_is_named(authority: trustme.CA, tmp_path: Path) -> None:
    files = write(tmp_path, authority.issue_cert("mx.example.org"))
    with pytest.raises(CertificateUnusable, match="nowhere"):
        load(*files, client_ca_file=tmp_path / "nowhere")


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(authority: trustme.CA, tmp_path: Path) -> None:
    cert_file, key_file = write(tmp_path, authority.issue_cert("mx.example.org"))
    key = load_pem_private_key(key_file.read_bytes(), None)
    key_file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"secret"))
    )
    with pytest.raises(CertificateUnusable, match="passphrase"):
        load(cert_file, key_file)


def test_files_that_nobody_touched_look_the_same(authority: trustme.CA, tmp_path: Path) -> None:
    files = write(tmp_path, authority.issue_cert("mx.example.org"))
    assert stamp(files) == stamp(files)


def test_every_way_to_change_a_file_is_seen(authority: trustme.CA, tmp_path: Path) -> None:
    first, second = (write(tmp_path, authority.issue_cert("mx.example.org"), name) for name in ("one", "two"))
    link = tmp_path / "live.pem"
    link.symlink_to(first[0])
    seen = [stamp([link])]
    link.unlink()
    seen.append(stamp([link]))
    link.symlink_to(second[0])
    seen.append(stamp([link]))
    shutil.copy(first[0], second[0])
    seen.append(stamp([link]))
    before = os.stat(second[0])
    second[0].chmod(0o600 if before.st_mode & 0o044 else 0o644)
    seen.append(stamp([link]))
    assert len(set(seen)) == len(seen)
