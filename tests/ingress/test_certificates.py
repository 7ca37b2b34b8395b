"""Certificates that are renewed while the listener runs, and those that nobody renews."""

import logging
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio
import trustme
from attrs import define, field, frozen
from trio.testing import MockClock

from empath.ingress.certificates import CertificateStore, KeyPair
from empath.sim.clock import SimulatedClock
from empath.sim.offload import InlineOffload
from empath.world import CertificateUnusable
from empath.world.ports import Clock
from empath.world.tls import opportunistic_context

DAY_S = 86_400.0
NOW = datetime(2026, 1, 1, tzinfo=UTC)
"""When a test begins."""


@frozen
class Stopped:
    """A clock that stands still."""

    def now(self) -> float:
        return NOW.timestamp()


@define(eq=False)
class Desk:
    """A directory with certificates, and the store that serves them."""

    directory: Path
    _authority: trustme.CA = field(init=False, factory=trustme.CA)

    def issue(self, name: str, *hosts: str, days: float = 90) -> KeyPair:
        """A certificate that begins before everything and ends in so many days."""
        begin, end = NOW - timedelta(days=1000), NOW + timedelta(days=days)
        issued = self._authority.issue_cert(*hosts, not_before=begin, not_after=end)
        pair = KeyPair(self.directory / f"{name}.pem", self.directory / f"{name}-key.pem")
        issued.cert_chain_pems[0].write_to_path(pair.cert_file)
        issued.private_key_pem.write_to_path(pair.key_file)
        return pair

    def store(self, *pairs: KeyPair, clock: Clock | None = None) -> CertificateStore:
        return CertificateStore.open(pairs, client_ca_file=None, clock=clock or SimulatedClock(NOW.timestamp()))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(autouse=True)
def informed(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.INFO, "empath"):
        yield


def shown(store: CertificateStore, host: str | None = None) -> bytes:
    """The certificate that a client sees who asks for this name."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = opportunistic_context().wrap_bio(to_client, to_server, server_hostname=host)
    server = store.context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client, server):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    certificate = client.getpeercert(binary_form=True)
    assert certificate is not None
    return certificate


def der(pair: KeyPair) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pair.cert_file.read_text())


def test_each_client_sees_the_certificate_for_the_name_it_asks_for(desk: Desk) -> None:
    default, other = desk.issue("default", "mx.example.org"), desk.issue("other", "*.example.net")
    store = desk.store(default, other)
    assert shown(store, "mx.example.org") == shown(store, "nobody.example") == shown(store, None) == der(default)
    assert shown(store, "mx.example.net") == der(other)


async def test_a_change_on_the_disk_is_taken_over(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    default, other = desk.issue("default", "mx.example.org"), desk.issue("other", "*.example.net")
    store = desk.store(default, other)
    first = store.context
    await store.refresh(InlineOffload())
    assert store.context is first
    desk.issue("other", "mx.example.com", days=100)
    await store.refresh(InlineOffload())
    assert shown(store, "mx.example.com") == der(other)
    assert shown(store, "mx.example.net") == der(default)
    assert [(one.not_after - NOW.timestamp()) / DAY_S for one in store.certificates] == [90, 100]
    assert "new certificate in" in caplog.text
    assert "which ends on 2026-04-11" in caplog.text


async def test_a_pair_that_does_not_fit_changes_nothing_and_is_complained_of_once(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    pair = desk.issue("default", "mx.example.org")
    store = desk.store(pair)
    before, key = der(pair), pair.key_file.read_bytes()
    desk.issue("default", "mx.example.org")
    new_key = pair.key_file.read_bytes()
    pair.key_file.write_bytes(key)
    for _ in range(3):
        await store.refresh(InlineOffload())
    assert shown(store) == before
    assert caplog.text.count("stays in use") == 1
    pair.key_file.write_bytes(new_key)
    await store.refresh(InlineOffload())
    assert shown(store) == der(pair) != before


async def test_a_file_that_is_gone_changes_nothing(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    pair = desk.issue("default", "mx.example.org")
    store, before = desk.store(pair), der(pair)
    pair.cert_file.unlink()
    await store.refresh(InlineOffload())
    assert shown(store) == before
    assert "No such file" in caplog.text


def test_a_bad_pair_at_the_start_is_an_error(desk: Desk) -> None:
    pair = desk.issue("default", "mx.example.org")
    pair.key_file.write_text("nothing")
    with pytest.raises(CertificateUnusable):
        desk.store(pair)


async def test_the_end_is_announced_once_a_day_until_somebody_cares(
    desk: Desk, caplog: pytest.LogCaptureFixture, autojump_clock: MockClock
) -> None:
    store = desk.store(desk.issue("default", "mx.example.org", days=20.5))
    async with trio.open_nursery() as nursery:

        async def watch() -> None:
            await store.watch(InlineOffload(), interval_s=600, warning_s=14 * DAY_S)

        nursery.start_soon(watch)
        await trio.sleep(6.4 * DAY_S)
        assert "have it renewed" not in caplog.text
        await trio.sleep(0.2 * DAY_S)
        assert "ends on 2026-01-21 12:00 UTC, in 13 days; have it renewed" in caplog.text
        await trio.sleep(1.5 * DAY_S)
        assert caplog.text.count("have it renewed") == 2
        desk.issue("default", "mx.example.org", days=100)
        await trio.sleep(600)
        caplog.clear()
        await trio.sleep(5 * DAY_S)
        assert caplog.text == ""
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(("days", "words"), [(-1, "ended on 2025-12-31"), (-999, "ended on")])
def test_an_end_that_is_past_is_an_error_in_the_log_and_no_reason_to_stop(
    desk: Desk, caplog: pytest.LogCaptureFixture, days: float, words: str
) -> None:
    desk.store(desk.issue("default", "mx.example.org", days=days), clock=Stopped()).remind(14 * DAY_S)
    assert words in caplog.text
    assert caplog.records[-1].levelno == logging.ERROR
