"""What a configuration names beside itself, tried out as the daemon would: certificates, users, the user to become.

A file that cannot be read is found when the configuration is read. What it holds costs more to look at, so only
``empath config check`` does, and the daemon when it starts.
"""

import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

from empath.config import Code, Fault, Loaded, Severity
from empath.config.places import KeyPath
from empath.config.schema import ApiTlsSettings, CertificateSettings, ListenerSettings, ListenerTls
from empath.ingress.logins.credentials import parse_users
from empath.world import certificates
from empath.world.errors import CertificateUnusable

_WHY = "the daemon could not use it either, and would not start"


def faults_in(found: Loaded) -> Iterator[Fault]:
    """Yield what would keep the daemon from starting, and secrets that are none.

    ``found``: every file that it names was there when it was read.
    """
    for index, listener in enumerate(found.config.smtp.listeners):
        key: KeyPath = ("smtp", "listeners", index)
        if listener.tls is not ListenerTls.NONE:
            yield from _in_certificates(found, key, listener)
        if listener.users_file is not None:
            yield from _in_users(found, (*key, "users_file"), listener.users_file)
    if found.config.api.enabled:
        yield from _in_pair(found, ("api", "tls"), found.config.api.tls, None)
    if found.config.user is not None:
        yield from _in_user(found, found.config.user)


def _in_certificates(found: Loaded, key: KeyPath, listener: ListenerSettings) -> Iterator[Fault]:
    pairs: list[tuple[KeyPath, CertificateSettings]] = [((*key, "starttls"), listener.starttls)]
    pairs += [((*key, "certificates", number), one) for number, one in enumerate(listener.certificates)]
    for path, pair in pairs:
        yield from _in_pair(found, path, pair, listener.client_ca_file)


def _in_pair(
    found: Loaded, path: KeyPath, pair: CertificateSettings | ApiTlsSettings, client_ca_file: Path | None
) -> Iterator[Fault]:
    if pair.cert_file is None or pair.key_file is None:
        return  # there is none, or it is a fault that was found before
    try:
        certificates.load(pair.cert_file, pair.key_file, client_ca_file=client_ca_file)
    except CertificateUnusable as problem:
        remedy = "docs/tls.rst says what is in such files; `openssl x509 -noout -text -in FILE` shows a certificate"
        yield _unusable(found, (*path, "cert_file"), str(problem), remedy)
        return
    why = "who has the key can pretend to be this host, and the daemon needs no more than to read it"
    yield from _exposed(found, (*path, "key_file"), pair.key_file, why)


def _in_users(found: Loaded, key: KeyPath, path: Path) -> Iterator[Fault]:
    try:
        parse_users(path.read_bytes())
    except FileNotFoundError:
        return  # which is no fault: it is made with the first user
    except ValueError as problem:
        yield _unusable(found, key, f"{path}, {problem}", "repair that line, or take it out and use `empath user add`")
    why = "who can write it can log in as anybody, and who can read it can guess passwords at leisure"
    yield from _exposed(found, key, path, why)


def _in_user(found: Loaded, name: str) -> Iterator[Fault]:
    try:
        pwd.getpwnam(name)
    except KeyError:
        remedy = "make it, as docs/deployment.rst shows, or name another one"
        yield _unusable(found, ("user",), f"there is no user {name} on this machine", remedy)


def _exposed(found: Loaded, key: KeyPath, path: Path, why: str) -> Iterator[Fault]:
    if path.stat().st_mode & stat.S_IRWXO:
        yield Fault(
            code=Code.EXPOSED,
            severity=Severity.WARNING,
            key=key,
            what=f"everybody on this machine can read or write {path}",
            why=why,
            remedy=f"chmod o= {path}, and let the user of the daemon own it, or its group read it",
            origin=found.origin(key),
        )


def _unusable(found: Loaded, key: KeyPath, what: str, remedy: str) -> Fault:
    return Fault(code=Code.UNUSABLE, key=key, what=what, why=_WHY, remedy=remedy, origin=found.origin(key))
