"""Where an archive can be: on the real disk beside real sockets, or in a simulated world."""

from collections.abc import Callable, Iterator
from pathlib import Path, PurePath, PurePosixPath

import pytest
from attrs import define, frozen

from empath.sim import SimulatedWorld
from empath.world import Disk, Network
from empath.world.disk import DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.files import SystemFiles
from empath.world.network import SystemNetwork
from empath.world.offload import ThreadOffload

NOON = 1_762_776_000.0  # 2025-11-10 12:00:00 UTC


@define
class SetClock:
    """A clock that shows what it was set to."""

    seconds: float = NOON

    def now(self) -> float:
        """Return what it was set to."""
        return self.seconds


@frozen
class Place:
    """What an archive and its peer stand on."""

    network: Network
    disk: Disk
    directory: PurePath
    clock: SetClock

    async def sizes(self) -> dict[str, int]:
        """Return the size of each file in the directory, by name."""
        names = await self.disk.list(self.directory)
        return {name: await self.disk.size_bytes(self.directory / name) for name in names}


def simulated_place(world: SimulatedWorld) -> Place:
    """Return the one in a simulated world."""
    return Place(world.world.network, world.world.disk, PurePosixPath("/var/captured"), SetClock())


@pytest.fixture
def simulated() -> SimulatedWorld:
    return SimulatedWorld(seed=1)


@pytest.fixture
def real_place(tmp_path: Path) -> Iterator[Place]:
    offload = ThreadOffload("test", threads=1)
    disk = DurableDisk(SystemFiles(), offload, SystemEntropy())
    yield Place(SystemNetwork(), disk, tmp_path / "captured", SetClock())
    offload.close()


@pytest.fixture(params=["real", "simulated"])
def place(request: pytest.FixtureRequest, real_place: Place, simulated: SimulatedWorld) -> Place:
    places: dict[str, Callable[[], Place]] = {
        "real": lambda: real_place,
        "simulated": lambda: simulated_place(simulated),
    }
    return places[request.param]()
