"""Ports for programs that cannot pick one themselves, and do not tell when they are ready."""

import socket
import time


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def wait_until_listening(port: int, host: str = "127.0.0.1", timeout_s: float = 60.0) -> None:
    """Wait until somebody listens."""
    deadline = time.monotonic() + timeout_s
    while not is_open(port, host):
        assert time.monotonic() < deadline, f"nobody listens on port {port}"
        time.sleep(0.02)


def wait_until_refused(port: int, timeout_s: float = 60.0) -> None:
    """Wait until nobody listens any more."""
    deadline = time.monotonic() + timeout_s
    while is_open(port):
        assert time.monotonic() < deadline, f"new clients are still let in on port {port}"
        time.sleep(0.01)


def is_open(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether somebody listens."""
    try:
        socket.create_connection((host, port)).close()
    except ConnectionRefusedError:
        return False
    return True
