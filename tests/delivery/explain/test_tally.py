"""What is counted of attempts, and that it is bounded."""

import pytest

from empath.delivery.explain import LaneRow, Tallies
from empath.delivery.explain.rows import row_at_rest
from empath.mail.delivery import Status
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.facts import DeliveryAttempted, DeliveryEnded
from empath.mail.ids import DeliveryId, MessageId
from empath.mail.outcome import Deferred, Delivered, Outcome
from empath.smtp import Address, Reply

WELL = Delivered(Reply(250, "ok id=7", "2.0.0"), "mx.example.org")
LATER = Deferred(
    Diagnosis(kind=Kind.RECIPIENT_DEFERRED, phase=Phase.RCPT, host="mx.example.org", reply=Reply(451, "greylisted"))
)
NOON = 1_800_000_000.0


def attempted(
    number: int = 1, *, outcome: Outcome = WELL, site: str = "example.org", at: float = NOON, took_s: float = 1.0
) -> DeliveryAttempted:
    return DeliveryAttempted(
        at=at,
        delivery=DeliveryId(MessageId(1, number), 0),
        reverse_path=None,
        recipient=Address.parse("x@example.org"),
        site=site,
        attempt=1,
        outcome=outcome,
        address=None,
        tls_version=None,
        waited_s=0,
        took_s=took_s,
    )


def tallies(max_sites: int = 10, max_deliveries: int = 10) -> Tallies:
    return Tallies(max_sites=max_sites, max_deliveries=max_deliveries)


def test_a_share_is_that_of_the_latest_quarter_of_an_hour() -> None:
    it = tallies()
    steps: list[tuple[int, Outcome]] = [(0, LATER), (10, WELL), (11, WELL), (12, LATER)]
    for minute, outcome in steps:
        it.observe(attempted(outcome=outcome, at=NOON + 60 * minute))
    tally = it.of("example.org")
    assert tally is not None
    assert tally.ok_share(NOON + 60 * 12) == 0.5
    assert tally.ok_share(NOON + 60 * 16) == pytest.approx(2 / 3)
    assert tally.ok_share(NOON + 60 * 40) is None
    assert (tally.delivered, tally.not_delivered, tally.since) == (2, 2, NOON)
    assert tally.last_reply == "mx.example.org (rcpt): 451 greylisted"


def test_a_clock_that_was_set_back_makes_no_shares_of_the_future() -> None:
    it = tallies()
    it.observe(attempted(outcome=LATER, at=NOON + 86_400))
    it.observe(attempted(at=NOON))
    tally = it.of("example.org")
    assert tally is not None
    assert tally.ok_share(NOON) == 1.0


def test_95_of_100_took_no_longer() -> None:
    it = tallies()
    for number in range(100):
        it.observe(attempted(took_s=float(number)))
    tally = it.of("example.org")
    assert tally is not None
    assert tally.p95_s == 95.0


def test_the_site_used_longest_ago_is_forgotten() -> None:
    it = tallies(max_sites=2)
    for site in ("a", "b", "a", "c"):
        it.observe(attempted(site=site))
    assert [site for site, _ in it] == ["a", "c"]


def test_the_latest_attempts_of_a_delivery_are_remembered_until_it_ends() -> None:
    it = tallies()
    for minute in range(9):
        it.observe(attempted(outcome=LATER, at=NOON + 60 * minute))
    delivery = DeliveryId(MessageId(1, 1), 0)
    pasts = it.past(delivery)
    assert [past.at for past in pasts] == [NOON + 60 * minute for minute in range(3, 9)]
    assert (pasts[0].host, pasts[0].said) == ("mx.example.org", "451 greylisted")
    it.observe(DeliveryEnded(at=NOON, delivery=delivery, status=Status.COMPLETED, diagnosis=None, report=None))
    assert it.past(delivery) == ()


def test_no_more_deliveries_are_remembered_than_there_may_be() -> None:
    it = tallies(max_deliveries=2)
    for number in range(5):
        it.observe(attempted(number, outcome=LATER))
    assert [len(it.past(DeliveryId(MessageId(1, number), 0))) for number in range(5)] == [0, 0, 0, 1, 1]


def test_the_row_of_a_site_at_rest_is_the_same_one_until_something_changes() -> None:
    it = tallies()
    it.observe(attempted(at=NOON))
    tally = it.of("example.org")

    def row(wall: float, *, aside: bool = False) -> LaneRow:
        return row_at_rest("example.org", tally, wall=wall, is_set_aside=aside)

    first = row(NOON)
    assert row(NOON + 59) is first
    assert row(NOON, aside=True).is_set_aside
    it.observe(attempted(outcome=LATER, at=NOON + 1))
    assert (first.ok_share, row(NOON + 59).ok_share, row(NOON + 1200).ok_share) == (1.0, 0.5, None)
