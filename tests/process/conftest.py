"""A daemon, and a next hop that remembers, for tests that need no more."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.daemon import Daemon, live
from tests.process.sink import Sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A next hop that takes everything."""
    with Sink() as sink:
        yield sink


@pytest.fixture
def daemon(sink: Sink, tmp_path: Path) -> Iterator[Daemon]:
    """A relay that sends everything to the sink."""
    with Daemon(tmp_path, live(tmp_path, next_hop=sink.address)) as daemon:
        yield daemon
