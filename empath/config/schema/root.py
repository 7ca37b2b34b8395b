"""The whole configuration: the top level of the file, with ``[spool]`` and ``[shutdown]``."""

import re
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Final

from attrs import frozen

from empath.config.kinds import DOMAIN, FILE, Kind
from empath.config.places import KeyPath
from empath.config.refusal import quoted
from empath.config.schema.capture import CaptureSettings
from empath.config.schema.delivery import DeliverySettings, QueueBackend
from empath.config.schema.keys import choice, duration, optional, size, table, value
from empath.config.schema.operators import (
    ApiSettings,
    AuditSettings,
    HealthSettings,
    HttpSettings,
    LogSettings,
    MetricsSettings,
    TracingSettings,
)
from empath.config.schema.smtp import RelaySettings, SmtpSettings
from empath.config.units import UnitError
from empath.smtp.address import Domain


def _user(raw: str) -> str:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}", raw) is None:
        raise UnitError(f"{quoted(raw)} is not the name of a user")
    return raw


_USER: Final = Kind(
    noun="a user",
    grammar="it is the name of a user of this machine, not its number",
    example='"empath"',
    types=(str,),
    convert=_user,
    show=quoted,
)


class Mode(Enum):
    """Where mail goes."""

    LIVE = "live"
    """To its recipients."""
    SANDBOX = "sandbox"
    """To the built-in capture peer; nothing leaves the machine."""


@frozen(kw_only=True)
class SpoolSettings:
    """``[spool]``: where messages are kept."""

    path: Path = value(FILE, Path("/var/spool/empath"), "where everything that is kept lies", needs_restart=True)
    min_free_bytes: int = size("1GiB", "how much room must be left on its disk for new mail to be taken")
    inline_body_limit_bytes: int = size(
        "256KiB",
        "how large a body may be to be kept beside its rows; larger ones become files",
        at_most="16MiB",
        needs_restart=True,
    )
    deduplication_window_s: float = duration(
        "0",
        "how long after a message the same one again is taken for a repetition, and not kept; 0: never",
        at_least="0",
    )


@frozen(kw_only=True)
class ShutdownSettings:
    """``[shutdown]``: how the daemon ends."""

    grace_s: float = duration(
        "30s", "how long the daemon may go on with what it has begun once it was told to stop", at_least="0"
    )


@frozen(kw_only=True)
class Config:
    """The whole configuration. ``Config()`` is the sandbox of a system-wide installation."""

    mode: Mode = choice(Mode.SANDBOX, "whether mail goes out, or to the built-in capture peer", needs_restart=True)
    hostname: Domain = value(
        DOMAIN,
        Domain.parse("localhost"),
        "which name this host gives itself in EHLO, Received and reports",
        needs_restart=True,
    )
    user: str | None = optional(
        _USER, "which user the daemon becomes, if it starts as root, once its ports are open", needs_restart=True
    )
    spool: SpoolSettings = table(SpoolSettings)
    relay: RelaySettings = table(RelaySettings)
    smtp: SmtpSettings = table(SmtpSettings)
    delivery: DeliverySettings = table(DeliverySettings)
    capture: CaptureSettings = table(CaptureSettings)
    shutdown: ShutdownSettings = table(ShutdownSettings)
    http: HttpSettings = table(HttpSettings)
    metrics: MetricsSettings = table(MetricsSettings)
    tracing: TracingSettings = table(TracingSettings)
    health: HealthSettings = table(HealthSettings)
    api: ApiSettings = table(ApiSettings)
    audit: AuditSettings = table(AuditSettings)
    log: LogSettings = table(LogSettings)

    @property
    def spool_path(self) -> Path:
        """The root of all that is kept. The sandbox has its own, so that going live never sends what was captured."""
        return self.spool.path / "sandbox" if self.mode is Mode.SANDBOX else self.spool.path

    @property
    def queue_path(self) -> Path:
        """The directory of the queue backend; of the sandbox's, when in sandbox mode."""
        if self.delivery.queue_path is None:
            return self.spool_path / "queue"
        return self.delivery.queue_path / "sandbox" if self.mode is Mode.SANDBOX else self.delivery.queue_path

    @property
    def queue_directories(self) -> tuple[Path, ...]:
        """The directories of this machine that the queue is in."""
        return () if self.delivery.queue_backend is QueueBackend.POSTGRES else (self.queue_path,)


ALIASES: Final[Mapping[KeyPath, KeyPath]] = {
    ("delivery", "workers", "max_concurrent"): ("delivery", "max_parallel_deliveries"),
    ("delivery", "connection_pool", "max_per_server"): ("delivery", "max_connections_per_host"),
    ("delivery", "connection_pool", "connect_timeout"): ("delivery", "smtp_timeouts", "connect"),
}
"""Second names of keys. They may be used in a file and have no attribute of their own."""
