"""HAProxy in front of a daemon, as an operator would put it there: with its own address on its connections."""

import socket
import subprocess
from pathlib import Path
from typing import Final, Self

from attrs import define, field

from tests.peers import find
from tests.process.ports import free_port, wait_until_listening

ADDRESS: Final = "127.0.0.99"
"""Where its connections to the daemon come from."""

_CONFIG: Final = """
global
    stats socket {directory}/haproxy.sock mode 600

defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s

listen mail
    bind 127.0.0.1:{port}
    {check}
    server mx {server} source {address} check inter 100ms {options}
"""


@define(eq=False)
class HAProxy:
    """Forwards connections to one server. ``options`` are those of its server line, such as ``send-proxy``."""

    directory: Path
    server: str
    options: str
    check: str = ""
    """How it checks whether the server is well, if not by connecting alone."""
    port: int = field(factory=free_port)
    _process: "subprocess.Popen[bytes] | None" = field(init=False, default=None)

    def __enter__(self) -> Self:
        config = self.directory / "haproxy.cfg"
        config.write_text(
            _CONFIG.format(
                directory=self.directory,
                port=self.port,
                server=self.server,
                address=ADDRESS,
                options=self.options,
                check=self.check,
            )
        )
        log = (self.directory / "haproxy.log").open("wb")
        self._process = subprocess.Popen(
            [str(find("haproxy")), "-db", "-f", str(config)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
        log.close()
        wait_until_listening(self.port)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(10)

    def ask(self, command: str) -> str:
        """Ask it something, over the socket it has for its administrator."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(5)
            admin.connect(str(self.directory / "haproxy.sock"))
            admin.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: admin.recv(4096), b"")).decode()

    @property
    def state(self) -> str:
        """How the server is, as far as the checks tell: ``UP`` and the like."""
        rows = [line.split(",") for line in self.ask("show stat").splitlines()]
        names = rows[0]
        return next(row[names.index("status")] for row in rows if row[:2] == ["mail", "mx"])
