"""What a client learns of a server's certificates, over real handshakes in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
import trio
from cryptography import x509
from trio.testing import memory_stream_pair

from empath.sim.offload import InlineOffload
from empath.world import CertificateUnusable, ConnectionLost, TlsFailed
from empath.world.encrypted import TlsSummary
from empath.world.handshake import accept_tls, start_tls
from empath.world.sending_contexts import SendingContexts
from tests.delivery.shown import HOST, ca_file, certificate, server_side


@asynccontextmanager
async def server(kind: str) -> AsyncIterator[tuple[trio.abc.Stream, list[TlsSummary]]]:
    """A server with such a certificate: the way to it, and what it knows after the handshake."""
    ours, theirs = memory_stream_pair()
    known: list[TlsSummary] = []

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def serve() -> None:
            with suppress(TlsFailed, ConnectionLost, trio.BrokenResourceError):
                known.append((await accept_tls(theirs, server_side(kind))).summary)

        yield ours, known


def contexts(tmp_path: Path) -> SendingContexts:
    return SendingContexts(InlineOffload(), ca_file=ca_file(tmp_path))


async def test_the_chain_is_known_without_having_been_verified(tmp_path: Path) -> None:
    async with server("unknown") as (way, _):
        stream = await start_tls(way, contexts(tmp_path).opportunistic, host=HOST)
    assert not stream.summary.trusted
    shown = [x509.load_der_x509_certificate(one) for one in stream.summary.peer_chain]
    assert shown == [x509.load_pem_x509_certificate(pem.bytes()) for pem in certificate("unknown").cert_chain_pems]
    assert stream.summary.peer_chain[0] == stream.summary.peer_certificate


async def test_the_chain_has_the_intermediates_that_were_sent(tmp_path: Path) -> None:
    async with server("intermediate") as (way, known):
        stream = await start_tls(way, await contexts(tmp_path).trusting(), host=HOST)
    assert stream.summary.trusted
    assert len(stream.summary.peer_chain) == len(certificate("intermediate").cert_chain_pems) == 2
    assert known[0].peer_chain == ()
    assert not known[0].trusted


@pytest.mark.parametrize(
    ("kind", "trusted"), [("good", True), ("wrong name", True), ("expired", False), ("unknown", False)]
)
async def test_trust_is_about_authorities_and_dates_and_not_about_names(
    tmp_path: Path, kind: str, trusted: bool
) -> None:
    async with server(kind) as (way, _):
        context = await contexts(tmp_path).trusting()
        if trusted:
            assert (await start_tls(way, context, host=HOST)).summary.trusted
        else:
            with pytest.raises(TlsFailed) as caught:
                await start_tls(way, context, host=HOST)
            assert caught.value.untrusted


async def test_contexts_are_made_once(tmp_path: Path) -> None:
    some = contexts(tmp_path)
    assert await some.trusting() is await some.trusting()
    assert await some.trusting() is not some.opportunistic


async def test_a_file_of_authorities_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(CertificateUnusable, match=r"missing\.pem"):
        await SendingContexts(InlineOffload(), ca_file=tmp_path / "missing.pem").trusting()
