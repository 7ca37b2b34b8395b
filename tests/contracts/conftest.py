"""Both sides of the network, for all suites that need connections."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from empath.sim import SimulatedWorld
from empath.sim.network import VirtualNetwork
from empath.world import UnixEndpoint
from empath.world.network import SystemNetwork
from empath.world.offload import ThreadOffload
from tests.contracts.places import Place
from tests.contracts.spools import InDatabase
from tests.postgres import PostgresServer


@pytest.fixture
def database(tmp_path: Path, postgres: PostgresServer) -> Iterator[InDatabase]:
    """A place for a spool in PostgreSQL."""
    offload = ThreadOffload("test", threads=2)
    made = InDatabase.make(postgres.emptied(), tmp_path, evolve(SimulatedWorld(1).world, offload=offload))
    yield made
    made.rows.end()
    offload.close()


@pytest.fixture(params=["real", "simulated"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    path = UnixEndpoint(str(tmp_path / "socket"))
    if request.param == "simulated":
        internet = VirtualNetwork()
        client, server = internet.host("192.0.2.1", "192.0.2.2", "2001:db8::1"), internet.host("192.0.2.25")
        return Place(client, server, "192.0.2.25", ("192.0.2.1", "192.0.2.2"), "192.0.2.99", path)
    network = SystemNetwork(burst=1)
    return Place(network, network, "127.0.0.1", ("127.0.0.1", "127.0.0.2"), "192.0.2.99", path)
