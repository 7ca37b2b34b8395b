"""Settings of the whole test run."""

import os
from collections.abc import Iterator

import hypothesis
import pytest

from tests import peers
from tests.postgres import PostgresServer, running

# No deadline: a machine that is busy with something else is not a finding. In CI the examples are the same in every
# run, so that a red build is red again; the search for new ones happens on the machines of those who write the code.
hypothesis.settings.register_profile("empath", deadline=None, derandomize=bool(os.environ.get("CI")), print_blob=True)
hypothesis.settings.load_profile("empath")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip or fail a test whose real peers are missing."""
    peers.demand_for(item)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A server, for all tests of this process that need one."""
    with running() as server:
        yield server
