"""Dovecot's auth, by which a Postfix lets in those who log in: by a password, or by a token (RFC 7628, XOAUTH2)."""

import base64
import hashlib
import hmac
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.peers import find

_CONF: Final = """\
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {home}/oauth2
}}
passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=plain {home}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service auth {{
  unix_listener {home}/socket {{
    mode = 0666
  }}
}}
"""
_OAUTH2: Final = """\
introspection_mode = local
local_validation_key_dict = fs:posix:prefix={home}/keys/
"""
_KEY: Final = b"a key of thirty-two octets, as is"


@contextmanager
def dovecot(user: str, password: str) -> Iterator[Path]:
    """Run an auth that knows one user; its socket. Started by root, in a directory that its user can reach."""
    home = Path(tempfile.mkdtemp(prefix="dovecot-"))
    try:
        home.chmod(0o755)
        (home / "conf").write_text(_CONF.format(home=home))
        (home / "oauth2").write_text(_OAUTH2.format(home=home))
        (home / "users").write_text(f"{user}:{password}\n")
        keys = home / "keys" / "default" / "HS256"
        keys.mkdir(parents=True)
        (keys / "default").write_bytes(base64.b64encode(_KEY))
        for place in (home / "users", home / "oauth2", home / "keys"):
            shutil.chown(place, "dovecot")
        with (home / "output").open("w") as output:
            command = [str(find("dovecot")), "-F", "-c", str(home / "conf")]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            _wait_for(home / "socket", home)
            yield home / "socket"
        finally:
            process.terminate()
            process.wait(timeout=60)
    finally:
        shutil.rmtree(home)


def token(user: str, *, lasts_s: float = 3600) -> str:
    """An access token for a user, as whoever has the key can make one (RFC 7519)."""
    now = int(time.time())
    claims = {"email": user, "sub": user, "iat": now - 60, "exp": int(now + lasts_s)}
    text = f"{_segment({'alg': 'HS256', 'typ': 'JWT'})}.{_segment(claims)}"
    return f"{text}.{_unpadded(hmac.digest(_KEY, text.encode(), hashlib.sha256))}"


def _segment(values: dict[str, object]) -> str:
    return _unpadded(json.dumps(values).encode())


def _unpadded(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def _wait_for(socket: Path, home: Path) -> None:
    deadline = time.monotonic() + 60
    while not socket.exists():
        written = "".join(one.read_text() for one in (home / "output", home / "log") if one.exists())
        assert time.monotonic() < deadline, f"Dovecot has no socket:\n{written}"
        time.sleep(0.05)
