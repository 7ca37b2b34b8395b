"""Both sides of the network, for all suites that need connections."""

from pathlib import Path

import pytest

from empath.sim.network import VirtualNetwork
from empath.world import UnixEndpoint
from empath.world.network import SystemNetwork
from tests.contracts.places import Place


@pytest.fixture(params=["real", "simulated"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    path = UnixEndpoint(str(tmp_path / "socket"))
    if request.param == "simulated":
        internet = VirtualNetwork()
        client, server = internet.host("192.0.2.1", "192.0.2.2", "2001:db8::1"), internet.host("192.0.2.25")
        return Place(client, server, "192.0.2.25", ("192.0.2.1", "192.0.2.2"), "192.0.2.99", path)
    network = SystemNetwork(burst=1)
    return Place(network, network, "127.0.0.1", ("127.0.0.1", "127.0.0.2"), "192.0.2.99", path)
