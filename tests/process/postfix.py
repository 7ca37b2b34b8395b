"""A Postfix of our own beside whatever the machine runs: its configuration, queue and log lie in a directory for it."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.peers import find
from tests.process.ports import free_port, wait_until_listening

_MAIN: Final = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {home}/log
maillog_file_prefixes = {home}
myhostname = postfix.example
mydestination =
mynetworks = 127.0.0.0/8
local_header_rewrite_clients =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
local_recipient_maps =
relayhost = {next_hop}
"""

_MASTER: Final = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
smtp      unix  -       -       n       -       -       smtp
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
postlog   unix-dgram n  -       n       -       1       postlogd
"""

_TLS: Final = """\
smtpd_tls_security_level = may
smtpd_tls_chain_files = {home}/chain.pem
smtpd_tls_loglevel = 1
"""
_LOGIN: Final = """\
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {socket}
smtpd_tls_auth_only = yes
smtpd_relay_restrictions = permit_sasl_authenticated, reject
"""


@contextmanager
def postfix(
    *, next_hop: str, chain: bytes = b"", login: Path | None = None, log: list[str] | None = None
) -> Iterator[str]:
    """Run a Postfix that takes all mail and sends it on to ``host:port``; where it listens.

    With a ``chain``, a key with its certificates as PEM, it offers STARTTLS. With ``login``, the socket of Dovecot's
    auth, it takes mail from those only who log in. What it has logged goes to ``log`` at the end. It changes its user,
    so it must be started by root, in a directory that its user can reach.
    """
    home = Path(tempfile.mkdtemp(prefix="postfix-"))
    try:
        home.chmod(0o755)
        for name in ("etc", "queue", "data"):
            (home / name).mkdir()
        shutil.chown(home / "data", "postfix")
        host, _, port = next_hop.rpartition(":")
        own_port = free_port()
        tls = _TLS.format(home=home) if chain else ""
        if login is not None:
            tls += _LOGIN.format(socket=login)
        (home / "chain.pem").write_bytes(chain)
        (home / "etc" / "main.cf").write_text(_MAIN.format(home=home, next_hop=f"[{host}]:{port}") + tls)
        (home / "etc" / "master.cf").write_text(_MASTER.format(port=own_port))
        _control(home, "start")
        try:
            wait_until_listening(own_port)
            yield f"127.0.0.1:{own_port}"
        finally:
            _control(home, "stop")
            if log is not None:
                log += (home / "log").read_text().splitlines()
    finally:
        shutil.rmtree(home)


def _control(home: Path, verb: str) -> None:
    command = [str(find("postfix")), "-c", str(home / "etc"), verb]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    log = home / "log"
    assert done.returncode == 0, done.stdout + done.stderr + (log.read_text() if log.exists() else "")
