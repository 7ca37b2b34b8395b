"""Watching must not hurt mail, nor miss any: a day with everything switched on, on a disk that fails now and then."""

import json
from collections import Counter
from pathlib import PurePosixPath

import trio
from attrs import evolve

from empath.config.schema import ApiSettings, AuditSettings, HealthSettings, MetricsSettings
from empath.mail import DeliveryAttempted, MessageAccepted, Phase
from empath.sim.disk import Trouble
from empath.sim.remote import Rule
from empath.smtp import Reply
from empath.world import TcpEndpoint
from tests.sim.stage import ENTRANCE, Stage, config_with, simulated

HTTP = TcpEndpoint(ENTRANCE.host, 8080)
WATCHED = evolve(
    config_with(),
    metrics=MetricsSettings(listen_addr=HTTP),
    health=HealthSettings(listen_addr=HTTP),
    api=ApiSettings(listen_addr=HTTP),
    audit=AuditSettings(),
)
MESSAGES = 40


async def ask(stage: Stage, path: str) -> bytes:
    """Ask the worker over HTTP, from the machine of the client."""
    async with await stage.client.host.connect(HTTP) as stream:
        await stream.send_all(f"GET {path} HTTP/1.1\r\nHost: mx\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := await stream.receive_some(65_536):
            answer += bytes(part)
        return answer


async def audited(stage: Stage) -> Counter[str]:
    """Count the audit records by event."""
    disk, directory, events = stage.simulation.world.disk, PurePosixPath("/var/log/empath"), Counter[str]()
    for name in await disk.list(directory):
        async with await disk.open(directory / name) as file:
            events.update(json.loads(line)["event"] for line in (await file.read(10_000_000)).splitlines() if line)
    return events


@simulated
async def test_everything_is_told_and_nothing_lost() -> None:
    stage = Stage(1, WATCHED)
    stage.site("well.example")
    stage.site("ill.example", Rule(phase=Phase.RCPT, reaction=Reply(451, "later", "4.2.0"), times=30))
    async with stage.play():
        for number in range(MESSAGES):
            await stage.send(f"m{number}", f"bob{number}@well.example", f"ann{number}@ill.example")
        stage.simulation.files.plan(Trouble.NO_SPACE, call="extend")
        await trio.sleep(3600)
        metrics, ready = await ask(stage, "/metrics"), await ask(stage, "/health/ready")
    assert stage.breaches() == []
    assert f'empath_messages_finished_total{{outcome="completed"}} {2 * MESSAGES}.0\n'.encode() in metrics
    assert f'empath_smtp_messages_received_total{{listener="{ENTRANCE}"}} {MESSAGES}.0\n'.encode() in metrics
    assert ready.startswith(b"HTTP/1.1 200 ")
    events = await audited(stage)
    assert events["received"] == sum(isinstance(fact, MessageAccepted) for fact in stage.facts) == MESSAGES
    assert events["attempt"] == sum(isinstance(fact, DeliveryAttempted) for fact in stage.facts) > 2 * MESSAGES
    assert (events["start"], events["stop"]) == (1, 1)
