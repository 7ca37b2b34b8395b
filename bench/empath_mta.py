"""Empath itself: ``empath serve`` with a configuration written for the case."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

from bench.mta import Place

# Defaults, but for where things are, who may connect how often, and what would listen on ports of its own.
CONFIGURATION = """\
mode = "live"
hostname = "mta.test"
spool.path = {spool}
relay.from_networks = ["127.0.0.0/8"]
smtp.limits.max_connections_per_ip = 1000
delivery.smart_host = "127.0.0.1:{sink_port}"
delivery.frozen = {frozen}
metrics.enabled = false
health.enabled = false
api.enabled = false
audit.enabled = false

[[smtp.listeners]]
listen_addr = "127.0.0.1:{port}"
{tls}"""
_TLS = """\
tls = "starttls"
starttls.cert_file = {certificate}
starttls.key_file = {certificate}
"""
_TUNING = "delivery.max_parallel_deliveries = 1000\n"
_DOMAIN = """
[delivery.domains."{domain}"]
mx_override = "{address}:{port}"
"""


@frozen(kw_only=True)
class Empath:
    """The `Mta` adapter."""

    name: str = "empath"
    is_tuned: bool = False
    """Whether it may have as many connections as there are next hops, where there are many."""

    def absence(self) -> str | None:
        command = _command()
        if command is None:
            return "there is no command `empath`; python3 dev.py setup brings it"
        probe = subprocess.run([command, "serve", "--help"], capture_output=True, check=False)
        return "the installed `empath` has no `serve`" if probe.returncode else None

    def prepare(self, place: Place) -> Sequence[str | Path]:
        file = place.directory / "empath.toml"
        file.write_text(configuration(place) if not self.is_tuned else _TUNING + configuration(place))
        return [_command() or "empath", "serve", "--config", file]

    def leader(self, place: Place, started_pid: int) -> int:
        return started_pid


def configuration(place: Place) -> str:
    """Return the text of the configuration file."""
    text = CONFIGURATION.format(
        spool=json.dumps(str(place.directory / "spool")),  # a basic string of TOML is one of JSON
        port=place.port,
        sink_port=place.sink_port,
        frozen="true" if place.holds else "false",
        tls=_TLS.format(certificate=json.dumps(str(place.certificate))) if place.certificate else "",
    )
    for domain, address in place.next_hops.items():
        text += _DOMAIN.format(domain=domain, address=address, port=place.sink_port)
    return text


def _command() -> Path | None:
    """Find the `empath` of this interpreter's environment, or else the one on the PATH."""
    beside = Path(sys.executable).with_name("empath")
    elsewhere = shutil.which("empath")
    return beside if beside.exists() else Path(elsewhere) if elsewhere else None
