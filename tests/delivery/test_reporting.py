"""Who is told what, and who is not: the settings and the wishes behind reports."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import (
    DeliverySettings,
    DsnSettings,
    Period,
    Rate,
    SuccessReports,
    UncertainAction,
    UncertainSettings,
)
from empath.mail import Action, DeliveryAttempted, DeliveryEnded, Phase, ReportMade, Status
from empath.mail.failure_class import FailureClass
from empath.sim.remote import Fault, Rule
from empath.smtp import ByMode, DeliverBy, Extensions, MailParams, Notify, OriginalRecipient, RcptParams, Reply, Return
from tests.delivery.stage import Stage, stage

HOUR_S = 3600.0
DAY_S = 86_400.0
WITH_DSN = Extensions.of("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 10000000", "DSN")
NEVER = Rule(phase=Phase.RCPT, reaction=Reply(550, "No such user", "5.1.1"))
LATER = Rule(phase=Phase.RCPT, reaction=Reply(451, "later", "4.2.0"))
SUCCESS = RcptParams(notify=Notify.SUCCESS)


def told(place: Stage) -> list[Action]:
    """What senders were told, in the order of time."""
    return [action for fact in place.said(ReportMade) for _, action in fact.about]


async def test_a_message_that_was_passed_on_is_reported_if_that_was_asked_for(autojump_clock: MockClock) -> None:
    async with stage() as place:
        sender = await place.server("client.example")
        await place.server("example.org")
        asked = await place.put("b@example.org", wishes=SUCCESS)
        silent = await place.put("c@example.org")
        await trio.sleep(60)
        (report,) = sender.taken
        assert b"\r\nAction: relayed\r\nStatus: 2.0.0\r\nRemote-MTA: dns; mx.example.org\r\n" in report.content
        ended = {fact.delivery.message: fact for fact in place.said(DeliveryEnded)}
        assert (ended[asked].status, ended[asked].report) == (Status.COMPLETED, place.said(ReportMade)[0].report)
        assert ended[silent].report is None


async def test_a_host_that_makes_reports_itself_is_told_all_wishes_and_we_are_silent(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("example.org", offers=WITH_DSN)
        wishes = RcptParams(notify=Notify.SUCCESS, orcpt=OriginalRecipient("rfc822", "first@example.org"))
        await place.put("b@example.org", wishes=wishes, params=MailParams(ret=Return.HEADERS, envid="QQ314159"))
        await trio.sleep(60)
        (taken,) = server.taken
        assert (taken.params.ret, taken.params.envid) == (Return.HEADERS, "QQ314159")
        assert taken.wishes == (wishes,)
        assert told(place) == []


async def test_nobody_is_told_of_success_where_configuration_says_so(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(dsn=DsnSettings(success=SuccessReports.NEVER))) as place:
        await place.server("example.org")
        await place.put("b@example.org", wishes=SUCCESS)
        await trio.sleep(60)
        assert place.outcomes() == ["Delivered"]
        assert told(place) == []


@pytest.mark.parametrize(
    ("sender", "notify"), [(None, None), ("a@client.example", Notify.NEVER), ("a@client.example", Notify.SUCCESS)]
)
async def test_who_does_not_want_to_hear_of_failures_does_not(
    autojump_clock: MockClock, sender: str | None, notify: Notify | None
) -> None:
    async with stage() as place:
        await place.server("never.example", NEVER)
        await place.server("later.example", LATER)
        await place.put("b@never.example", "b@later.example", sender=sender, wishes=RcptParams(notify=notify))
        await trio.sleep(6 * DAY_S)
        ended = place.said(DeliveryEnded)
        assert [(fact.status, fact.report) for fact in ended] == [(Status.FAILED, None), (Status.EXPIRED, None)]
        assert told(place) == []


async def test_only_deliveries_that_the_report_names_are_said_to_be_reported(autojump_clock: MockClock) -> None:
    async with stage() as place:
        await place.server("example.org", NEVER)
        silent = await place.put("b@example.org", wishes=RcptParams(notify=Notify.NEVER))
        told = await place.put("c@example.org")
        await trio.sleep(1)
        ended = {fact.delivery.message: fact for fact in place.said(DeliveryEnded)}
        assert ended[silent].report is None
        assert ended[told].report is not None


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (DsnSettings(), [Action.DELAYED, Action.FAILED]),
        (DsnSettings(bounce=False), [Action.DELAYED]),
        (DsnSettings(delay_warning_after_s=0.0), [Action.FAILED]),
    ],
)
async def test_each_kind_of_report_can_be_switched_off(
    autojump_clock: MockClock, settings: DsnSettings, expected: list[Action]
) -> None:
    async with stage(DeliverySettings(dsn=settings)) as place:
        await place.server("client.example")
        await place.server("example.org", LATER)
        await place.put("b@example.org")
        await trio.sleep(6 * DAY_S)
        assert told(place) == expected


async def test_a_warning_comes_with_an_attempt_at_its_time(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(dsn=DsnSettings(delay_warning_after_s=7777.0))) as place:
        sender = await place.server("client.example")
        await place.server("example.org", LATER)
        await place.put("b@example.org")
        await trio.sleep(7776)
        assert told(place) == []
        await trio.sleep(2)
        assert told(place) == [Action.DELAYED]
        assert b"\r\nWill-Retry-Until: " in sender.taken[0].content
        assert next(fact.failure_class for fact in place.said(DeliveryAttempted)) is FailureClass.BUSY


async def test_a_time_that_the_sender_has_set_itself_comes_before_ours(autojump_clock: MockClock) -> None:
    """RFC 2852 4.1, the mode N."""
    async with stage() as place:
        await place.server("client.example")
        await place.server("example.org", LATER)
        await place.put("b@example.org", params=MailParams(by=DeliverBy(600, ByMode.NOTIFY)))
        await trio.sleep(599)
        assert told(place) == []
        await trio.sleep(2)
        assert told(place) == [Action.DELAYED]


TIMES = DeliverBy(600, ByMode.NOTIFY)
TRACED = DeliverBy(600, ByMode.NOTIFY, trace=True)
RETURNED = DeliverBy(600, ByMode.RETURN, trace=True)
ON_TIME = Extensions.of("PIPELINING", "8BITMIME", "DSN", "DELIVERBY")
UNTIMED = Extensions.of("PIPELINING", "8BITMIME", "DSN")


@pytest.mark.parametrize(
    ("by", "offers", "notify", "relayed"),
    [
        (TIMES, ON_TIME, None, False),
        (TIMES, UNTIMED, None, True),
        (TIMES, UNTIMED, Notify.FAILURE, True),
        (TIMES, UNTIMED, Notify.NEVER, False),
        (TRACED, ON_TIME, None, True),
        (TRACED, ON_TIME, Notify.FAILURE | Notify.DELAY, True),
        (TRACED, ON_TIME, Notify.NEVER, False),
        (RETURNED, ON_TIME, None, True),
        (None, UNTIMED, None, False),
    ],
)
async def test_who_gave_a_time_hears_who_has_the_message(
    autojump_clock: MockClock, by: DeliverBy | None, offers: Extensions, notify: Notify | None, relayed: bool
) -> None:
    """RFC 2852 4.1: the trace, and a host that does not know of the time."""
    async with stage() as place:
        sender = await place.server("client.example")
        host = await place.server("example.org", offers=offers)
        await place.put("b@example.org", params=MailParams(by=by), wishes=RcptParams(notify=notify))
        await trio.sleep(1)
        assert len(host.taken) == 1
        assert told(place) == ([Action.RELAYED] if relayed else [])
        assert [b"\r\nDeliver-By-Date: " in one.content for one in sender.taken] == ([True] if relayed else [])


async def test_reports_on_relaying_that_are_switched_off_are_not_made_for_a_trace_either(
    autojump_clock: MockClock,
) -> None:
    async with stage(DeliverySettings(dsn=DsnSettings(success=SuccessReports.NEVER))) as place:
        await place.server("example.org", offers=ON_TIME)
        await place.put("b@example.org", params=MailParams(by=TRACED))
        await trio.sleep(1)
        assert told(place) == []


@pytest.mark.parametrize(("notify", "actions"), [(Notify.FAILURE, [Action.DELAYED]), (Notify.NEVER, [])])
async def test_that_the_time_is_over_is_told_whether_or_not_delays_are_asked_for(
    autojump_clock: MockClock, notify: Notify, actions: list[Action]
) -> None:
    async with stage() as place:
        sender = await place.server("client.example")
        await place.server("example.org", LATER)
        await place.put("b@example.org", params=MailParams(by=TIMES), wishes=RcptParams(notify=notify))
        await trio.sleep(20_000)
        assert told(place) == actions
        assert all(b"\r\nStatus: 4.4.7" in one.content for one in sender.taken)


async def test_many_reports_to_one_sender_leave_one_after_the_other(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(dsn=DsnSettings(rate_limit=Rate(10, Period.MINUTE)))) as place:
        sender = await place.server("client.example")
        other = await place.server("elsewhere.example")
        await place.server("example.org", NEVER)
        for _ in range(30):
            await place.put("b@example.org")
        await trio.sleep(1)
        await place.put("b@example.org", sender="a@elsewhere.example")
        await trio.sleep(4)
        assert len(told(place)) == 31
        assert (len(sender.taken), len(other.taken)) == (10, 1)
        await trio.sleep(60)
        assert len(sender.taken) == 20
        await trio.sleep(60)
        assert len(sender.taken) == 30


async def test_of_a_large_message_only_the_header_comes_back(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(dsn=DsnSettings(max_returned_bytes=100))) as place:
        sender = await place.server("client.example")
        await place.server("example.org", NEVER)
        await place.put("b@example.org", body=b"Subject: small\r\n\r\nthe content\r\n")
        await place.put("b@example.org", body=b"Subject: large\r\n\r\n" + b"the content\r\n" * 9)
        await trio.sleep(5)
        returned = {b"Subject: large" in one.content: b"the content" in one.content for one in sender.taken}
        assert returned == {False: True, True: False}


async def test_silence_after_the_end_is_followed_by_a_pause(autojump_clock: MockClock) -> None:
    silence = Rule(phase=Phase.END, reaction=Fault.CLOSE, times=1)
    async with stage(DeliverySettings(uncertain=UncertainSettings(pause_s=2 * HOUR_S))) as place:
        server = await place.server("example.org", silence)
        await place.put("b@example.org")
        await trio.sleep(2 * HOUR_S - 10)
        (attempt,) = place.said(DeliveryAttempted)
        assert attempt.failure_class is FailureClass.UNCERTAIN
        await trio.sleep(20)
        assert [one.confirmed for one in server.taken] == [False, True]


async def test_silence_after_the_end_can_be_left_to_the_sender(autojump_clock: MockClock) -> None:
    silence = Rule(phase=Phase.END, reaction=Fault.CLOSE)
    settings = DeliverySettings(uncertain=UncertainSettings(action=UncertainAction.REPORT))
    async with stage(settings) as place:
        sender = await place.server("client.example")
        server = await place.server("example.org", silence)
        await place.put("b@example.org")
        await trio.sleep(DAY_S)
        assert len(server.taken) == 1
        first = place.said(DeliveryEnded)[0]
        assert (first.status, first.failure_class) == (Status.FAILED, FailureClass.UNCERTAIN)
        assert b"never confirmed, so it may have arrived" in sender.taken[0].content.replace(b"\r\n    ", b" ")


async def test_the_rules_of_an_operator_say_what_an_answer_is_about(autojump_clock: MockClock, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(
        "[[rules]]\nclass = 'inactive_mailbox'\ntext = 'gone fishing'\n"
        "examples = ['550 Gone fishing']\ncounterexamples = ['550 gone']\n"
    )
    fishing = Rule(phase=Phase.RCPT, reaction=Reply(550, "user unknown: gone fishing", "5.1.1"))
    async with stage(DeliverySettings(rules_file=rules)) as place:
        sender = await place.server("client.example")
        await place.server("example.org", fishing)
        await place.put("b@example.org")
        await trio.sleep(5)
        assert place.said(DeliveryEnded)[0].failure_class is FailureClass.INACTIVE_MAILBOX
        assert b"The mailbox takes no mail at present." in sender.taken[0].content
