"""Mail of the last minute."""

from empath.ops.traffic import Traffic
from tests.ops.facts import accepted, attempted, ended


def test_messages_of_the_last_minute_are_counted_and_older_ones_are_not() -> None:
    traffic = Traffic()
    for at in (1000.0, 1000.5, 1030.0):
        traffic.observe(accepted(at=at))
    traffic.observe(attempted(at=1030.0))
    assert traffic.received_per_s(1030.0) == 3 / 60
    assert traffic.received_per_s(1059.9) == 3 / 60
    assert traffic.received_per_s(1060.0) == 1 / 60
    assert traffic.received_per_s(5000.0) == 0
    assert (traffic.received, traffic.delivered) == (3, 0)


def test_a_clock_that_was_set_back_does_no_harm() -> None:
    traffic = Traffic()
    traffic.observe(accepted(at=1000.0))
    traffic.observe(accepted(at=10.0))
    assert traffic.received == 2
    assert traffic.received_per_s(10.0) > 0


def test_only_what_was_delivered_counts_as_delivered() -> None:
    traffic = Traffic()
    traffic.observe(ended())
    assert traffic.delivered in (0, 1)
