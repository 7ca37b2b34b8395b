"""What the next host is told of the sender's wishes, and what becomes of a message that cannot have them."""

import pytest
import trio
from trio.testing import MockClock

from empath.config.schema import DeliverySettings
from empath.delivery.talking.wishes import mail_for
from empath.mail import DeliveryAttempted, DeliveryEnded, Phase
from empath.mail.delivery import Status
from empath.mail.diagnosis import Kind
from empath.mail.envelope import Envelope, Recipient
from empath.mail.failure import Failure
from empath.mail.outcome import Bounced, Delivered
from empath.sim.remote import OFFERS, Rule
from empath.smtp import Address, ByMode, DeliverBy, Extensions, Mail, MailParams, Reply, Return
from tests.delivery.stage import stage

DAY = 86_400.0
ALL = Extensions.of("DSN", "SIZE", "8BITMIME", "MT-PRIORITY", "DELIVERBY 60", "REQUIRETLS")
NONE = Extensions.of()
SOON = DeliverBy(100, ByMode.RETURN)


def mail(params: MailParams, offered: Extensions, *, encrypted: bool = True, by: DeliverBy | None = None) -> Mail:
    recipients = (Recipient(Address.parse("b@example.org")),)
    envelope = Envelope(reverse_path=None, recipients=recipients, received=0.0, params=params)
    return mail_for(envelope, offered, size_bytes=5, encrypted=encrypted, deliver_by=by)


def refused(params: MailParams, offered: Extensions, *, encrypted: bool = True, by: DeliverBy | None = None) -> Kind:
    with pytest.raises(Failure) as caught:
        mail(params, offered, encrypted=encrypted, by=by)
    return caught.value.diagnosis.kind


def test_what_a_host_understands_is_passed_on() -> None:
    params = MailParams(ret=Return.HEADERS, envid="x", mt_priority=4, requiretls=True, hold_for_s=60, by=SOON)
    said = mail(params, ALL, by=DeliverBy(70, ByMode.RETURN)).params
    assert said == MailParams(
        size=5, ret=Return.HEADERS, envid="x", mt_priority=4, requiretls=True, by=DeliverBy(70, ByMode.RETURN)
    )


def test_what_it_does_not_understand_is_left_out_where_that_does_no_harm() -> None:
    params = MailParams(ret=Return.HEADERS, envid="x", mt_priority=4, by=DeliverBy(9, ByMode.NOTIFY))
    assert mail(params, NONE, by=params.by).params == MailParams()


def test_a_message_that_needs_tls_all_the_way_goes_nowhere_else() -> None:
    assert refused(MailParams(requiretls=True), ALL, encrypted=False) is Kind.NEEDS_TLS
    assert refused(MailParams(requiretls=True), ALL.without("REQUIRETLS")) is Kind.NEEDS_REQUIRETLS


def test_a_message_that_is_to_come_in_time_or_back_goes_to_no_host_that_does_not_promise_it() -> None:
    params = MailParams(by=SOON)
    assert refused(params, NONE, by=SOON) is Kind.NEEDS_DELIVERBY
    assert refused(params, ALL, by=DeliverBy(59, ByMode.RETURN)) is Kind.NEEDS_DELIVERBY
    assert mail(params, ALL, by=DeliverBy(60, ByMode.RETURN)).params.by == DeliverBy(60, ByMode.RETURN)
    assert mail(params, Extensions.of("DELIVERBY"), by=SOON).params.by == SOON


@pytest.mark.parametrize("days", [0.5, 3, 9])
async def test_a_message_is_kept_back_to_its_moment_and_then_has_all_its_time(
    autojump_clock: MockClock, days: float
) -> None:
    async with stage(DeliverySettings(max_age_s=2 * DAY)) as place:
        server = await place.server("example.org")
        await place.put("b@example.org", params=MailParams(hold_for_s=int(days * DAY)))
        await trio.sleep(days * DAY - 1)
        assert place.said(DeliveryAttempted) == []
        await trio.sleep(2)
        assert len(server.taken) == 1
        assert [fact.outcome.__class__ for fact in place.said(DeliveryAttempted)] == [Delivered]


async def test_keeping_back_costs_no_attempt_and_little_work(autojump_clock: MockClock) -> None:
    async with stage() as place:
        await place.server("example.org")
        await place.put("b@example.org", params=MailParams(hold_for_s=int(7 * DAY)))
        await trio.sleep(8 * DAY)
        assert {fate.attempts for fate in place.waiting} == {0}
        assert len(place.waiting) <= 8
        assert len(place.finished) == 1


async def test_a_message_kept_back_expires_after_its_release(autojump_clock: MockClock) -> None:
    async with stage(DeliverySettings(max_age_s=DAY, max_attempts=1000)) as place:
        await place.server("example.org", Rule(phase=Phase.MAIL, reaction=Reply(451, "later")))
        await place.put("b@example.org", sender=None, params=MailParams(hold_for_s=int(2 * DAY)))
        await trio.sleep(3 * DAY - 1)
        assert place.said(DeliveryEnded) == []
        await trio.sleep(2)
        assert [fact.status for fact in place.said(DeliveryEnded)] == [Status.EXPIRED]


async def test_a_message_that_is_late_is_returned_at_its_deadline(autojump_clock: MockClock) -> None:
    offers = Extensions({**OFFERS.keywords, "DELIVERBY": ()})
    async with stage() as place:
        await place.server("example.org", Rule(phase=Phase.MAIL, reaction=Reply(451, "later")), offers=offers)
        await place.put("b@example.org", params=MailParams(by=DeliverBy(200, ByMode.RETURN)))
        await trio.sleep(199)
        assert place.said(DeliveryEnded) == []
        await trio.sleep(2)
        ended = place.said(DeliveryEnded)[0]
        assert (ended.status, str(ended.diagnosis.status if ended.diagnosis else "")) == (Status.EXPIRED, "5.4.7")
        assert ended.report is not None


async def test_what_needs_more_than_a_host_has_comes_back_and_is_not_charged_to_the_site(
    autojump_clock: MockClock,
) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        for _ in range(9):
            await place.put("b@example.org", params=MailParams(by=SOON), sender=None)
        await place.put("b@example.org")
        await trio.sleep(5)
        bounced = [fact.outcome for fact in place.said(DeliveryAttempted) if isinstance(fact.outcome, Bounced)]
        assert {one.diagnosis.kind for one in bounced} == {Kind.NEEDS_DELIVERBY}
        assert len(server.taken) == 1


async def test_a_message_that_needs_tls_waits_where_there_is_none(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        await place.put("b@example.org", params=MailParams(requiretls=True))
        await trio.sleep(5)
        assert server.taken == []
        assert len(place.waiting) == 1
