"""The whole worker: what has failed can be seen for a while, and is then gone; nothing of it is ever sent again."""

import trio

from empath.config.schema import DeliverySettings
from empath.mail import Phase, Status
from empath.sim.remote import Fault, Rule
from empath.smtp import Reply
from empath.spool.contract import EVERYTHING, Row, Statistics
from tests.sim.stage import Stage, config_with, simulated

HOUR_S = 3600.0


def rows(stage: Stage) -> list[Row]:
    found: list[Row] = []
    stage.memory.commit(
        [lambda store: found.extend(store.find(EVERYTHING, now=0.0, after=None, limit=100).rows)], durable=False
    )
    return found


@simulated
async def test_what_has_failed_is_kept_for_failed_retention_and_not_tried_again() -> None:
    stage = Stage(config=config_with(DeliverySettings(failed_retention_s=2 * HOUR_S)))
    stage.site("example.org", Rule(phase=Phase.RCPT, reaction=Reply(550, "No such user", "5.1.1")))
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(1.9 * HOUR_S)
        (row,) = rows(stage)
        assert (row.status, row.attempts, row.recipient) == (Status.FAILED, 1, "bob@example.org")
        assert row.reply.startswith("550")
        await trio.sleep(0.2 * HOUR_S)
        assert rows(stage) == []
    assert len(stage.attempts("example.org")) == 1
    assert stage.breaches() == []


@simulated
async def test_without_retention_nothing_is_left_after_a_minute() -> None:
    stage = Stage(config=config_with(DeliverySettings(failed_retention_s=0.0)))
    stage.site("example.org", Rule(phase=Phase.RCPT, reaction=Reply(550, "No such user", "5.1.1")))
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(100)
        counted: list[Statistics] = []
        stage.memory.commit([lambda store: counted.append(store.statistics())], durable=False)
        assert counted == [Statistics(messages=0, waiting=0, claimed=0)]


@simulated
async def test_a_lost_reply_to_the_final_dot_leaves_a_delivery_uncertain() -> None:
    stage = Stage()
    stage.site("example.org", Rule(phase=Phase.END, reaction=Fault.CLOSE, times=1))
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(5)
        assert [row.status for row in rows(stage)] == [Status.UNCERTAIN]
