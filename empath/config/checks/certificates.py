"""Checks of TLS on the receiving side: certificates without keys, and keys without TLS."""

from collections.abc import Iterator

from empath.config.checks.finding import Finding, Subject
from empath.config.faults import Code
from empath.config.places import KeyPath
from empath.config.schema import ListenerSettings, ListenerTls

_WHY_NOT_IN_CLEAR = "the listener would look safe in the file and speak in clear"
_REMEDY_IN_CLEAR = 'set tls = "starttls" or "implicit", or leave the file out'


def certificates(subject: Subject) -> Iterator[Finding]:
    """TLS without certificate, or the other way round; half a certificate."""
    for index, listener in enumerate(subject.config.smtp.listeners):
        key: KeyPath = ("smtp", "listeners", index)
        if listener.tls is ListenerTls.NONE:
            yield from _in_clear(listener, key)
        else:
            yield from _half(listener, key)


def _files(listener: ListenerSettings, key: KeyPath) -> list[tuple[KeyPath, object]]:
    """Every file of a certificate that the listener can have, and the path to it; None: it is not set."""
    each = [((*key, "starttls"), listener.starttls)]
    each += [((*key, "certificates", number), one) for number, one in enumerate(listener.certificates)]
    return [((*path, name), getattr(one, name)) for path, one in each for name in ("cert_file", "key_file")]


def _in_clear(listener: ListenerSettings, key: KeyPath) -> Iterator[Finding]:
    for path, file in [*_files(listener, key), ((*key, "client_ca_file"), listener.client_ca_file)]:
        if file is not None:
            yield Finding(
                code=Code.CONTRADICTION,
                about=(path, (*key, "tls")),
                what='set, and tls = "none"',
                why=_WHY_NOT_IN_CLEAR,
                remedy=_REMEDY_IN_CLEAR,
            )


def _half(listener: ListenerSettings, key: KeyPath) -> Iterator[Finding]:
    for path, file in _files(listener, key):
        if file is None:
            default = path[-2] == "starttls"
            what = f'not set, and tls = "{listener.tls.value}" needs it' if default else "not set"
            why = "TLS starts with a certificate" if default else "a certificate is of no use without its key"
            yield Finding(
                code=Code.MISSING,
                about=(path, (*key, "tls")),
                what=what,
                why=why,
                remedy="set both cert_file and key_file",
            )
