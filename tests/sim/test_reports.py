"""Reports to senders, whatever happens in between: never two of a kind on one recipient, and one on each failure."""

from collections import Counter
from contextlib import closing
from functools import partial

import pytest
import trio

from empath.config.schema import DeliverySettings, DsnSettings, RetryRuleSettings, RetrySettings
from empath.mail import Action, Phase, ReportMade, Status
from empath.mail.failure_class import FailureClass
from empath.sim import simulate
from empath.sim.disk import Trouble
from empath.sim.invariants import EMPTY, queue_of, reported
from empath.sim.remote import Rule
from empath.sim.vfs import SimulatedVfs
from empath.smtp import Reply
from tests.sim.stage import BACKENDS, DAY_S, Stage, config_with, simulated, store_on

HOUR_S = 3600.0
LATER = Reply(451, "later", "4.2.0")
NEVER = Reply(550, "No such user", "5.1.1")
SHORT = DeliverySettings(
    # An attempt that was cut off is repeated after as long, which leaves time for a warning before the end.
    retry_base_delay_s=30.0,
    max_age_s=100.0,
    dsn=DsnSettings(delay_warning_after_s=50.0),
)


def actions(stage: Stage) -> Counter[Action]:
    """What reports say, each recipient counted once for each report."""
    found: Counter[Action] = Counter()
    for action in Action:
        found[action] += sum(len(names) for names in reported(stage.taken, action).values())
    return found


@simulated
async def test_of_a_delay_the_sender_hears_once_and_at_its_time() -> None:
    stage = Stage()
    stage.site("example.org", Rule(phase=Phase.RCPT, reaction=LATER))
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(4 * HOUR_S - 10)
        assert stage.reports == []
        await trio.sleep(20)
        (warning,) = stage.reports
        assert b"Action: delayed\r\nStatus: 4.2.0\r\n" in warning.content
        await trio.sleep(6 * DAY_S)
    assert actions(stage) == {Action.DELAYED: 1, Action.FAILED: 1, Action.RELAYED: 0}
    assert stage.breaches() == []


@simulated
async def test_what_arrives_after_a_warning_is_not_reported_again() -> None:
    stage = Stage()
    stage.site("example.org", Rule(phase=Phase.RCPT, reaction=LATER, until_s=5 * HOUR_S))
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(DAY_S)
    assert len(stage.reports) == 1
    assert [fact.status for fact in stage.ended] == [Status.COMPLETED] * 2  # the message, and the report
    assert stage.breaches() == []


@simulated
async def test_recipients_that_fail_at_one_moment_share_a_report_and_others_get_their_own() -> None:
    stage = Stage()
    stage.site("example.org", Rule(phase=Phase.RCPT, reaction=NEVER))
    stage.site("example.net", Rule(phase=Phase.RCPT, reaction=LATER, times=2), Rule(phase=Phase.RCPT, reaction=NEVER))
    async with stage.play():
        await stage.send("one", "ann@example.org", "bob@example.org", "eve@example.net", "joe@example.net")
        await trio.sleep(HOUR_S)
    assert sorted(one.content.count(b"\r\nAction: failed") for one in stage.reports) == [2, 2]
    made = [fact for fact in stage.facts if isinstance(fact, ReportMade)]
    assert sorted(len(fact.about) for fact in made) == [2, 2]
    reports = {delivery: fact.report for fact in made for delivery, _ in fact.about}
    failed = [fact for fact in stage.ended if fact.status is Status.FAILED]
    assert {fact.delivery: fact.report for fact in failed} == reports
    assert {fact.failure_class for fact in failed} == {FailureClass.BAD_MAILBOX}
    assert stage.breaches() == []


@simulated
async def test_each_attempt_asks_anew_where_the_mail_goes() -> None:
    stage = Stage()
    old = stage.site("example.org", Rule(phase=Phase.RCPT, reaction=LATER))
    new = stage.server("mx.elsewhere.example", site="example.org")
    async with stage.play():
        await stage.send("one", "bob@example.org")
        await trio.sleep(HOUR_S)
        stage.simulation.zones.add_mx("example.org", "mx.elsewhere.example")
        await trio.sleep(2 * HOUR_S)
    assert (len(old.taken), len(new.taken)) == (0, 1)
    assert stage.breaches() == []


