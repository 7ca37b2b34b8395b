"""The service manager is told by one datagram, if there is one."""

import socket
from pathlib import Path

from empath.world.service import READY, notify


def test_the_manager_hears_the_state(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        assert notify(READY, {"NOTIFY_SOCKET": path})
        assert manager.recv(100) == b"READY=1"


def test_a_name_of_the_abstract_namespace_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0empath-test-notify")
        assert notify(READY, {"NOTIFY_SOCKET": "@empath-test-notify"})
        assert manager.recv(100) == b"READY=1"


def test_without_a_manager_nothing_is_said(tmp_path: Path) -> None:
    assert not notify(READY, {})
    assert not notify(READY, {"NOTIFY_SOCKET": str(tmp_path / "nobody")})
