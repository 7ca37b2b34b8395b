"""Checks of what operators watch and steer with."""

from collections.abc import Iterator

from empath.config.checks.finding import Finding, Subject
from empath.config.faults import Code
from empath.config.places import KeyPath


def dashboard(subject: Subject) -> Iterator[Finding]:
    """The dashboard asks the API for all that it shows."""
    api, key = subject.config.api, ("api", "dashboard")
    if subject.is_given(key) and api.dashboard and not api.enabled:
        yield _idle(key, "api.enabled is off, and the dashboard is served with the API", "turn api.enabled on")


def exposure(subject: Subject) -> Iterator[Finding]:
    """What other machines can reach must know who asks, and must not say it in clear."""
    api = subject.config.api
    if not api.enabled or api.listen_addr.is_loopback:
        return
    key: KeyPath = ("api", "listen_addr")
    if api.tokens_file is None:
        yield Finding(
            code=Code.UNSAFE,
            about=(key, ("api", "tokens_file")),
            what=f"{api.listen_addr} can be reached from other machines, and there are no tokens to tell them apart",
            why="whoever can reach it could ask for anything, and nobody would be answered",
            remedy="set api.tokens_file and make a token with `empath token new`, or listen on 127.0.0.1",
        )
    if api.tls.cert_file is None and not api.allow_insecure_http:
        yield Finding(
            code=Code.UNSAFE,
            about=(key, ("api", "allow_insecure_http")),
            what=f"{api.listen_addr} can be reached from other machines, and api.tls names no certificate",
            why="tokens would cross the network in clear, and whoever sees one can use it",
            remedy="set api.tls.cert_file and key_file; or, behind a proxy with TLS, api.allow_insecure_http = true",
        )


def certificate(subject: Subject) -> Iterator[Finding]:
    """A certificate is of no use without its key."""
    tls = subject.config.api.tls
    files = {"cert_file": tls.cert_file, "key_file": tls.key_file}
    missing = [name for name, file in files.items() if file is None]
    if len(missing) == 1:
        given = next(name for name in files if name not in missing)
        yield Finding(
            code=Code.MISSING,
            about=(("api", "tls", missing[0]), ("api", "tls", given)),
            what=f"not set, and api.tls.{given} is",
            why="a certificate is of no use without its key",
            remedy="set both api.tls.cert_file and api.tls.key_file",
        )


def retention(subject: Subject) -> Iterator[Finding]:
    """Without a file for each day there are no old ones."""
    key: KeyPath = ("audit", "retain_days")
    if subject.is_given(key) and not subject.config.audit.rotate_daily:
        yield _idle(key, "audit.rotate_daily is off, so there is one file for all days", "turn audit.rotate_daily on")


def _idle(key: KeyPath, why: str, remedy: str) -> Finding:
    what = "changes nothing"
    return Finding(code=Code.NO_EFFECT, about=(key,), what=what, why=why, remedy=remedy, is_error=False)
