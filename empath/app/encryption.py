"""TLS on the receiving side: the certificates of all listeners, and the threads that compute their handshakes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import trio
from attrs import define, field, frozen

from empath.config.schema import ListenerSettings, ListenerTls, ReceptionTlsSettings
from empath.ingress import CertificateStore, KeyPair, TlsEntrance
from empath.world.certificates import Certificate
from empath.world.ports import Offload, World


@frozen
class Files:
    """What a listener with TLS needs."""

    pairs: tuple[KeyPair, ...]
    client_ca_file: Path | None

    @classmethod
    def of(cls, listener: ListenerSettings) -> Files:
        """Those that it names."""
        each = (listener.starttls, *listener.certificates)
        pairs = (KeyPair(one.cert_file, one.key_file) for one in each if one.cert_file and one.key_file)
        return cls(tuple(pairs), listener.client_ca_file)


@define(eq=False)
class Encryption:
    """One store for each set of files, which several listeners may name; and threads that all of them share."""

    _settings: ReceptionTlsSettings
    _world: World
    _offload: Offload = field(init=False)
    _stores: dict[Files, CertificateStore] = field(init=False, factory=dict)
    _changed: trio.Event = field(init=False, factory=trio.Event)
    """There are other stores to look after, or it is to be done otherwise."""

    def __attrs_post_init__(self) -> None:
        """Set threads apart. They start with the first handshake."""
        self._offload = self._world.offload.own("tls", threads=self._settings.handshake_threads)

    def entrance(self, listener: ListenerSettings) -> TlsEntrance | None:
        """How the clients of a listener come to TLS; None: they do not. This blocks. Raises CertificateUnusable."""
        if listener.tls is ListenerTls.NONE:
            return None
        self._stores.update(self.opened([listener]))
        store = self._stores[Files.of(listener)]
        return TlsEntrance(
            context=lambda: store.context, offload=self._offload, timeout_s=self._settings.handshake_timeout_s
        )

    def opened(self, listeners: Iterable[ListenerSettings]) -> Mapping[Files, CertificateStore]:
        """Read what these need and nobody has read yet. Changes nothing; this blocks. Raises CertificateUnusable."""
        return {
            files: CertificateStore.open(files.pairs, client_ca_file=files.client_ca_file, clock=self._world.clock)
            for files in _needed(listeners) - self._stores.keys()
        }

    def renew(
        self,
        settings: ReceptionTlsSettings,
        listeners: Iterable[ListenerSettings],
        opened: Mapping[Files, CertificateStore],
    ) -> None:
        """Go on for these listeners. ``opened``: what they need beside what is here. What nobody needs is let go."""
        found = self._stores | dict(opened)
        self._stores = {files: found[files] for files in _needed(listeners)}
        self._settings = settings
        self._changed.set()

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """All certificates in use, for those who watch their end. One file may be in several stores."""
        return tuple({one.cert_file: one for store in self._stores.values() for one in store.certificates}.values())

    async def watch(self) -> None:
        """Look after the certificates until cancelled."""
        while True:
            changed = self._changed = trio.Event()
            async with trio.open_nursery() as nursery:
                for store in self._stores.values():
                    nursery.start_soon(self._watch, store)
                await changed.wait()
                nursery.cancel_scope.cancel()

    async def _watch(self, store: CertificateStore) -> None:
        settings = self._settings
        await store.watch(
            self._world.offload, interval_s=settings.reload_interval_s, warning_s=settings.expiry_warning_s
        )


def _needed(listeners: Iterable[ListenerSettings]) -> set[Files]:
    return {Files.of(one) for one in listeners if one.tls is not ListenerTls.NONE}
