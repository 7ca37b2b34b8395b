"""What of a daemon is no part of its worker: the process, the lines it writes, and the manager that watches over it.

A reload changes this as well: the level and the form of the log, how many files may be open, how long the end may take.
"""

from __future__ import annotations

import logging
import os
import stat
import sys
from collections.abc import Hashable
from functools import partial
from typing import Final

from attrs import define, evolve, field

from empath.app.reload import Reading
from empath.config import Loaded, Sources, load
from empath.config.schema import Config
from empath.config.stamps import stamp
from empath.ops.logbook import formatter
from empath.world.descriptors import allow_descriptors
from empath.world.service import READY, RELOADING, STOPPING, ServiceManager, moment, more_time, status

_LOG: Final = logging.getLogger(__name__)
_CLOSING_S: Final = 15.0
"""What the daemon may take to close when its grace is over."""
_OTHER_DESCRIPTORS: Final = 200
"""For the queue, the logs, the servers for operators and the lookups in DNS."""
_MOST_OF_A_STATUS: Final = 300
"""Characters: it is one line in ``systemctl status``."""


@define(eq=False)
class Running:
    """One daemon, as its process has it."""

    _sources: Sources
    found: Loaded
    """What it was started with."""
    manager: ServiceManager
    _log: logging.Handler
    config: Config = field(init=False)
    """What holds now, as files would say it."""
    _stamped: Hashable = field(init=False)
    """Of the files as they were at the start."""
    _status: str = field(init=False, default="")
    """What it does when all is well."""

    def __attrs_post_init__(self) -> None:
        """Begin with what was found."""
        self.config, self._stamped = self.found.config, stamp(self._sources, self.found)

    @property
    def reading(self) -> Reading:
        """How it reads its configuration again. Variables and options are those that it was started with."""
        sources = evolve(self._sources, environ=dict(self._sources.environ))
        return Reading(
            loaded=self.found,
            load=partial(load, sources),
            stamp=partial(stamp, sources) if self.found.files else None,
            stamped=self._stamped,
            took=self._take,
            began=self._tell_reloading,
            ended=self._tell_reloaded,
        )

    def _take(self, config: Config) -> None:
        self.config = config
        of_process(config, self._log)

    def tell_ready(self, doing: str) -> None:
        """It has started, and does this."""
        self._status = doing
        self.manager.tell(READY, status(doing))

    def tell_end(self) -> None:
        """Ask for the time that an orderly end may take, so that no unit file has to say the same once more."""
        self.manager.tell(
            STOPPING, status("finishing what has begun"), more_time(self.config.shutdown.grace_s + _CLOSING_S)
        )

    def _tell_reloading(self) -> None:
        self.manager.tell(RELOADING, moment(), status("reading the configuration"))

    def _tell_reloaded(self, problem: str | None) -> None:
        """READY it is either way (sd_notify(3)); whether a reload has failed says the status."""
        if problem is None:
            self.manager.tell(READY, status(self._status))
        else:
            cut = " ".join(problem.split())[:_MOST_OF_A_STATUS]
            self.manager.tell(READY, status(f"{self._status}; the configuration was NOT read again: {cut}"))


def of_process(config: Config, log: logging.Handler) -> None:
    """Let what holds for the whole process be as configured."""
    log.setFormatter(line_formatter(config))
    logging.getLogger().setLevel(config.log.level.value.upper())
    _make_room(config)


def line_formatter(config: Config) -> logging.Formatter:
    """Return what writes lines: as configured, or as the other end of standard error wants them."""
    kind = os.fstat(sys.stderr.fileno())
    in_journal = os.environ.get("JOURNAL_STREAM") == f"{kind.st_dev}:{kind.st_ino}"  # systemd.exec(5)
    is_piped = stat.S_ISFIFO(kind.st_mode) or stat.S_ISSOCK(kind.st_mode)
    return formatter(config.log.format, in_journal=in_journal, is_piped=is_piped)


def _make_room(config: Config) -> None:
    """Let there be descriptors for all connections, and for a file behind each: large bodies are read and written."""
    connections = config.smtp.limits.max_connections + config.delivery.max_parallel_deliveries
    wanted = 2 * connections + _OTHER_DESCRIPTORS
    room = allow_descriptors(wanted)
    if room < wanted:
        _LOG.warning(
            "%d files and connections may be open and %d can be needed: raise LimitNOFILE, or lower "
            "smtp.limits.max_connections; when there are no more, new clients have to wait",
            room,
            wanted,
        )
