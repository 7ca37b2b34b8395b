"""TLS over both networks: the same handshake, whatever carries it."""

import ssl
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trustme
from attrs import frozen
from trio.testing import check_two_way_stream

from empath.sim.offload import InlineOffload
from empath.world import ConnectionLost, Offload, TlsFailed
from empath.world.encrypted import MAX_UNSENT_BYTES, TlsStream
from empath.world.handshake import accept_tls, start_tls
from empath.world.tls import opportunistic_context, server_context, verifying_context
from tests.contracts.places import Place

HOST = "mx.example.com"


@frozen
class Certificates:
    """A server's certificate for `HOST` and two authorities, the first of which has issued it."""

    server: ssl.SSLContext
    asking: ssl.SSLContext
    """The same, asking clients for a certificate of the first authority."""
    own: Path
    """The certificate of a client, with its key, of the first authority."""
    foreign: Path
    """The same of the second."""
    certificate: bytes
    ca_file: Path
    other_ca_file: Path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    directory = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert(HOST)
    for number, part in enumerate(issued.cert_chain_pems):
        part.write_to_path(directory / "chain.pem", append=number > 0)
    issued.private_key_pem.write_to_path(directory / "key.pem")
    authority.cert_pem.write_to_path(directory / "ca.pem")
    other = trustme.CA()
    other.cert_pem.write_to_path(directory / "other.pem")
    for issuer, name in ((authority, "own.pem"), (other, "foreign.pem")):
        client = issuer.issue_cert("relay.example.net", common_name="relay, the first", organization_name="Example")
        client.private_key_and_cert_chain_pem.write_to_path(directory / name)
    return Certificates(
        server=server_context(directory / "chain.pem", directory / "key.pem"),
        asking=server_context(directory / "chain.pem", directory / "key.pem", client_ca_file=directory / "ca.pem"),
        own=directory / "own.pem",
        foreign=directory / "foreign.pem",
        certificate=ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode()),
        ca_file=directory / "ca.pem",
        other_ca_file=directory / "other.pem",
    )


async def handshake(
    place: Place,
    certificates: Certificates,
    client: ssl.SSLContext,
    host: str = HOST,
    *,
    asking: bool = False,
    offload: Offload | None = None,
) -> tuple[TlsStream, TlsStream]:
    """Return both ends of a new connection inside TLS, the client first."""
    server = certificates.asking if asking else certificates.server
    ends: dict[str, TlsStream] = {}

    async def start() -> None:
        ends["client"] = await start_tls(dialled, client, host=host)

    async def accept() -> None:
        ends["server"] = await accept_tls(accepted, server, offload=offload)

    dialled, accepted = await place.pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(start)
        nursery.start_soon(accept)
    return ends["client"], ends["server"]


async def refuse(place: Place, certificates: Certificates, client: ssl.SSLContext, host: str = HOST) -> TlsFailed:
    """Return why the client does not like the server."""
    dialled, accepted = await place.pair()
    failures: list[TlsFailed] = []

    async def accept() -> None:
        # In TLS 1.3 the server has finished before the client decides.
        with suppress(TlsFailed, ConnectionLost):
            assert await (await accept_tls(accepted, certificates.server)).receive_some() == b""
        accepted.close()

    async with dialled, accepted, trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        with pytest.raises(TlsFailed) as failure:
            await start_tls(dialled, client, host=host)
        failures.append(failure.value)
        dialled.close()
    return failures[0]


async def test_tls_keeps_the_promises_of_trio_streams(place: Place, certificates: Certificates) -> None:
    async def pair() -> tuple[TlsStream, TlsStream]:
        return await handshake(place, certificates, verifying_context(ca_file=certificates.ca_file))

    await check_two_way_stream(pair, None)


async def test_both_ends_tell_what_was_agreed_on(place: Place, certificates: Certificates) -> None:
    client, server = await handshake(place, certificates, verifying_context(ca_file=certificates.ca_file))
    async with client, server:
        assert client.summary.version == server.summary.version == "TLSv1.3"
        assert client.summary.cipher == server.summary.cipher
        assert client.summary.bits >= 128
        assert client.summary.peer_certificate == certificates.certificate
        assert server.summary.peer_certificate is None


async def test_a_connection_is_upgraded_in_the_middle_of_its_life(place: Place, certificates: Certificates) -> None:
    dialled, accepted = await place.pair()
    await dialled.send_all(b"STARTTLS\r\n")
    assert await accepted.receive_some() == b"STARTTLS\r\n"
    await accepted.send_all(b"220 go on\r\n")
    assert await dialled.receive_some() == b"220 go on\r\n"

    async def serve() -> None:
        stream = await accept_tls(accepted, certificates.server)
        await stream.send_all(await stream.receive_some())

    async with dialled, accepted, trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        stream = await start_tls(dialled, opportunistic_context(), host=HOST)
        await stream.send_all(b"EHLO\r\n")
        assert await stream.receive_some() == b"EHLO\r\n"


