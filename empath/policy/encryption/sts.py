"""MTA-STS, as far as it is text: the record in DNS, the policy behind it, and which hosts that lists (RFC 8461).

The record says nothing but that there is a policy, and which edition (RFC 8461 3.1)::

    _mta-sts.example.org. TXT "v=STSv1; id=20261122T000000;"

The policy stands on a web server, whose certificate is what makes it believable (RFC 8461 3.2)::

    version: STSv1
    mode: enforce
    mx: mx1.example.org
    mx: *.mail.example.org
    max_age: 604800

Fields that are not known are passed over. Of a field that stands twice the first one counts, but for ``mx``.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from attrs import frozen

from empath.policy.encryption.peer_names import fits

MAX_AGE_S: Final = 31_557_600
"""A year, the most that a policy may ask for (RFC 8461 3.2)."""
MAX_PATTERNS: Final = 500
"""How many hosts a policy may list here; one with more is not used."""
_VERSION: Final = "STSv1"
_WSP: Final = " \t"


class StsMode(Enum):
    """What a domain asks for. The value is the word in the policy (RFC 8461 5)."""

    ENFORCE = "enforce"
    """No mail to a host that is not listed, or cannot prove who it is."""
    TESTING = "testing"
    """Mail as if there were no policy."""
    NONE = "none"
    """There is no policy any more."""


class StsUnusable(Exception):
    """What stands on the web server is no policy. The text says why."""


@frozen(kw_only=True)
class StsPolicy:
    """What a domain has published."""

    mode: StsMode
    max_age_s: int
    """For how long after it was fetched it holds."""
    patterns: tuple[str, ...]
    """Hosts, as A-labels in lower case; ``*.`` stands for one label (RFC 8461 4.1)."""

    @property
    def lines(self) -> tuple[str, ...]:
        """The policy as text: what of it is understood here."""
        hosts = [f"mx: {pattern}" for pattern in self.patterns]
        return (f"version: {_VERSION}", f"mode: {self.mode.value}", *hosts, f"max_age: {self.max_age_s}")

    def lists(self, host: str) -> bool:
        """Whether a host, as A-labels, is one of those that may get the mail."""
        return any(fits(pattern, host.lower()) for pattern in self.patterns)


def edition(texts: Iterable[bytes]) -> str | None:
    """The id in the TXT records of ``_mta-sts``; None: the domain has no policy (RFC 8461 3.1).

    Records about something else are passed over. Two that are about this are as good as none.
    """
    ours = [text for text in texts if text.startswith(b"v=STSv1;")]
    if len(ours) != 1:
        return None
    for part in ours[0].decode("latin-1").split(";")[1:]:
        name, equals, value = part.strip(_WSP).partition("=")
        if name == "id" and equals:
            return value if 1 <= len(value) <= 32 and value.isascii() and value.isalnum() else None
    return None


def parse_policy(body: bytes) -> StsPolicy:
    """Read a policy. Raises StsUnusable."""
    try:
        lines = body.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise StsUnusable("the policy is not UTF-8") from None
    fields: dict[str, str] = {}
    patterns: list[str] = []
    for line in lines:
        name, colon, value = line.removesuffix("\r").partition(":")
        value = value.strip(_WSP)
        if colon and name == "mx":
            patterns.append(value.lower())
        elif colon:
            fields.setdefault(name, value)
    if fields.get("version") != _VERSION:
        raise StsUnusable(f"the policy does not say version: {_VERSION}")
    mode = _mode(fields.get("mode", ""))
    if mode is not StsMode.NONE and not patterns:
        raise StsUnusable("the policy lists no mx")
    if len(patterns) > MAX_PATTERNS:
        raise StsUnusable(f"the policy lists more than {MAX_PATTERNS} mx")
    return StsPolicy(mode=mode, max_age_s=_max_age_s(fields.get("max_age", "")), patterns=tuple(patterns))


def _mode(text: str) -> StsMode:
    try:
        return StsMode(text)
    except ValueError:
        raise StsUnusable("the policy has no mode that is known") from None


def _max_age_s(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise StsUnusable("the policy has no max_age that is a number of seconds")
    return min(int(text), MAX_AGE_S)
