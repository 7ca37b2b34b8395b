"""MTAs that Debian does not install beside Postfix: unpacked, and run in a view of the file system of their own.

Debian's MTAs exclude each other, so the packages are fetched and unpacked, not installed. Each program then runs in a
mount namespace of its own, in which the users that it was built for exist, and its directories are empty ones.
"""

import functools
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from attrs import field, frozen

from tests.process.certificates import Issuer
from tests.process.debian13 import root_with
from tests.process.ports import free_port, wait_until_listening

USER: Final = "ann@example.org"
PASSWORD: Final = "a pass word"

_IDS: Final = {"Debian-exim": 8, "opensmtpd": 8, "opensmtpq": 13}
"""The users that they were built for get the numbers of ``mail`` and ``proxy``, who own nothing here."""

_EXIM: Final = """\
exim_path = {program}
primary_hostname = {name}
spool_directory = {home}/spool
log_file_path = {home}/%slog
pid_file_path = {home}/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port} : {tls_port}
tls_on_connect_ports = {tls_port}
tls_advertise_hosts = *
tls_certificate = {home}/exim.pem
tls_privatekey = {home}/exim-key.pem
chunking_advertise_hosts = {chunking}
smtputf8_advertise_hosts = *
recipients_max = 3
log_selector = +received_recipients +smtp_connection +tls_cipher +smtp_protocol_error +smtp_syntax_error
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
begin acl
rcpt:
  accept {who}
  deny message = 5.7.1 log in first
begin routers
all:
  driver = manualroute
  route_list = * 127.0.0.1
  self = send
  transport = on
begin transports
on:
  driver = smtp
  port = {next_port}
  allow_localhost
  hosts_avoid_tls = *
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${{if and{{{{eq{{$auth2}}{{{user}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{{user}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id = $auth1
"""

_SMTPD: Final = """\
pki {name} cert "{home}/smtpd.pem"
pki {name} key "{home}/smtpd-key.pem"
listen on 127.0.0.1 port {port} tls pki {name} hostname {name}
action "on" relay host smtp+notls://127.0.0.1:{next_port}
match from any for any action "on"
"""

# What each package expects to find, as mounts that nobody else sees.
_ENTER: Final = """\
mount --bind {home}/passwd /etc/passwd
mount --bind {home}/group /etc/group
for place in /run /var/lib /var/spool /usr/libexec; do mount -t tmpfs tmpfs $place; done
mkdir -p /var/lib/opensmtpd/empty
mkdir -m 711 /var/spool/smtpd
if [ -d {package}/usr/libexec ]; then cp -a {package}/usr/libexec/. /usr/libexec/; fi
exec "$@"
"""
# The same for a root of its own, which holds what a package needs and nothing else.
_ENTER_ROOT: Final = """\
for place in run var/lib var/spool; do mount -t tmpfs tmpfs {package}/$place; done
mkdir -p {package}/var/lib/opensmtpd/empty
mkdir -m 711 {package}/var/spool/smtpd
mount --bind /dev {package}/dev
mount --bind {home} {package}/tmp
mount --bind {home}/passwd {package}/etc/passwd
mount --bind {home}/group {package}/etc/group
exec "$@"
"""


@frozen
class Mta:
    """One that runs."""

    address: str
    tls_address: str
    """Where TLS begins with the connection; the same as ``address`` if it has no such place."""
    ca_file: Path
    _log: Path = field(repr=False)

    @property
    def log(self) -> str:
        """What it has written so far."""
        return "".join(path.read_text() for path in sorted(self._log.parent.glob(self._log.name)))


@contextmanager
def exim(*, next_hop: str, chunking: bool = True, login: bool = False) -> Iterator[Mta]:
    """Run an Exim that sends all mail on to ``host:port``; with ``login``, that of those who log in."""
    with _home("exim", "exim4-daemon-light", "Debian-exim") as (home, package):
        (home / "spool").mkdir()
        for path in (home, home / "spool"):
            shutil.chown(path, "mail", "mail")
        program, port, tls_port = package / "usr/sbin/exim4", free_port(), free_port()
        (home / "conf").write_text(
            _EXIM.format(
                program=program,
                home=home,
                name="exim.example",
                port=port,
                tls_port=tls_port,
                next_port=next_hop.rpartition(":")[2],
                chunking="*" if chunking else "",
                who="authenticated = *" if login else "",
                user=USER,
                password=PASSWORD,
            )
        )
        with _running(home, package, [str(program), "-C", f"{home}/conf", "-bdf", "-q1s"], port):
            yield Mta(f"127.0.0.1:{port}", f"127.0.0.1:{tls_port}", home / "ca.pem", home / "*log")


