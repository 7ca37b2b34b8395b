"""What of a daemon is no part of its worker: what a reload makes of its log and of what its manager is told."""

import logging
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from empath.cli.running import Running
from empath.config import Sources, load
from empath.config.schema import Config, LogFormat, LogLevel, LogSettings, ShutdownSettings
from empath.ops.logbook import JsonFormatter
from empath.world.service import ServiceManager


@pytest.fixture
def log() -> Iterator[logging.Handler]:
    """What lines go to; the level of the whole process is given back."""
    root = logging.getLogger()
    level = root.level
    yield logging.NullHandler()
    root.setLevel(level)


@pytest.fixture
def ear(tmp_path: Path) -> Iterator[socket.socket]:
    """What a service manager listens with."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(0)
        yield ear


def running(log: logging.Handler, manager: ServiceManager, config: Path) -> Running:
    """A daemon that was started with a file."""
    sources = Sources(file=config, environ={"HOME": str(config.parent)})
    return Running(sources, load(sources), manager, log)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "empath.toml"
    path.write_text('mode = "sandbox"\n')
    return path


def test_level_and_form_of_the_log_hold_at_once(log: logging.Handler, config: Path) -> None:
    take = running(log, ServiceManager(None, None), config).reading.took
    for level, form in ((LogLevel.DEBUG, LogFormat.JSON), (LogLevel.ERROR, LogFormat.LOGFMT)):
        take(Config(log=LogSettings(level=level, format=form)))
        assert logging.getLogger().level == getattr(logging, level.name)
        assert isinstance(log.formatter, JsonFormatter) is (form is LogFormat.JSON)


def test_the_manager_is_asked_for_the_time_that_the_grace_takes_now(
    log: logging.Handler, config: Path, ear: socket.socket
) -> None:
    daemon = running(log, ServiceManager(ear.getsockname(), None), config)
    daemon.reading.took(evolve(daemon.config, shutdown=ShutdownSettings(grace_s=120)))
    daemon.tell_end()
    assert ear.recv(1000).endswith(b"EXTEND_TIMEOUT_USEC=135000000")


def test_a_fault_becomes_one_line_that_is_not_too_long(log: logging.Handler, config: Path, ear: socket.socket) -> None:
    daemon = running(log, ServiceManager(ear.getsockname(), None), config)
    daemon.tell_ready("accepting mail")
    daemon.reading.ended("no\n  such key " + 1000 * "x")
    assert ear.recv(1000) == b"READY=1\nSTATUS=accepting mail"
    assert ear.recv(4000).startswith(
        b"READY=1\nSTATUS=accepting mail; the configuration was NOT read again: no such key x"
    )
