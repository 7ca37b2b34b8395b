"""What ``empath serve`` tells when it has started: who it is, where mail goes, and where everything is."""

from itertools import groupby

from empath.app import Places
from empath.capture import DIRECTORY
from empath.config import Loaded
from empath.config.schema import Config, Mode
from empath.ops.views.settings import config_hash


def announcement(found: Loaded, places: Places) -> list[str]:
    """Return the lines; in the sandbox also what to do next."""
    config = found.config
    lines = [
        f"empath {config.hostname}: {_where_mail_goes(config)}",
        f"  smtp {' '.join(map(str, places.smtp))}   spool {config.spool_path}, messages in it: {places.recovered}",
        *_sections(places),
        f"  configuration {' '.join(map(str, found.files)) or 'none: all keys have their defaults'}"
        f"   hash {config_hash(config)}",
    ]
    if places.login_code is not None and config.api.dashboard:
        lines.append(f"  dashboard {_url(places, 'api')}/#login={places.login_code}   (valid once)")
    if config.mode is Mode.SANDBOX and places.smtp:
        moved = str(places.smtp[0]) != str(config.smtp.listeners[0].listen_addr)
        lines += [
            f"  captured mail {config.spool_path / DIRECTORY}",
            f"  try  empath send {f'--server {places.smtp[0]} ' if moved else ''}--to ann@example.org",
            "       empath captured list",
        ]
    return lines


def _sections(places: Places) -> list[str]:
    """Where HTTP is spoken, and what can be asked for there."""
    shared = groupby(places.sections, key=lambda name: _url(places, name))
    servers = [f"{url} {', '.join(here)}" for url, here in shared]
    return [f"  {'   '.join(servers)}"] if servers else []


def _url(places: Places, section: str) -> str:
    return f"{'https' if section in places.https else 'http'}://{places.sections[section]}"


def _where_mail_goes(config: Config) -> str:
    if config.delivery.frozen:
        return "FROZEN, mail is accepted and kept, and none goes out (delivery.frozen)"
    if config.mode is Mode.SANDBOX:
        return "SANDBOX, mail is captured here, nothing leaves this machine"
    host = config.delivery.smart_host
    return f"live, mail goes to {host} (delivery.smart_host)" if host else "live, mail goes to the hosts that DNS names"
