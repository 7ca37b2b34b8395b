"""Classes of mail on the whole worker: who gives a message which, and what comes of it."""

from ipaddress import ip_network

import pytest
import trio
from attrs import evolve

from empath.config.schema import (
    DeliverySettings,
    HeaderRuleSettings,
    ListenerSettings,
    Priority,
    PrioritySettings,
)
from empath.mail import MessageAccepted
from tests.ingress.stage import Talk
from tests.sim.stage import CLIENT, ENTRANCE, Stage, config_with, local_parts, simulated

CRITICAL, HIGH, NORMAL, LOW = Priority
PRIORITIES = PrioritySettings(
    users={"ann": CRITICAL},
    headers=(
        HeaderRuleSettings(name=b"x-urgent", priority=CRITICAL),
        HeaderRuleSettings(name=b"precedence", holds="Bulk", priority=LOW),
    ),
    mt_priority_cap=HIGH,
)


def stage_with(delivery: DeliverySettings, **keys: object) -> Stage:
    config = config_with(delivery)
    listener = ListenerSettings(listen_addr=ENTRANCE, **keys)  # type: ignore[arg-type]  # keys of a listener
    return Stage(config=evolve(config, smtp=evolve(config.smtp, listeners=(listener,))))


async def say(stage: Stage, recipient: str, *, wish: str = "", header: str = "", login: str = "") -> None:
    network = stage.simulation.network
    talk = Talk(await (network.host_at(CLIENT) or network.host(CLIENT)).connect(ENTRANCE))
    assert await talk.code() == b"220"
    for line in (
        *(["EHLO client.example"]),
        *([f"XCLIENT LOGIN={login}", "EHLO client.example"] if login else []),
        f"MAIL FROM:<a@senders.example>{wish}",
        f"RCPT TO:<{recipient}>",
        "DATA",
        f"{header}Subject: x\r\n\r\nx\r\n.",
        "QUIT",
    ):
        code = await talk.code(f"{line}\r\n".encode())
        assert code is not None
        assert code[:1] in b"23"


@simulated
async def test_a_message_gets_the_class_that_is_nearest_to_it() -> None:
    delivery = DeliverySettings(priorities=PRIORITIES)
    stage = stage_with(delivery, priority=LOW, xclient_from=(ip_network(CLIENT),))
    stage.site("example.org")
    async with stage.play():
        await say(stage, "x@example.org")
        await say(stage, "x@example.org", login="ann")
        await say(stage, "x@example.org", login="ann", header="Precedence: BULK\r\n")
        await say(stage, "x@example.org", header="X-Urgent: yes\r\n")
        await say(stage, "x@example.org", header="X-Urgent: yes\r\n", wish=" MT-PRIORITY=9")
        await say(stage, "x@example.org", wish=" MT-PRIORITY=0")
        await trio.sleep(10)
    found = [fact.envelope.priority for fact in stage.facts if isinstance(fact, MessageAccepted)]
    assert found == [LOW, CRITICAL, LOW, CRITICAL, HIGH, NORMAL]
    assert len(stage.taken) == 6


@simulated
async def test_without_any_key_a_message_has_no_class_of_its_own() -> None:
    stage = stage_with(DeliverySettings())
    stage.site("example.org")
    async with stage.play():
        await say(stage, "x@example.org")
        await trio.sleep(10)
    assert [fact.envelope.priority for fact in stage.facts if isinstance(fact, MessageAccepted)] == [None]


@pytest.mark.parametrize(("head_start_s", "is_early"), [(600.0, True), (0.0, False)])
def test_what_is_critical_is_claimed_before_what_has_waited_in_the_spool(head_start_s: float, is_early: bool) -> None:
    @simulated
    async def play() -> None:
        priorities = evolve(PRIORITIES, head_start_s=head_start_s)
        delivery = DeliverySettings(max_deliveries_in_memory=8, max_parallel_deliveries=1, priorities=priorities)
        stage = stage_with(delivery)
        domains = [f"d{number}.example" for number in range(60)]
        for domain in (*domains, "urgent.example"):
            stage.site(domain).pause_s = 0.5
        async with stage.play():
            for domain in domains:
                await say(stage, f"x@{domain}")
            await say(stage, "critical@urgent.example", header="X-Urgent: yes\r\n")
            before = len(stage.taken)
            await trio.sleep(600)
            later = [local for [local] in local_parts(stage.taken)][before:]
            assert len(stage.taken) == 61
            assert (later.index(b"critical") <= 20) is is_early

    play()