@simulated
async def test_a_rule_gives_a_class_of_failures_a_schedule_of_its_own() -> None:
    rule = RetryRuleSettings(
        classes=(FailureClass.GREYLISTED,), base_delay_s=600.0, multiplier=1.0, jitter_factor=0.0, max_age_s=3000.0
    )
    stage = Stage(config=config_with(DeliverySettings(retry=RetrySettings(rules=(rule,)), retry_jitter_factor=0.0)))
    greylisted = Reply(451, "Greylisted, come back later", "4.7.1")
    stage.site("example.org", Rule(phase=Phase.RCPT, reaction=greylisted))
    stage.site("example.net", Rule(phase=Phase.RCPT, reaction=LATER, until_s=HOUR_S))
    async with stage.play():
        await stage.send("one", "bob@example.org", "eve@example.net")
        await trio.sleep(2 * HOUR_S)
    ours, others = stage.attempts("example.org"), stage.attempts("example.net")
    assert [round(fact.waited_s) for fact in ours] == [0, 600, 1200, 1800, 2400]
    assert [round(fact.waited_s) for fact in others] == [0, 60, 180, 420, 900, 1860, 3780]
    assert {fact.failure_class for fact in ours} == {FailureClass.GREYLISTED}
    (expired,) = [fact for fact in stage.ended if fact.status is Status.EXPIRED]
    assert expired.failure_class is FailureClass.GREYLISTED
    assert stage.breaches() == []


LIFE_S = 120


async def lives(at: int | None, *, survivors: bool, backend: str) -> tuple[Stage, int]:
    """Two lives with a failure, a warning and an expiry. The first ends with the call of the disk number ``at``, or
    when all is over. Return how many calls it had.
    """
    stage = Stage(at or 1, config_with(SHORT))
    ann = Rule(phase=Phase.RCPT, reaction=NEVER, address="ann@*")
    stage.site("example.org", ann, Rule(phase=Phase.RCPT, reaction=LATER))
    files = stage.simulation.files
    await stage.simulation.world.disk.make_directory(stage.config.queue_path)
    with closing(SimulatedVfs(files)) as vfs:
        stage.open_store = store_on(vfs, backend)
        async with stage.internet() as internet:
            async with trio.open_nursery() as nursery:
                await stage.start(nursery)
                await stage.send("one", "ann@example.org", "bob@example.org")
                before = len(files.history)
                if at is not None:
                    files.plan(Trouble.POWER_OFF, at=at)
                for _ in range(LIFE_S):
                    if at is not None and len(files.history) - before >= at:
                        break
                    await trio.sleep(1)
                calls = len(files.history) - before
                stage.simulation.crash(survivors=survivors)
                stage.cuts.append(trio.current_time())
                nursery.cancel_scope.cancel()
            run = await stage.start(internet)
            await trio.sleep(2 * LIFE_S)
            run.stop()
            await run.over.wait()
        store = stage.open_store()
        queue = queue_of(store)
        store.close()
    assert queue == EMPTY
    assert stage.breaches(queue) == []
    return stage, calls


@pytest.mark.parametrize("survivors", [False, True], ids=["all-forgotten", "part-forgotten"])
@pytest.mark.parametrize("backend", BACKENDS)
def test_wherever_a_life_is_cut_short_nobody_hears_of_anything_twice(*, backend: str, survivors: bool) -> None:
    whole, calls = simulate(partial(lives, None, survivors=False, backend=backend), seed=1)
    assert actions(whole) == {Action.FAILED: 2, Action.DELAYED: 1, Action.RELAYED: 0}
    assert calls > 50
    for at in range(1, calls + 1):
        told = actions(simulate(partial(lives, at, survivors=survivors, backend=backend), seed=at)[0])
        assert told == {Action.FAILED: 2, Action.DELAYED: 1, Action.RELAYED: 0}, at
