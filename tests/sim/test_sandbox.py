"""The sandbox: the way of a message ends in the archive, and the archive has its bounds."""

from pathlib import PurePath

import trio
from attrs import evolve

from empath.capture import DIRECTORY, listing
from empath.config.schema import CaptureSettings, DeliverySettings, DnssecSettings, DnsSettings, Mode
from empath.policy.approach import IpPreference
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


@simulated
async def test_what_holds_for_hosts_outside_does_not_keep_mail_from_the_archive() -> None:
    outside = DeliverySettings(
        ip=IpPreference.V6,
        source=("2001:db8::25",),
        dns=DnsSettings(dnssec=DnssecSettings(enforce=True)),
        own_hosts=("127.0.0.1",),
    )
    stage = Stage(config=evolve(config_with(outside), mode=Mode.SANDBOX))
    async with stage.play():
        await stage.send("m", "bob@example.org")
        await trio.sleep(1)
    directory = PurePath(stage.config.spool_path) / DIRECTORY
    assert len(await listing(stage.simulation.world.disk, directory)) == 1
