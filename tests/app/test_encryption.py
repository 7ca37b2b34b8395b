"""From the configuration of listeners to what their clients see of TLS."""

import logging
import ssl
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio
import trustme
from attrs import evolve
from trio.testing import MockClock

from empath.app.encryption import Encryption
from empath.config.schema import CertificateSettings, ListenerSettings, ListenerTls, ReceptionTlsSettings
from empath.sim import SimulatedWorld
from empath.sim.offload import InlineOffload
from empath.world.errors import CertificateUnusable, NetworkError, TlsFailed
from empath.world.handshake import start_tls
from empath.world.ports import Connection
from empath.world.tls import TlsContext, opportunistic_context
from tests.ingress.stage import ENTRANCE

SETTINGS = ReceptionTlsSettings()


def issue(directory: Path, name: str, host: str, *, days: float = 100) -> CertificateSettings:
    """Write a certificate, and return the settings that name it."""
    end = datetime.fromtimestamp(SimulatedWorld(seed=1).clock.epoch, UTC) + timedelta(days=days)
    issued = trustme.CA().issue_cert(host, not_after=end)
    files = CertificateSettings(cert_file=directory / f"{name}.pem", key_file=directory / f"{name}-key.pem")
    assert files.cert_file
    assert files.key_file
    issued.cert_chain_pems[0].write_to_path(files.cert_file)
    issued.private_key_pem.write_to_path(files.key_file)
    return files


@pytest.fixture
def listener(tmp_path: Path) -> ListenerSettings:
    files, other = issue(tmp_path, "default", "mx.example.org"), issue(tmp_path, "other", "mx.example.net")
    return ListenerSettings(tls=ListenerTls.STARTTLS, starttls=files, certificates=(other,))


async def shake(
    world: SimulatedWorld, encryption: Encryption, listener: ListenerSettings, context: TlsContext
) -> bytes:
    """Do a handshake with a listener, and return the certificate it shows."""
    entrance = encryption.entrance(listener)
    assert entrance is not None
    async with await world.host.listen(ENTRANCE) as opened, await world.host.connect(ENTRANCE) as client:
        server = await opened.accept()
        async with server, trio.open_nursery() as nursery:
            nursery.start_soon(_accept, entrance.accept, server)
            stream = await start_tls(client, context, host="mx.example.net")
    assert stream.summary.peer_certificate is not None
    return stream.summary.peer_certificate


async def _accept(accept: object, server: Connection) -> None:
    assert callable(accept)
    with suppress(NetworkError):
        await accept(server)


def test_a_listener_without_tls_has_no_entrance(listener: ListenerSettings) -> None:
    encryption = Encryption(SETTINGS, SimulatedWorld(seed=1).world)
    assert encryption.entrance(evolve(listener, tls=ListenerTls.NONE)) is None
    assert encryption.certificates == ()


async def test_the_certificates_of_a_listener_are_shown_by_name(listener: ListenerSettings) -> None:
    world = SimulatedWorld(seed=1)
    seen = await shake(world, Encryption(SETTINGS, world.world), listener, opportunistic_context())
    other = listener.certificates[0].cert_file
    assert other is not None
    assert seen == ssl.PEM_cert_to_DER_cert(other.read_text())


def test_listeners_with_the_same_files_share_them(listener: ListenerSettings) -> None:
    encryption = Encryption(SETTINGS, SimulatedWorld(seed=1).world)
    one = encryption.entrance(listener)
    other = encryption.entrance(evolve(listener, tls=ListenerTls.IMPLICIT))
    asking = encryption.entrance(evolve(listener, client_ca_file=listener.starttls.cert_file))
    assert one is not None
    assert other is not None
    assert asking is not None
    assert one.context() is other.context()
    assert one.context() is not asking.context()
    assert asking.context().verify_mode is ssl.CERT_OPTIONAL
    assert [found.names for found in encryption.certificates] == [("mx.example.org",), ("mx.example.net",)]


def test_files_that_cannot_be_used_are_an_error_at_once(listener: ListenerSettings, tmp_path: Path) -> None:
    missing = CertificateSettings(cert_file=tmp_path / "none.pem", key_file=tmp_path / "none-key.pem")
    with pytest.raises(CertificateUnusable):
        Encryption(SETTINGS, SimulatedWorld(seed=1).world).entrance(evolve(listener, certificates=(missing,)))


async def test_handshakes_have_the_time_that_is_configured(
    listener: ListenerSettings, autojump_clock: MockClock
) -> None:
    world = SimulatedWorld(seed=1)
    entrance = Encryption(ReceptionTlsSettings(handshake_timeout_s=7), world.world).entrance(listener)
    assert entrance is not None
    async with await world.host.listen(ENTRANCE) as opened, await world.host.connect(ENTRANCE):
        with pytest.raises(TlsFailed, match="7 seconds"):
            await entrance.accept(await opened.accept())


def test_handshakes_have_the_threads_that_are_configured() -> None:
    class Asked(InlineOffload):
        def own(self, name: str, *, threads: int) -> InlineOffload:
            wanted.append(threads)
            return super().own(name, threads=threads)

    wanted: list[int] = []
    Encryption(ReceptionTlsSettings(handshake_threads=3), evolve(SimulatedWorld(seed=1).world, offload=Asked()))
    assert wanted == [3]


async def test_changes_are_looked_for_and_ends_announced_as_configured(
    listener: ListenerSettings, tmp_path: Path, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    settings = ReceptionTlsSettings(reload_interval_s=10, expiry_warning_s=200 * 86_400)
    encryption = Encryption(settings, SimulatedWorld(seed=1).world)
    encryption.entrance(listener)
    with caplog.at_level(logging.INFO, "empath"):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(encryption.watch)
            await trio.sleep(9)
            assert caplog.text.count("in 100 days") == 2
            issue(tmp_path, "other", "mx.example.com", days=300)
            await trio.sleep(0.5)
            assert encryption.certificates[1].names == ("mx.example.net",)
            await trio.sleep(1)
            assert encryption.certificates[1].names == ("mx.example.com",)
            nursery.cancel_scope.cancel()