async def test_an_unverified_peer_is_accepted_when_nothing_is_asked_of_it(
    place: Place, certificates: Certificates
) -> None:
    client, server = await handshake(place, certificates, opportunistic_context(), host="other.example.net")
    async with client, server:
        assert client.summary.peer_certificate == certificates.certificate


@pytest.mark.parametrize(
    ("trusted", "host", "reason"),
    [
        (lambda c: c.other_ca_file, HOST, "certificate"),
        (lambda c: c.ca_file, "other.example.net", "other.example.net"),
        (lambda c: c.ca_file, "192.0.2.25", "192.0.2.25"),
    ],
    ids=["unknown authority", "other name", "address"],
)
async def test_a_verifying_context_refuses_what_it_cannot_trust(
    place: Place, certificates: Certificates, trusted: Callable[[Certificates], Path], host: str, reason: str
) -> None:
    failure = await refuse(place, certificates, verifying_context(ca_file=trusted(certificates)), host)
    assert failure.untrusted
    assert reason in failure.reason


async def test_too_old_a_version_fails_and_is_no_question_of_trust(place: Place, certificates: Certificates) -> None:
    old = opportunistic_context()
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    assert not (await refuse(place, certificates, old)).untrusted


async def test_a_name_that_tls_cannot_carry_is_a_failure_and_no_crash(place: Place) -> None:
    dialled, accepted = await place.pair()
    async with dialled, accepted:
        for name in ("", ".example", "mx\0.example"):
            with pytest.raises(TlsFailed):
                await start_tls(dialled, opportunistic_context(), host=name)


async def test_clear_text_where_tls_is_due_fails_the_handshake(place: Place) -> None:
    dialled, accepted = await place.pair()
    async with dialled, accepted:
        await accepted.send_all(b"220 mx.example.com ESMTP, and a lot of text that is no record of TLS\r\n")
        with pytest.raises(TlsFailed):
            await start_tls(dialled, opportunistic_context(), host=HOST)


async def test_hanging_up_during_the_handshake_is_a_lost_connection(place: Place, certificates: Certificates) -> None:
    dialled, accepted = await place.pair()
    dialled.close()
    async with accepted:
        with pytest.raises(ConnectionLost, match="hung up"):
            await accept_tls(accepted, certificates.server)


async def test_an_end_that_was_not_announced_is_the_end(place: Place, certificates: Certificates) -> None:
    client, server = await handshake(place, certificates, opportunistic_context())
    await client.send_all(b"QUIT\r\n")
    assert await server.receive_some() == b"QUIT\r\n"
    await client.aclose()
    async with server:
        assert await server.receive_some() == b""


async def test_the_end_is_announced_and_no_answer_is_waited_for(place: Place, certificates: Certificates) -> None:
    dialled, accepted = await place.pair()
    octets = bytearray()

    async def accept() -> None:
        stream = await accept_tls(accepted, certificates.server)
        await stream.send_all(b"221 goodbye\r\n")
        await stream.aclose()

    async with dialled, trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        # Trio's own client insists on close_notify, and would call the connection broken without it.
        strict = trio.SSLStream(dialled, opportunistic_context(), server_hostname=HOST)
        while received := await strict.receive_some():
            octets += received
    assert octets == b"221 goodbye\r\n"


async def test_nothing_is_sent_behind_the_end(place: Place, certificates: Certificates) -> None:
    client, server = await handshake(place, certificates, opportunistic_context())
    async with client, server:
        await server.announce_end()
        assert await client.receive_some() == b""
        with pytest.raises(ConnectionLost):
            await server.send_all(b"x")
        await client.send_all(b"QUIT\r\n")
        assert await server.receive_some() == b"QUIT\r\n"


async def test_a_record_that_was_cut_off_is_the_last(place: Place, certificates: Certificates) -> None:
    client, server = await handshake(place, certificates, opportunistic_context())
    async with client, server:
        with trio.move_on_after(0.05):
            while True:
                await server.send_all(b"x" * 1_000_000)
        with pytest.raises(ConnectionLost, match="cut off"):
            await server.send_all(b"x")
        await server.announce_end()  # says nothing, and does not wait


