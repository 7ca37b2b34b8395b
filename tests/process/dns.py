"""Real DNS on loopback: NSD knows the zones, and Unbound asks it, as in front of a real relay.

Zones may be signed, see `tests.process.signing`; Unbound then validates, from the key of ``example`` downwards.
"""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self

from attrs import define, field

from tests.peers import find
from tests.process.ports import free_port, wait_until_listening

_NSD: Final = """\
server:
    ip-address: 127.0.0.1@{port}
    username: ""
    zonesdir: "{home}"
    pidfile: ""
    database: ""
    logfile: "{home}/nsd.log"
    zonelistfile: "{home}/zone.list"
    xfrdfile: "{home}/xfrd.state"
    xfrdir: "{home}"
remote-control:
    control-enable: no
"""

_UNBOUND: Final = """\
server:
    interface: 127.0.0.1@{port}
    num-threads: 1
    do-daemonize: no
    username: ""
    chroot: ""
    directory: "{home}"
    pidfile: ""
    use-syslog: no
    logfile: "{home}/unbound.log"
    do-ip6: no
    module-config: "{modules}"
    ede: yes
    {anchor}
    # The server of the zones is on this machine.
    do-not-query-localhost: no
remote-control:
    control-enable: no
"""

_ZONE: Final = """\
$ORIGIN example.
$TTL 60
@ SOA ns root 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
"""


@define(eq=False)
class Resolver:
    """Unbound, which can be stopped and started again on the same port."""

    home: Path
    port: int = field(init=False, factory=free_port)
    _process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._process = subprocess.Popen([str(find("unbound")), "-d", "-c", f"{self.home}/unbound.conf"])
        wait_until_listening(self.port)

    def stop(self) -> None:
        """End it, unless it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def resolver(home: Path, records: str) -> Iterator[Resolver]:
    """Run both, without DNSSEC. ``records``: lines of the zone file of ``example``."""
    with resolving(home, {"example": _ZONE + records}) as running:
        yield running


@contextmanager
def resolving(home: Path, zones: Mapping[str, str], *, anchor: str = "") -> Iterator[Resolver]:
    """Run both. ``zones``: zone files by origin. ``anchor``: a DS record to begin validation with; none without it."""
    home.mkdir()
    authority, unbound = free_port(), Resolver(home)
    nsd_conf = _NSD.format(home=home, port=authority)
    unbound_conf = _UNBOUND.format(
        home=home,
        port=unbound.port,
        modules="validator iterator" if anchor else "iterator",
        anchor=f'trust-anchor: "{anchor}"' if anchor else "",
    )
    for origin, text in zones.items():
        (home / f"{origin}.zone").write_text(text)
        nsd_conf += f'zone:\n    name: "{origin}"\n    zonefile: "{origin}.zone"\n'
        unbound_conf += f'stub-zone:\n    name: "{origin}"\n    stub-addr: 127.0.0.1@{authority}\n'
    (home / "nsd.conf").write_text(nsd_conf)
    (home / "unbound.conf").write_text(unbound_conf)
    nsd = subprocess.Popen([str(find("nsd")), "-d", "-c", f"{home}/nsd.conf"])
    try:
        wait_until_listening(authority)
        with unbound:
            yield unbound
    finally:
        nsd.terminate()
        nsd.wait()
