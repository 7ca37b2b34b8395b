"""The whole worker in a simulated world: one message end to end, and how it ends."""

import pytest
import trio

from empath.config.schema import DeliverySettings
from empath.mail import Phase, Status
from empath.sim.remote import Fault, Rule
from tests.sim.stage import OWN_NAME, SENDER, Stage, config_with, local_parts, simulated


@simulated
async def test_a_message_arrives() -> None:
    stage = Stage()
    server = stage.site("example.org")
    async with stage.play():
        await stage.send("one", "bob@example.org", body=b"Hello\r\n..two dots\r\n")
        await trio.sleep(1)
    (taken,) = server.taken
    assert str(taken.reverse_path) == SENDER
    assert [str(one) for one in taken.recipients] == ["bob@example.org"]
    assert taken.content.startswith(b"Received: from client.example ")
    assert taken.content.endswith(b"Subject: test one\r\n\r\nHello\r\n..two dots\r\n")
    assert taken.hello == OWN_NAME
    assert [fact.status for fact in stage.ended] == [Status.COMPLETED]
    assert stage.breaches() == []


@simulated
async def test_a_shutdown_waits_for_the_reply_to_a_final_dot_and_records_it() -> None:
    stage = Stage()
    server = stage.site("example.org")
    server.pause_s = 4.0
    async with stage.internet() as nursery:
        run = await stage.start(nursery)
        await stage.send("one", "bob@example.org")
        with trio.move_on_after(60):
            await server.has_taken.wait()
        asked_at = trio.current_time()
        run.stop()
        await run.over.wait()
    assert 1 < trio.current_time() - asked_at < 15
    assert [fact.status for fact in stage.ended] == [Status.COMPLETED]
    assert stage.breaches() == []


@simulated
async def test_a_shutdown_gives_up_a_host_that_never_answers_the_dot_when_the_grace_is_over() -> None:
    stage = Stage()
    server = stage.site("example.org", Rule(phase=Phase.END, reaction=Fault.STALL))
    async with stage.internet() as nursery:
        run = await stage.start(nursery)
        await stage.send("one", "bob@example.org")
        await trio.sleep(1)
        asked_at = trio.current_time()
        run.stop()
        await run.over.wait()
        assert trio.current_time() - asked_at == pytest.approx(stage.config.shutdown.grace_s, abs=1)
        server.rules.clear()
        again = await stage.start(nursery)
        await trio.sleep(2 * stage.config.delivery.uncertain.pause_s)
        again.stop()
        await again.over.wait()
    assert [one.confirmed for one in server.taken] == [False, True]
    assert stage.breaches() == []


@simulated
async def test_a_second_signal_ends_it_at_once() -> None:
    stage = Stage()
    stage.site("example.org", Rule(phase=Phase.END, reaction=Fault.STALL))
    async with stage.internet() as nursery:
        run = await stage.start(nursery)
        await stage.send("one", "bob@example.org")
        await trio.sleep(1)
        run.stop()
        await trio.sleep(1)
        asked_at = trio.current_time()
        run.stop()
        await run.over.wait()
        assert trio.current_time() - asked_at < 1
    assert stage.breaches() == []


@simulated
async def test_a_shutdown_between_two_transactions_of_one_message_doubles_nothing() -> None:
    stage = Stage(config=config_with(DeliverySettings(max_recipients_per_transaction=2)))
    server = stage.site("example.org", Rule(phase=Phase.MAIL, reaction=Fault.STALL, since_s=0.5))
    async with stage.internet() as nursery:
        run = await stage.start(nursery)
        server.pause_s = 0.2
        await stage.send("one", *(f"u{number}@example.org" for number in range(6)))
        await trio.sleep(20)
        run.stop()
        await run.over.wait()
        server.rules.clear()
        again = await stage.start(nursery)
        await trio.sleep(600)
        again.stop()
        await again.over.wait()
    assert sorted(part for parts in local_parts(server.taken) for part in parts) == [
        f"u{number}".encode() for number in range(6)
    ]
    assert stage.breaches() == []
