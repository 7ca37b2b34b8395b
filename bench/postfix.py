"""Postfix beside us: in a directory of its own, as it comes or tuned for throughput."""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import field, frozen

from bench.mta import Place

POSTFIX: Final = Path("/usr/sbin/postfix")
SHIPPED_SERVICES: Final = Path("/usr/share/postfix/master.cf.dist")


def _tuning(place: Place) -> dict[str, object]:
    """Return what administrators set who want throughput to one next hop."""
    return {
        "smtp_connection_cache_destinations": "static:all" if place.next_hops else f"[127.0.0.1]:{place.sink_port}",
        "smtp_connection_reuse_count_limit": 0,
        "initial_destination_concurrency": 20,
        "default_destination_concurrency_limit": 50,
        "default_process_limit": 200,
        "in_flow_delay": "0",
    }


@frozen(kw_only=True)
class Postfix:
    """The `Mta` adapter. It needs the Debian package, and root, as Postfix itself does."""

    name: str = "postfix"
    is_tuned: bool = field(default=False)

    def absence(self) -> str | None:
        if not POSTFIX.exists() or not SHIPPED_SERVICES.exists():
            return "install the Debian package postfix"
        return "it has to be started by root" if os.geteuid() else None

    def prepare(self, place: Place) -> Sequence[str | Path]:
        etc, spool, data = (place.directory / name for name in ("etc", "spool", "data"))
        for directory in (etc, spool, data):
            directory.mkdir()
        shutil.chown(data, "postfix")
        settings = self._settings(place) | (_tuning(place) if self.is_tuned else {})
        (etc / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
        shutil.copy(SHIPPED_SERVICES, etc / "master.cf")
        address = f"127.0.0.1:{place.port}"
        _postconf(etc, "-MX", "smtp/inet")
        _postconf(etc, "-Me", f"{address}/inet={address} inet n - n - - smtpd")
        _postconf(etc, "-F", "*/*/chroot=n")  # the jail would have to be furnished first
        hops = place.next_hops.items()
        (etc / "transport").write_text("".join(f"{name} smtp:[{hop}]:{place.sink_port}\n" for name, hop in hops))
        return [POSTFIX, "-c", etc, "start-fg"]

    def leader(self, place: Place, started_pid: int) -> int:
        # `start-fg` leaves a shell in front of the master, which alone knows how to end the rest.
        lock = place.directory / "spool/pid/master.pid"
        return int(lock.read_text()) if lock.exists() else started_pid

    def _settings(self, place: Place) -> dict[str, object]:
        return {
            "compatibility_level": "3.6",
            "queue_directory": place.directory / "spool",
            "data_directory": place.directory / "data",
            "maillog_file": place.directory / "mail.log",
            "maillog_file_prefixes": place.directory,
            "myhostname": "mta.test",
            "mydestination": "",
            "inet_protocols": "ipv4",
            "inet_interfaces": "loopback-only",
            "mynetworks": "127.0.0.0/8",
            "relayhost": f"[127.0.0.1]:{place.sink_port}",
            "transport_maps": f"texthash:{place.directory}/etc/transport",
            "message_size_limit": 100 << 20,
            # All load comes from one address, and there is no resolver to name it.
            "smtpd_client_connection_count_limit": 0,
            "smtpd_peername_lookup": "no",
            "smtp_dns_support_level": "disabled",
            "smtp_tls_security_level": "may",
            **(_HOLD if place.holds else {}),
            **(_encryption(place.certificate) if place.certificate else {}),
        }


_HOLD: Final[Mapping[str, object]] = {"smtpd_client_restrictions": "check_client_access static:HOLD"}


def _encryption(certificate: Path) -> dict[str, object]:
    return {"smtpd_tls_security_level": "may", "smtpd_tls_chain_files": certificate}


def _postconf(etc: Path, *words: str) -> None:
    subprocess.run(["/usr/sbin/postconf", "-c", etc, *words], check=True)
