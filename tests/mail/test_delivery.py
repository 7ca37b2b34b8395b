"""The lifecycle of a delivery: every cell of the table, and the value that moves by it."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail import delivery
from empath.mail.delivery import ATTEMPTED, FINAL, TABLE, WAITING, Delivery, Event, Status, after
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.envelope import Recipient
from empath.mail.ids import DeliveryId, MessageId
from empath.smtp import Address

NEW = Delivery(
    id=DeliveryId(MessageId(1, 2), 0),
    recipient=Recipient(Address.parse("ann@example.org")),
    created=1000.0,
    next_attempt=1000.0,
)
# Written a second time, by what must be true of each event, and compared with the table over the full product.
FROM = {
    Event.CLAIM: WAITING,
    Event.RETURN: {Status.IN_PROGRESS},
    Event.DELIVER: {Status.IN_PROGRESS},
    Event.DEFER: {Status.IN_PROGRESS},
    Event.BOUNCE: {Status.IN_PROGRESS},
    Event.LOSE: {Status.IN_PROGRESS},
    Event.EXPIRE: WAITING | {Status.IN_PROGRESS},
    Event.HOLD: WAITING,
    Event.RELEASE: {Status.HELD},
}
TO = {
    Event.CLAIM: Status.IN_PROGRESS,
    Event.RETURN: Status.PENDING,
    Event.DELIVER: Status.COMPLETED,
    Event.DEFER: Status.RETRY,
    Event.BOUNCE: Status.FAILED,
    Event.LOSE: Status.UNCERTAIN,
    Event.EXPIRE: Status.EXPIRED,
    Event.HOLD: Status.HELD,
    Event.RELEASE: Status.PENDING,
}


@pytest.mark.parametrize(("status", "event"), list(product(Status, Event)))
def test_every_cell(status: Status, event: Event) -> None:
    assert after(status, event) is (TO[event] if status in FROM[event] else None)


def test_nothing_leaves_a_final_status() -> None:
    assert {status for status, _ in TABLE}.isdisjoint(FINAL)


def test_every_status_can_be_reached_and_leads_to_an_end() -> None:
    reached = {Status.PENDING}
    for _ in Status:
        reached |= {goal for (status, _), goal in TABLE.items() if status in reached}
    assert reached == set(Status)
    ending = set(FINAL)
    for _ in Status:
        ending |= {status for (status, _), goal in TABLE.items() if goal in ending}
    assert ending == set(Status)


def test_the_diagram_in_the_docstring_is_the_table() -> None:
    lines = (delivery.__doc__ or "").splitlines()
    assert [line for line in delivery.diagram().splitlines() if f"    {line}" not in lines] == []


def test_the_words_are_those_of_the_commands() -> None:
    words = "pending in_progress retry held uncertain failed expired completed"
    assert {status.value for status in Status} == set(words.split())


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_attempts_count_what_was_attempted_and_a_moment_is_there_when_one_is_due(events: list[Event]) -> None:
    now, attempts, at = NEW, 0, 2000.0
    for event in events:
        goal = after(now.status, event)
        if goal is None:
            with pytest.raises(ValueError, match="cannot happen"):
                now.moved(event, next_attempt=at)
            continue
        needs_moment = goal in WAITING or goal is Status.IN_PROGRESS
        with pytest.raises(ValueError, match="next attempt"):
            now.moved(event, next_attempt=None if needs_moment else at)
        now = now.moved(event, next_attempt=at if needs_moment else None)
        attempts += event in ATTEMPTED
        assert now.attempts == attempts
        assert (now.next_attempt is not None) is needs_moment


def test_the_last_diagnosis_stays_until_there_is_another() -> None:
    busy = Diagnosis(kind=Kind.BUSY, phase=Phase.GREETING)
    deferred = NEW.moved(Event.CLAIM, next_attempt=1.0).moved(Event.DEFER, next_attempt=2.0, last=busy)
    assert deferred.moved(Event.CLAIM, next_attempt=3.0).moved(Event.RETURN, next_attempt=4.0).last is busy
    assert deferred.moved(Event.EXPIRE).last is busy


def test_an_attempt_that_did_not_take_place_costs_none() -> None:
    returned = NEW.moved(Event.CLAIM, next_attempt=1.0).moved(Event.RETURN, next_attempt=1.0)
    assert (returned.status, returned.attempts) == (Status.PENDING, 0)
