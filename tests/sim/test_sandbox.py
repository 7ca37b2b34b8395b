"""The sandbox: the way of a message ends in the archive, and the archive has its bounds."""

from pathlib import PurePath

import trio
from attrs import evolve

from empath.capture import DIRECTORY, listing
from empath.config.schema import CaptureSettings, Mode
from tests.sim.stage import Stage, config_with, simulated


@simulated
async def test_the_archive_keeps_no_more_than_configuration_allows() -> None:
    for settings in (CaptureSettings(max_messages=3), CaptureSettings(max_size_bytes=2000)):
        stage = Stage(config=evolve(config_with(), mode=Mode.SANDBOX, capture=settings))
        async with stage.play():
            for number in range(8):
                await stage.send(f"m{number}", "bob@example.org", body=b"x" * 300 + b"\r\n")
                await trio.sleep(1)
        directory = PurePath(stage.config.spool_path) / DIRECTORY
        kept = await listing(stage.simulation.world.disk, directory)
        assert [record.subject for record in kept] == [f"test m{number}" for number in range(8 - len(kept), 8)]
        assert 1 < len(kept) <= 3
