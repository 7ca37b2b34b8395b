"""TLS on the receiving side, as other people's programs see it, and what becomes of a certificate that is renewed."""

import smtplib
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen

from tests.peers import find, needs
from tests.process.certificates import Issuer
from tests.process.daemon import Daemon, live
from tests.process.sink import Sink

HOST: Final = "mx.example.org"
OTHER: Final = "mail.example.net"
MESSAGE: Final = "From: ann@example.com\r\nSubject: lunch\r\n\r\nAt noon?\r\n"


@frozen
class Station:
    """A daemon with two listeners, one for STARTTLS and one for implicit TLS, and certificates for two names."""

    daemon: Daemon
    issuer: Issuer
    sink: Sink

    def port(self, way: str) -> int:
        """The port where TLS begins in this way."""
        (line,) = (line for line in self.daemon.lines if line.startswith("  smtp "))
        found = [int(word.rpartition(":")[2]) for word in line.split() if word.startswith("127.0.0.1:")]
        return dict(zip(("starttls", "implicit"), found, strict=True))[way]

    def shown(self) -> str:
        """The certificate that a new client of implicit TLS sees."""
        return ssl.get_server_certificate(("127.0.0.1", self.port("implicit")), timeout=60)


@contextmanager
def running(directory: Path) -> Iterator[Station]:
    """Start one."""
    issuer = Issuer(directory)
    files = f"starttls = {issuer.issue('default', HOST, 'localhost')}\n"
    files += f"certificates = [{issuer.issue('other', '*.example.net')}]"
    with Sink() as sink:
        config = live(
            directory,
            next_hop=sink.address,
            settings='smtp.tls.reload_interval = "100ms"',
            listener=f'tls = "starttls"\n{files}\n'
            f'[[smtp.listeners]]\nlisten_addr = "127.0.0.1:0"\ntls = "implicit"\n{files}\n'
            f'client_ca_file = "{issuer.ca_file}"',
        )
        with Daemon(directory, config) as daemon:
            yield Station(daemon, issuer, sink)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """One for all tests that leave it as it is."""
    with running(tmp_path_factory.mktemp("standing")) as station:
        yield station


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    """One for this test."""
    with running(tmp_path) as station:
        yield station


