"""TLS on the receiving side: the certificates of all listeners, and the threads that compute their handshakes."""

from __future__ import annotations

import trio
from attrs import define, field

from empath.config.schema import ListenerSettings, ListenerTls, ReceptionTlsSettings
from empath.ingress import CertificateStore, KeyPair, TlsEntrance
from empath.world.certificates import Certificate
from empath.world.ports import Offload, World


@define(eq=False)
class Encryption:
    """One store for each set of files, which several listeners may name; and threads that all of them share."""

    _settings: ReceptionTlsSettings
    _world: World
    _offload: Offload = field(init=False)
    _stores: dict[object, CertificateStore] = field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        """Set threads apart. They start with the first handshake."""
        self._offload = self._world.offload.own("tls", threads=self._settings.handshake_threads)

    def entrance(self, listener: ListenerSettings) -> TlsEntrance | None:
        """How the clients of a listener come to TLS; None: they do not. This blocks. Raises CertificateUnusable."""
        if listener.tls is ListenerTls.NONE:
            return None
        pairs = [
            KeyPair(one.cert_file, one.key_file)
            for one in (listener.starttls, *listener.certificates)
            if one.cert_file and one.key_file
        ]
        key = (*pairs, listener.client_ca_file)
        if key not in self._stores:
            self._stores[key] = CertificateStore.open(
                pairs, client_ca_file=listener.client_ca_file, clock=self._world.clock
            )
        store = self._stores[key]
        return TlsEntrance(
            context=lambda: store.context, offload=self._offload, timeout_s=self._settings.handshake_timeout_s
        )

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """All certificates in use, for those who watch their end. One file may be in several stores."""
        return tuple({one.cert_file: one for store in self._stores.values() for one in store.certificates}.values())

    async def watch(self) -> None:
        """Look after the certificates until cancelled."""
        async with trio.open_nursery() as nursery:
            for store in self._stores.values():
                nursery.start_soon(self._watch, store)

    async def _watch(self, store: CertificateStore) -> None:
        settings = self._settings
        await store.watch(
            self._world.offload, interval_s=settings.reload_interval_s, warning_s=settings.expiry_warning_s
        )