async def test_what_is_no_tls_breaks_the_connection(place: Place, certificates: Certificates) -> None:
    client, server = await handshake(place, certificates, opportunistic_context())
    async with client, server:
        await client._below.send_all(b"MAIL FROM:<ann@example.org>\r\n")
        with pytest.raises(ConnectionLost, match="TLS"):
            await server.receive_some()
        with pytest.raises(ConnectionLost, match="TLS"):
            await server.receive_some()


async def test_a_session_is_taken_up_again(place: Place, certificates: Certificates) -> None:
    context = opportunistic_context()
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        context.minimum_version = context.maximum_version = version
        client, server = await handshake(place, certificates, context)
        async with client, server:
            assert not server.summary.resumed
            await server.send_all(b"220 mx.example.com ESMTP\r\n")
            assert await client.receive_some() == b"220 mx.example.com ESMTP\r\n"
            session = client._ssl.session
        assert session is not None
        dialled, accepted = await place.pair()
        async with dialled, trio.open_nursery() as nursery:
            nursery.start_soon(_resume, dialled, context, session)
            async with await accept_tls(accepted, certificates.server) as stream:
                assert stream.summary.resumed


async def _resume(connection: trio.abc.Stream, context: ssl.SSLContext, session: ssl.SSLSession) -> None:
    stream = trio.SSLStream(connection, context, server_hostname=HOST, https_compatible=True)
    stream.session = session
    await stream.do_handshake()
    assert await stream.receive_some() == b""


async def test_the_subject_of_a_verified_client_is_known(place: Place, certificates: Certificates) -> None:
    context = opportunistic_context()
    context.load_cert_chain(certificates.own)
    client, server = await handshake(place, certificates, context, asking=True)
    async with client, server:
        assert server.summary.peer_subject is not None
        assert r"CN=relay\, the first" in server.summary.peer_subject


async def test_a_client_needs_no_certificate(place: Place, certificates: Certificates) -> None:
    client, server = await handshake(place, certificates, opportunistic_context(), asking=True)
    async with client, server:
        assert (server.summary.peer_certificate, server.summary.peer_subject) == (None, None)


async def test_a_subject_that_nobody_has_checked_is_none(place: Place, certificates: Certificates) -> None:
    client, server = await handshake(place, certificates, opportunistic_context())
    async with client, server:
        assert client.summary.peer_certificate is not None
        assert client.summary.peer_subject is None


async def test_a_client_with_a_certificate_of_others_is_turned_away(place: Place, certificates: Certificates) -> None:
    context = opportunistic_context()
    context.load_cert_chain(certificates.foreign)
    dialled, accepted = await place.pair()

    async def connect() -> None:
        with suppress(TlsFailed, ConnectionLost):
            async with await start_tls(dialled, context, host=HOST) as stream:
                await stream.receive_some()

    async with dialled, accepted, trio.open_nursery() as nursery:
        nursery.start_soon(connect)
        with pytest.raises(TlsFailed) as failure:
            await accept_tls(accepted, certificates.asking)
        assert failure.value.untrusted
        accepted.close()


async def test_a_client_that_is_silent_takes_no_turn(place: Place, certificates: Certificates) -> None:
    offload = InlineOffload(latency_s=0.01)
    silent, waiting = await place.pair()
    async with silent, waiting, trio.open_nursery() as nursery:
        nursery.start_soon(_accept_in_vain, waiting, certificates, offload)
        client, server = await handshake(place, certificates, opportunistic_context(), offload=offload)
        async with client, server:
            assert server.summary.version == "TLSv1.3"
        nursery.cancel_scope.cancel()


async def _accept_in_vain(connection: trio.abc.Stream, certificates: Certificates, offload: Offload) -> None:
    await accept_tls(connection, certificates.server, offload=offload)


async def test_large_blocks_arrive_whole(place: Place, certificates: Certificates) -> None:
    client, server = await handshake(place, certificates, opportunistic_context())
    content = bytes(range(256)) * 4000
    octets = bytearray()
    async with client, server, trio.open_nursery() as nursery:
        nursery.start_soon(client.send_all, content)
        while len(octets) < len(content):
            octets += await server.receive_some()
    assert octets == content


async def test_a_peer_that_changes_keys_for_ever_is_left(place: Place, certificates: Certificates) -> None:
    client, server = await handshake(place, certificates, opportunistic_context())
    async with client, server:
        # The ssl module cannot ask for new keys. What the answers to such requests would leave is put there by hand.
        server._outgoing.write(bytes(MAX_UNSENT_BYTES + 1))
        await client._below.send_all(b"\x17\x03\x03")
        with pytest.raises(ConnectionLost, match="keys"):
            await server.receive_some()