@contextmanager
def opensmtpd(*, next_hop: str) -> Iterator[Mta]:
    """Run an OpenSMTPD that sends all mail on to ``host:port``.

    It offers STARTTLS. Debian's build against OpenSSL 3 then breaks every handshake, with whatever client and kind of
    key ("EVP lib" in its log), so it is a real host with broken TLS.
    """
    with _home("smtpd", "opensmtpd", "opensmtpd", "opensmtpq") as (home, package):
        port = free_port()
        (home / "conf").write_text(
            _SMTPD.format(home=home, name="smtpd.example", port=port, next_port=next_hop.rpartition(":")[2])
        )
        with _running(home, package, [str(package / "usr/sbin/smtpd"), "-d", "-f", f"{home}/conf"], port):
            yield Mta(f"127.0.0.1:{port}", f"127.0.0.1:{port}", home / "ca.pem", home / "output")


@contextmanager
def opensmtpd_of_debian_13(*, next_hop: str) -> Iterator[Mta]:
    """The same with TLS that works: its version 7.6, in a root of its own."""
    with _home("smtpd", "opensmtpd", "opensmtpd", "opensmtpq") as (home, _):
        root, port = root_with("opensmtpd"), free_port()
        shutil.copy(home / "ca.pem", root / "etc/ssl/certs/ca-certificates.crt")
        (home / "conf").write_text(
            _SMTPD.format(home="/tmp", name="smtpd.example", port=port, next_port=next_hop.rpartition(":")[2])
        )
        with _running(home, root, ["chroot", str(root), "/usr/sbin/smtpd", "-d", "-f", "/tmp/conf"], port, _ENTER_ROOT):
            yield Mta(f"127.0.0.1:{port}", f"127.0.0.1:{port}", home / "ca.pem", home / "output")


@contextmanager
def _home(name: str, package: str, *users: str) -> Iterator[tuple[Path, Path]]:
    """A directory with a certificate and the users of a package, and where that package is unpacked."""
    unpacked = _unpacked(package)
    home = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    try:
        home.chmod(0o755)
        Issuer(home).issue(name, "localhost", "127.0.0.1")
        shutil.chown(home / f"{name}-key.pem", "mail" if name == "exim" else "root")
        (home / f"{name}-key.pem").chmod(0o600)
        (home / "passwd").write_text(Path("/etc/passwd").read_text() + "".join(map(_account, users)))
        (home / "group").write_text(Path("/etc/group").read_text() + "".join(map(_group, users)))
        yield home, unpacked
    finally:
        shutil.rmtree(home)


def _account(user: str) -> str:
    return f"{user}:x:{_IDS[user]}:{_IDS[user]}::/var/lib/opensmtpd/empty:/bin/false\n"


def _group(user: str) -> str:
    return f"{user}:x:{_IDS[user]}:\n"


@contextmanager
def _running(home: Path, package: Path, command: list[str], port: int, script: str = _ENTER) -> Iterator[None]:
    enter = ["unshare", "--mount", "sh", "-ec", script.format(home=home, package=package), "sh"]
    with (home / "output").open("w") as output:
        process = subprocess.Popen([*enter, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            try:
                wait_until_listening(port)
            except AssertionError:
                pytest.fail(f"{command[0]} does not listen:\n{(home / 'output').read_text()}")
            yield
        finally:
            process.terminate()
            process.wait(timeout=60)


@functools.cache
def _unpacked(package: str) -> Path:
    """Fetch a package from where this machine gets its packages, and unpack it, once for all tests of a run."""
    directory = Path(tempfile.gettempdir(), "empath-peers", package)
    if not (directory / "usr").exists():
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", "--quiet", package], cwd=directory, check=True, capture_output=True)
        (archive,) = directory.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, directory], check=True)
    return directory
