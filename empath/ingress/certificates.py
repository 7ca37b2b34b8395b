"""The certificates of a listener: read when the daemon starts, and again whenever they change on the disk.

A new certificate is checked together with its key before it is shown to anybody; one that cannot be used leaves the old
one in its place and a complaint in the log. Sessions that are open go on with what they began with. Tickets for
sessions to be taken up again end with the certificate under which they were given out, whose context has the keys.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import trio
from attrs import define, field, frozen

from empath.policy.reception.server_name import ServerNames
from empath.world.certificates import Certificate, Stamp, load, stamp
from empath.world.errors import CertificateUnusable
from empath.world.ports import Clock, Offload
from empath.world.tls import TlsContext, by_server_name

_LOG = logging.getLogger(__name__)
_DAY_S: Final = 86_400.0


@frozen
class KeyPair:
    """Where a certificate lies, with its chain, and where the key that belongs to it."""

    cert_file: Path
    key_file: Path


@frozen
class _Look:
    """What was found in place of a certificate whose files have changed."""

    number: int
    stamp: Stamp
    found: Certificate | CertificateUnusable


@define(eq=False)
class CertificateStore:
    """All certificates of a listener, the default one first. ``context`` is always ready for the next handshake."""

    _clock: Clock
    _client_ca_file: Path | None
    _certificates: list[Certificate]
    _stamps: list[Stamp]
    context: TlsContext = field(init=False)
    """It chooses by the name that a client asks for. It is another one after a change: ask for it each time."""
    _reminded: dict[Path, float] = field(init=False, factory=dict)
    """When the log last spoke of the end of a certificate."""

    @classmethod
    def open(cls, pairs: Sequence[KeyPair], *, client_ca_file: Path | None, clock: Clock) -> CertificateStore:
        """Read the certificates; this blocks. Raises CertificateUnusable."""
        stamps = [stamp(_files(pair.cert_file, pair.key_file, client_ca_file)) for pair in pairs]
        found = [load(pair.cert_file, pair.key_file, client_ca_file=client_ca_file) for pair in pairs]
        return cls(clock, client_ca_file, found, stamps)

    def __attrs_post_init__(self) -> None:
        """Make the first context."""
        self._renew_context()

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """Those in use, with their names and the moments of their end."""
        return tuple(self._certificates)

    async def watch(self, offload: Offload, *, interval_s: float, warning_s: float) -> None:
        """Look after the certificates until cancelled. ``warning_s`` before the end of one the log begins to warn."""
        while True:
            self.remind(warning_s)
            await trio.sleep(interval_s)
            await self.refresh(offload)

    async def refresh(self, offload: Offload) -> None:
        """Take over what has changed on the disk, if it can be used."""
        if looks := await offload.run(self._look):
            self._take(looks)

    def remind(self, warning_s: float) -> None:
        """Warn of certificates that will end within ``warning_s``, have ended or have not begun; once a day of each."""
        now = self._clock.now()
        for one in self._certificates:
            complaint = _complaint(one, now, warning_s)
            if complaint and now >= self._reminded.get(one.cert_file, float("-inf")) + _DAY_S:
                self._reminded[one.cert_file] = now
                level = logging.WARNING if now < one.not_after else logging.ERROR
                _LOG.log(level, "%s; have it renewed, and put the new one into the same files", complaint)

    def _look(self) -> list[_Look]:
        """What has changed. Runs in a thread, and changes nothing itself."""
        changed = []
        for number, (one, known) in enumerate(zip(self._certificates, self._stamps, strict=True)):
            seen = stamp(_files(one.cert_file, one.key_file, self._client_ca_file))
            if seen != known:
                found: Certificate | CertificateUnusable
                try:
                    found = load(one.cert_file, one.key_file, client_ca_file=self._client_ca_file)
                except CertificateUnusable as problem:
                    found = problem
                changed.append(_Look(number, seen, found))
        return changed

    def _take(self, looks: Iterable[_Look]) -> None:
        for look in looks:
            old = self._certificates[look.number]
            # Bad files are remembered too: they are complained of once, and tried again when they change again.
            self._stamps[look.number] = look.stamp
            if isinstance(look.found, CertificateUnusable):
                end = _date(old.not_after)
                _LOG.error("%s; the certificate before it, which ends on %s, stays in use", look.found, end)
            else:
                self._certificates[look.number] = look.found
                self._reminded.pop(old.cert_file, None)
                _LOG.info("new certificate in %s, which ends on %s", old.cert_file, _date(look.found.not_after))
        self._renew_context()

    def _renew_context(self) -> None:
        names = ServerNames([one.names for one in self._certificates])
        self.context = by_server_name([one.context for one in self._certificates], names.find)


def _files(*files: Path | None) -> list[Path]:
    return [file for file in files if file is not None]


def _complaint(one: Certificate, now: float, warning_s: float) -> str | None:
    if now < one.not_before:
        return f"the certificate in {one.cert_file} begins on {_date(one.not_before)}: until then it is no good"
    if now >= one.not_after:
        return f"the certificate in {one.cert_file} ended on {_date(one.not_after)}: clients that check it do not send"
    if one.not_after - now < warning_s:
        days = int((one.not_after - now) // _DAY_S)
        return f"the certificate in {one.cert_file} ends on {_date(one.not_after)}, in {days} days"
    return None


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M UTC")