def s_client(station: Station, *options: str, way: str = "starttls", host: str = HOST) -> str:
    """Connect with openssl, take leave, and return all that it has to say."""
    command = [str(find("openssl")), "s_client", "-connect", f"127.0.0.1:{station.port(way)}", "-crlf"]
    command += ["-starttls", "smtp"] if way == "starttls" else []
    command += ["-CAfile", str(station.issuer.ca_file), "-servername", host, "-verify_hostname", host, *options]
    done = subprocess.run(
        [*command, "-ign_eof"],
        check=False,
        input="EHLO client.example\nQUIT\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.stdout + done.stderr


@needs("openssl")
@pytest.mark.parametrize("way", ["starttls", "implicit"])
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_openssl_verifies_us_and_sees_a_clean_end(standing: Station, way: str, version: str) -> None:
    said = s_client(standing, f"-tls{version.replace('.', '_')}", way=way)
    assert f", TLSv{version}, Cipher is " in said
    assert "Verification: OK" in said
    assert "221 2.0.0" in said
    assert "unexpected eof" not in said


@needs("openssl")
@pytest.mark.parametrize("way", ["starttls", "implicit"])
def test_older_tls_is_refused_and_nothing_goes_on_in_clear(standing: Station, way: str) -> None:
    said = s_client(standing, "-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0", way=way)
    assert "alert protocol version" in said
    assert "250" not in said


@needs("openssl")
@pytest.mark.parametrize("way", ["starttls", "implicit"])
@pytest.mark.parametrize("version", ["1_2", "1_3"])
def test_the_certificate_is_the_one_for_the_name(standing: Station, way: str, version: str) -> None:
    assert "Verification: OK" in s_client(standing, f"-tls{version}", way=way, host=OTHER)
    assert "hostname mismatch" in s_client(standing, f"-tls{version}", way=way, host="mx.example.com")


@needs("openssl")
def test_a_session_of_tls_1_2_is_taken_up_again(standing: Station) -> None:
    said = s_client(standing, "-tls1_2", "-reconnect", way="implicit")
    assert said.count("Reused, TLSv1.2") == 5


@needs("openssl")
@pytest.mark.parametrize("way", ["starttls", "implicit"])
def test_a_session_of_tls_1_3_is_taken_up_again(standing: Station, tmp_path: Path, way: str) -> None:
    ticket = str(tmp_path / "ticket")
    assert "New, TLSv1.3" in s_client(standing, "-tls1_3", "-sess_out", ticket, way=way)
    assert "Reused, TLSv1.3" in s_client(standing, "-tls1_3", "-sess_in", ticket, way=way)


@needs("openssl")
def test_a_client_may_show_a_certificate_and_only_one_that_we_trust(standing: Station, tmp_path: Path) -> None:
    standing.issuer.issue("client", "relay.example.net")
    own = ("-cert", str(standing.issuer.cert_file("client")), "-key", str(standing.issuer.key_file("client")))
    assert "221 2.0.0" in s_client(standing, *own, way="implicit")
    (tmp_path / "foreign").mkdir()
    foreigner = Issuer(tmp_path / "foreign")
    foreigner.issue("client", "relay.example.net")
    foreign = ("-cert", str(foreigner.cert_file("client")), "-key", str(foreigner.key_file("client")))
    said = s_client(standing, *foreign, way="implicit")
    assert "alert unknown ca" in said
    assert "221 2.0.0" not in said


@needs("curl")
@pytest.mark.parametrize(("scheme", "way"), [("smtp", "starttls"), ("smtps", "implicit")])
def test_curl_sends_a_message(station: Station, scheme: str, way: str) -> None:
    port = station.port(way)
    command = [str(find("curl")), "--silent", "--show-error", "--ssl-reqd", "--cacert", str(station.issuer.ca_file)]
    command += ["--resolve", f"{HOST}:{port}:127.0.0.1", f"{scheme}://{HOST}:{port}/client.example"]
    command += ["--mail-from", "ann@example.com", "--mail-rcpt", "bob@example.org", "--upload-file", "-"]
    done = subprocess.run(command, check=False, input=MESSAGE.encode(), capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")
    station.sink.wait(1)
    assert b" with ESMTPS (TLSv1.3)" in station.sink.arrived[0].content
    assert station.sink.arrived[0].without_trace == MESSAGE.encode()


@needs("swaks")
@pytest.mark.parametrize(("option", "way"), [("--tls", "starttls"), ("--tls-on-connect", "implicit")])
def test_swaks_sends_a_message(station: Station, option: str, way: str) -> None:
    command = [str(find("swaks")), "--server", "127.0.0.1", "--port", str(station.port(way)), option]
    command += ["--tls-verify", "--tls-ca-path", str(station.issuer.ca_file), "--tls-sni", OTHER]
    command += ["--from", "ann@example.com", "--to", "bob@example.org", "--ehlo", "client.example"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    station.sink.wait(1)


def test_a_renewed_certificate_is_shown_and_no_session_is_dropped(station: Station) -> None:
    with smtplib.SMTP("localhost", station.daemon.port, timeout=60) as client:
        client.starttls(context=ssl.create_default_context(cafile=station.issuer.ca_file))
        client.ehlo()
        before = station.shown()
        station.issuer.issue("default", HOST, "localhost")
        wait_for(station.daemon, "new certificate in")
        assert station.shown() != before
        assert client.sendmail("ann@example.com", "bob@example.org", MESSAGE) == {}
    station.sink.wait(1)


def test_a_certificate_without_its_key_changes_nothing_and_is_complained_of_once(station: Station) -> None:
    before = station.shown()
    key = station.issuer.key_file("default").read_bytes()
    station.issuer.issue("default", HOST)
    station.issuer.key_file("default").write_bytes(key)
    complaint = wait_for(station.daemon, "stays in use")
    assert str(station.issuer.cert_file("default")) in complaint
    assert station.shown() == before
    time.sleep(0.3)
    # Two listeners have the files, and differ in whom they ask for a certificate.
    assert station.daemon.log.count("stays in use") <= 4
    station.issuer.issue("default", HOST)
    wait_for(station.daemon, "new certificate in")
    assert station.shown() != before


def test_the_end_of_a_certificate_is_announced_in_the_log(sink: Sink, tmp_path: Path) -> None:
    soon = Issuer(tmp_path).issue("default", HOST, not_after=datetime.now(UTC) + timedelta(days=3, hours=1))
    config = live(tmp_path, next_hop=sink.address, listener=f'tls = "starttls"\nstarttls = {soon}')
    with Daemon(tmp_path, config) as daemon:
        assert "in 3 days" in wait_for(daemon, "have it renewed")


def test_a_certificate_that_cannot_be_used_is_a_reason_not_to_start(sink: Sink, tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    files = issuer.issue("default", HOST)
    issuer.key_file("default").write_text("no key")
    config = live(tmp_path, next_hop=sink.address, listener=f'tls = "starttls"\nstarttls = {files}')
    with (
        pytest.raises(AssertionError, match=r"(?s)cannot use .*default-key\.pem.*expected PEM"),
        Daemon(tmp_path, config),
    ):
        pass


def wait_for(daemon: Daemon, text: str) -> str:
    """Wait for a line in the log, and return it."""
    deadline = time.monotonic() + 60
    while True:
        if found := [line for line in daemon.lines if text in line]:
            return found[-1]
        assert time.monotonic() < deadline, daemon.log
        time.sleep(0.02)
