import logging

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import DeliverySettings
from empath.delivery import Attempt
from empath.mail import BreakerMoved, DeliveryAttempted, DeliveryEnded, Phase
from empath.mail.delivery import Status
from empath.mail.ids import MessageId
from empath.mail.outcome import Deferred, Delivered
from empath.sim import Conditions
from empath.sim.remote import Fault, Rule
from empath.smtp import Extensions, Reply
from empath.spool.contract import SpoolError
from tests.delivery.stage import stage


async def test_a_message_is_delivered_and_the_delivery_finished(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        await place.put("b@example.org")
        await trio.sleep(1)
        (taken,) = server.taken
        assert taken.content == b"Subject: x\r\n\r\nx\r\n"
        assert len(place.finished) == 1
        assert [fact.status for fact in place.said(DeliveryEnded)] == [Status.COMPLETED]


async def test_a_connection_carries_many_messages(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        for _ in range(20):
            await place.put("b@example.org")
            await trio.sleep(1)
        assert len(server.taken) == 20
        assert server.connections == 1


async def test_a_connection_ends_at_its_limit_of_messages(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_messages_per_connection=2)) as place:
        server = await place.server("example.org")
        for _ in range(4):
            await place.put("b@example.org")
            await trio.sleep(1)
        assert len(server.taken) == 4
        assert server.connections == 2


async def test_each_recipient_has_an_outcome_of_its_own(autojump_clock: MockClock) -> None:
    rules = (
        Rule(phase=Phase.RCPT, address="no@*", reaction=Reply(550, "no such user", "5.1.1")),
        Rule(phase=Phase.RCPT, address="later@*", reaction=Reply(450, "not now", "4.2.1")),
    )
    async with stage() as place:
        server = await place.server("example.org", *rules)
        await place.put("yes@example.org", "no@example.org", "later@example.org", sender=None)
        await trio.sleep(1)
        assert place.outcomes() == ["Delivered", "Bounced", "Deferred"]
        assert [str(one) for one in server.taken[0].recipients] == ["yes@example.org"]
        assert (len(place.finished), len(place.waiting)) == (2, 1)


async def test_without_pipelining_the_same_comes_of_it(autojump_clock: MockClock) -> None:
    rule = Rule(phase=Phase.RCPT, address="no@*", reaction=Reply(550, "no such user", "5.1.1"))
    async with stage() as place:
        server = await place.server("example.org", rule, offers=Extensions.of("8BITMIME"))
        await place.put("yes@example.org", "no@example.org", sender=None)
        await trio.sleep(1)
        assert place.outcomes() == ["Delivered", "Bounced"]
        assert len(server.taken) == 1


async def test_recipients_that_are_too_many_go_in_a_further_transaction(autojump_clock: MockClock) -> None:
    rule = Rule(phase=Phase.RCPT, address="c@*", reaction=Reply(452, "too many recipients", "4.5.3"), times=1)
    async with stage() as place:
        server = await place.server("example.org", rule)
        await place.put("b@example.org", "c@example.org")
        await trio.sleep(1)
        assert [[str(one) for one in taken.recipients] for taken in server.taken] == [
            ["b@example.org"],
            ["c@example.org"],
        ]
        assert len(place.finished) == 2


async def test_a_deferred_delivery_is_tried_again_at_its_time(autojump_clock: MockClock) -> None:
    rule = Rule(phase=Phase.MAIL, reaction=Reply(451, "later", "4.3.0"), times=1)
    async with stage(DeliverySettings(retry_jitter_factor=0)) as place:
        server = await place.server("example.org", rule)
        await place.put("b@example.org")
        await trio.sleep(59)
        assert server.taken == []
        await trio.sleep(2)
        assert len(server.taken) == 1
        assert [fact.attempt for fact in place.said(DeliveryAttempted)] == [1, 2]


async def test_a_bounce_is_reported_to_the_sender_with_the_record(autojump_clock: MockClock) -> None:
    async with stage() as place:
        await place.server("example.org", Rule(phase=Phase.MAIL, reaction=Reply(550, "no", "5.7.1")))
        home = await place.server("client.example")
        await place.put("b@example.org")
        await trio.sleep(1)
        (report,) = home.taken
        assert report.reverse_path is None
        assert b"report-type=delivery-status" in report.content


async def test_the_null_sender_gets_no_report(autojump_clock: MockClock) -> None:
    async with stage() as place:
        await place.server("example.org", Rule(phase=Phase.MAIL, reaction=Reply(550, "no", "5.7.1")))
        await place.put("b@example.org", sender=None)
        await trio.sleep(1)
        assert [fact.status for fact in place.said(DeliveryEnded)] == [Status.FAILED]
        assert len(place.spool.accepted) == 1


async def test_a_host_that_closes_an_idle_connection_costs_no_attempt(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        await place.put("b@example.org")
        await trio.sleep(1)
        place.world.network.links[0].reset()
        await place.put("b@example.org")
        await trio.sleep(1)
        assert place.outcomes() == ["Delivered", "Delivered"]
        assert server.connections == 2


async def test_silence_after_the_dot_is_uncertain_and_tried_again(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("example.org", Rule(phase=Phase.END, reaction=Fault.STALL, times=1))
        await place.put("b@example.org")
        await trio.sleep(2000)
        first, second = place.said(DeliveryAttempted)
        assert isinstance(first.outcome, Deferred)
        assert first.outcome.diagnosis.uncertain
        assert isinstance(second.outcome, Delivered)
        assert [taken.confirmed for taken in server.taken] == [False, True]


async def test_the_time_limit_of_content_is_for_a_block_and_not_for_all(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        place.world.network.conditions["198.51.100.1"] = Conditions(bytes_per_s=1000)
        mid = MessageId(1, 1)
        draft = await place.spool.draft_body(mid)
        text = b"0123456789abcdef\r\n" * 40_000
        await draft.write(text)
        await place.put("b@example.org", body=await draft.commit())
        await trio.sleep(2000)
        assert place.outcomes() == ["Delivered"]
        assert server.taken[0].content == text


async def test_a_fault_that_nobody_foresaw_costs_one_job_and_no_more(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(attempt: Attempt) -> None:  # noqa: ASYNC124  it stands in for one that has
        raise ZeroDivisionError

    async with stage() as place:
        server = await place.server("example.org")
        await place.put("b@example.org")
        with monkeypatch.context() as patch, caplog.at_level(logging.CRITICAL):
            patch.setattr(Attempt, "run", fail)
            await trio.sleep(1)
        assert [fate.attempts for fate in place.waiting] == [0]
        await trio.sleep(100)
        assert len(server.taken) == 1


async def test_an_outcome_is_recorded_even_if_the_spool_takes_its_time(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        await place.put("b@example.org")
        place.spool.failure = SpoolError("disk trouble")
        with caplog.at_level(logging.CRITICAL):
            await trio.sleep(100)
        place.spool.failure = None
        await trio.sleep(10)
        assert len(server.taken) == 1
        assert len(place.finished) == 1


async def test_what_was_delivered_stays_so_when_the_rest_is_cut_off(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_recipients_per_transaction=1)) as place:
        server = await place.server("example.org", Rule(phase=Phase.RCPT, address="c@*", reaction=Fault.STALL))
        await place.put("b@example.org", "c@example.org")
        await trio.sleep(20)
        assert len(server.taken) == 1
        place.shutdown.ask()
        place.shutdown.ask()
        await trio.sleep(1)
        assert len(place.finished) == 1
        assert [(fate.key.ordinal, fate.attempts) for fate in place.waiting] == [(1, 0)]


async def test_a_dead_site_opens_its_breaker_and_is_probed(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(retry_jitter_factor=0)) as place:
        await place.server("example.org", Rule(phase=Phase.GREETING, reaction=Reply(421, "busy"), until_s=100))
        for _ in range(50):
            await place.put("b@example.org")
        await trio.sleep(10)
        assert [fact.after for fact in place.said(BreakerMoved)] == ["open"]
        attempts = len(place.said(DeliveryAttempted))
        assert attempts < 10
        await trio.sleep(600)
        assert [fact.after for fact in place.said(BreakerMoved)][-1] == "closed"
        assert len(place.finished) == 50
