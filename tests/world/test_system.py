"""The real world as a whole."""

import threading
from pathlib import Path

from empath.world.resolver import DnsSettings
from empath.world.system import open_world


async def test_a_world_is_complete_and_leaves_no_thread_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    async with open_world(dns=DnsSettings(timeout_s=1)) as world:
        assert await world.disk.write(tmp_path / "note", [b"hello"]) == 5
        assert await world.offload.run(lambda: world.entropy.token(4)) != b""
        assert world.clock.now() > 0
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=5)
        assert not thread.is_alive()
