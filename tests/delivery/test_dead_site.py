"""A long queue for a site that is down: it costs next to nothing, and delays nobody."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from pathlib import PurePosixPath

import trio
from trio.testing import MockClock

from empath.config.schema import (
    DeliverySettings,
    DsnSettings,
    Period,
    Rate,
    RetryRuleSettings,
    RetrySettings,
)
from empath.mail import DeliveryEnded, FailureClass, Phase, Status
from empath.mail.facts import ReportMade
from empath.mail.notice import Action
from empath.sim import SimulatedWorld
from empath.sim.remote import Rule
from empath.sim.vfs import SimulatedVfs
from empath.smtp import ByMode, DeliverBy, Domain, MailParams, Notify, RcptParams, Reply
from empath.spool.sqlite import open_database
from tests.delivery.stage import Stage, stage

HOUR_S = 3600.0
BUSY = Rule(phase=Phase.GREETING, reaction=Reply(421, "busy"))


@asynccontextmanager
async def machine(settings: DeliverySettings | None = None) -> AsyncIterator[Stage]:
    """A stage with a database, which does not mind how long the queue is."""
    world = SimulatedWorld(seed=1)
    await world.world.disk.make_directory(PurePosixPath("/spool"))
    vfs = SimulatedVfs(world.files)
    async with stage(settings, world=world, open_store=lambda: open_database("/spool/q", vfs.name)) as place:
        yield place
    vfs.close()


async def crowd(place: Stage, *recipients: str, messages: int) -> None:
    async with trio.open_nursery() as nursery:
        for _ in range(messages):
            nursery.start_soon(place.put, *recipients)


async def test_ten_thousand_for_a_dead_site_delay_no_other_and_are_left_alone(autojump_clock: MockClock) -> None:
    async with machine() as place:
        dead, alive = await place.server("dead.example", BUSY), await place.server("example.org")
        await crowd(place, "b@dead.example", messages=10_000)
        await place.put("b@example.org")
        await trio.sleep(1)
        assert len(alive.taken) == 1
        before = place.spool.claimed
        assert before < 10_000
        for _ in range(60):
            await trio.sleep(60)
            await place.put("b@example.org")
        await trio.sleep(1)
        assert len(alive.taken) == 61
        # Three probes a minute, and the messages to the other site.
        assert place.spool.claimed - before <= 60 * 3 + 60
        statistics = await place.spool.statistics()
        assert statistics.messages == 10_000
        assert statistics.claimed <= 3
        assert dead.taken == []


async def test_when_the_site_is_back_all_goes_out_at_once_and_the_oldest_first(autojump_clock: MockClock) -> None:
    async with machine(DeliverySettings(max_backlog_per_site=100)) as place:
        site = await place.server("example.org", BUSY)
        await crowd(place, "b@example.org", messages=1000)
        await trio.sleep(HOUR_S)
        site.rules.clear()
        await trio.sleep(120)
        probed = len({fate.key.message for fate in place.waiting if fate.attempts})
        assert len(site.taken) >= 1000 - probed
        await trio.sleep(2 * HOUR_S)
        assert len(site.taken) == 1000
        assert (await place.spool.statistics()).messages == 0


async def test_what_is_set_aside_is_returned_at_the_deadline_that_its_sender_gave(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_backlog_per_site=2)) as place:
        await place.server("dead.example", BUSY)
        for _ in range(20):
            await place.put("b@dead.example", sender=None, params=MailParams(by=DeliverBy(1000, ByMode.RETURN)))
        await trio.sleep(990)
        assert place.said(DeliveryEnded) == []
        await trio.sleep(100)
        assert len(place.said(DeliveryEnded)) == 20


async def test_what_was_kept_back_for_longer_than_it_may_wait_is_not_claimed_again_and_again(
    autojump_clock: MockClock,
) -> None:
    async with stage(DeliverySettings(max_backlog_per_site=2, max_age_s=24 * HOUR_S)) as place:
        await place.server("dead.example", BUSY)
        for _ in range(20):
            await place.put("b@dead.example", params=MailParams(hold_for_s=48 * 3600))
        await trio.sleep(48 * HOUR_S + 60)
        before = place.spool.claimed
        await trio.sleep(HOUR_S)
        assert place.spool.claimed - before <= 60 * 3 + 20
        assert place.said(DeliveryEnded) == []


async def test_what_is_set_aside_is_returned_when_its_time_is_over(autojump_clock: MockClock) -> None:
    reports = DsnSettings(rate_limit=Rate(10_000, Period.MINUTE))
    settings = DeliverySettings(max_age_s=2 * HOUR_S, max_backlog_per_site=100, dsn=reports)
    async with machine(settings) as place:
        await place.server("dead.example", BUSY)
        await place.server("client.example")
        await crowd(place, "b@dead.example", messages=1000)
        await trio.sleep(2 * HOUR_S - 60)
        early = len(place.said(DeliveryEnded))
        await trio.sleep(240)
        expired = [fact for fact in place.said(DeliveryEnded) if fact.status is Status.EXPIRED]
        assert early == 0
        assert len(expired) == 1000
        assert (await place.spool.statistics()).waiting == 0


def warned(place: Stage) -> list[str]:
    """Who was told of that it takes longer, each as often as that was said."""
    made = place.said(ReportMade)
    return [str(one) for fact in made for one, action in fact.about if action is Action.DELAYED]


async def test_of_what_is_set_aside_senders_hear_when_it_is_time_and_only_once(autojump_clock: MockClock) -> None:
    reports = DsnSettings(rate_limit=Rate(10_000, Period.MINUTE), delay_warning_after_s=2 * HOUR_S)
    settings = DeliverySettings(max_age_s=6 * HOUR_S, max_backlog_per_site=100, dsn=reports)
    async with machine(settings) as place:
        await place.server("dead.example", BUSY)
        home = await place.server("client.example")
        await crowd(place, "b@dead.example", messages=1000)
        await place.put("c@dead.example", wishes=RcptParams(notify=Notify.NEVER))
        await trio.sleep(HOUR_S)
        before = place.spool.claimed
        await trio.sleep(HOUR_S - 60)
        assert warned(place) == []
        assert place.spool.claimed - before <= 60 * 3  # probes
        await trio.sleep(180)
        assert (len(warned(place)), len({*warned(place)})) == (1000, 1000)
        await trio.sleep(60)
        assert len(home.taken) == 1000
        assert b"Action: delayed" in home.taken[0].content
        assert b"Will-Retry-Until:" in home.taken[0].content
        before = place.spool.claimed
        await trio.sleep(3 * HOUR_S)
        assert len(warned(place)) == 1000
        assert place.spool.claimed - before <= 3 * 60 * 3
        assert place.said(DeliveryEnded) == [one for one in place.said(DeliveryEnded) if one.status is Status.COMPLETED]
        await trio.sleep(HOUR_S)
        assert len([one for one in place.said(DeliveryEnded) if one.status is Status.EXPIRED]) == 1001


async def test_one_that_was_never_attempted_is_told_of_as_such(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(max_backlog_per_site=2, dsn=DsnSettings(delay_warning_after_s=HOUR_S))
    async with stage(settings) as place:
        await place.server("dead.example", BUSY)
        home = await place.server("client.example")
        for _ in range(20):
            await place.put("b@dead.example", sender=None)
        await trio.sleep(60)
        await place.put("late@dead.example")
        await trio.sleep(HOUR_S + 120)
        (report,) = home.taken
        assert b"it was not attempted yet" in report.content
        assert b"Status: 4.4.1" in report.content


async def test_a_sender_that_gave_a_time_hears_when_it_is_over(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_backlog_per_site=2)) as place:
        await place.server("dead.example", BUSY)
        for _ in range(20):
            await place.put("b@dead.example", params=MailParams(by=DeliverBy(1000, ByMode.NOTIFY)))
        await trio.sleep(990)
        assert warned(place) == []
        await trio.sleep(100)
        assert len({*warned(place)}) == 20


async def test_what_is_set_aside_is_returned_when_the_time_of_its_rule_is_over(autojump_clock: MockClock) -> None:
    rules = (
        RetryRuleSettings(domains=(Domain.parse("dead.example"),), max_age_s=HOUR_S),
        RetryRuleSettings(classes=(FailureClass.BUSY,), max_age_s=2 * HOUR_S),
    )
    async with stage(DeliverySettings(max_backlog_per_site=2, retry=RetrySettings(rules=rules))) as place:
        await place.server("dead.example", BUSY)
        await place.server("busy.example", BUSY)
        for _ in range(20):
            await place.put("b@dead.example", sender=None)
            await place.put("b@busy.example", sender=None)
        await trio.sleep(HOUR_S - 60)
        assert place.said(DeliveryEnded) == []
        await trio.sleep(120)
        assert len(place.said(DeliveryEnded)) == 20
        assert {fact.status for fact in place.said(DeliveryEnded)} == {Status.EXPIRED}
        await trio.sleep(HOUR_S)
        assert len(place.said(DeliveryEnded)) > 20  # those for the other that were attempted once


async def test_what_an_operator_holds_back_is_told_of_and_returned_at_its_time(autojump_clock: MockClock) -> None:
    settings = DeliverySettings(max_age_s=3 * HOUR_S, dsn=DsnSettings(delay_warning_after_s=HOUR_S))
    async with stage(settings) as place:
        place.dispatcher.kept_back = lambda job: inf if job.domain == "held.example" else None
        held, home = await place.server("held.example"), await place.server("client.example")
        # As if it had waited before: what comes in goes to its lane at once.
        place.dispatcher.next_due = 0.0
        await place.put("b@held.example")
        await trio.sleep(HOUR_S - 1)
        assert (held.taken, warned(place)) == ([], [])
        before = place.spool.claimed
        await trio.sleep(2)
        assert len(warned(place)) == 1
        await trio.sleep(2 * HOUR_S)
        assert [fact.status for fact in place.said(DeliveryEnded)][-2:] == [Status.EXPIRED, Status.COMPLETED]
        assert (len(warned(place)), len(home.taken)) == (1, 2)
        assert place.spool.claimed - before <= 6
