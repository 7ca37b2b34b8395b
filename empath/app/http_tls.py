"""TLS of the server of the API, and of what shares its address: one certificate, read again when it changes."""

from __future__ import annotations

import trio
from attrs import define, field

from empath.config.schema import Config
from empath.ingress import CertificateStore, KeyPair, TlsEntrance
from empath.mail.facts import Fact
from empath.mail.reload_facts import ConfigReloaded
from empath.world.certificates import Certificate
from empath.world.encrypted_connection import EncryptedConnection
from empath.world.ports import Connection, Offload, World


@define(eq=False)
class HttpTls:
    """See the module. A connection goes on with the certificate that it began with."""

    _config: Config
    _store: CertificateStore
    _offload: Offload
    _threads: Offload = field(init=False)
    _asked: trio.Event = field(init=False, factory=trio.Event)

    @classmethod
    def open(cls, config: Config, world: World) -> HttpTls | None:
        """Read the certificate; None: configuration names none. This blocks. Raises CertificateUnusable."""
        tls = config.api.tls
        if tls.cert_file is None or tls.key_file is None:
            return None
        pair = KeyPair(tls.cert_file, tls.key_file)
        return cls(config, CertificateStore.open([pair], client_ca_file=None, clock=world.clock), world.offload)

    def __attrs_post_init__(self) -> None:
        self._threads = self._offload.own("https", threads=1)

    @property
    def certificates(self) -> tuple[Certificate, ...]:
        """Those in use."""
        return self._store.certificates

    async def secure(self, connection: Connection) -> Connection:
        """Do the server's side of a handshake. Raises NetworkError."""
        timeout_s = self._config.http.read_timeout_s
        entrance = TlsEntrance(context=lambda: self._store.context, offload=self._threads, timeout_s=timeout_s)
        return EncryptedConnection(await entrance.accept(connection), connection)

    def observe(self, fact: Fact) -> None:
        """Look at the files at once when somebody reloads the configuration."""
        if isinstance(fact, ConfigReloaded):
            self._asked.set()

    async def run(self) -> None:
        """Look after the certificate until cancelled."""
        settings = self._config.smtp.tls
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._refresh_when_asked)
            await self._store.watch(
                self._offload, interval_s=settings.reload_interval_s, warning_s=settings.expiry_warning_s
            )

    async def _refresh_when_asked(self) -> None:
        while True:
            await self._asked.wait()
            self._asked = trio.Event()
            await self._store.refresh(self._offload)
