from contextlib import ExitStack

import pytest
from attrs import define

from empath.ingress import Admission
from empath.policy.quota import Quota
from empath.policy.reception.prefix import Prefixes


@define
class Hand:
    """A clock that is set by hand."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


def test_sessions_are_counted_in_all() -> None:
    admission = Admission(2, 2)
    with admission.admit("192.0.2.1"), admission.admit("192.0.2.2"):
        refusal = admission.refusal("192.0.2.3")
        assert refusal is not None
        assert refusal.code == 421
    assert admission.refusal("192.0.2.3") is None


def test_sessions_are_counted_for_each_address() -> None:
    admission = Admission(10, 1)
    with admission.admit("192.0.2.1"):
        assert admission.refusal("192.0.2.1") is not None
        assert admission.refusal("192.0.2.2") is None
    assert admission.refusal("192.0.2.1") is None


def test_all_addresses_of_an_ipv6_network_are_one_client() -> None:
    admission = Admission(10, 1)
    with admission.admit("2001:db8::1"):
        assert admission.refusal("2001:db8::2") is not None
        assert admission.refusal("2001:db8:0:1::1") is None


def test_sessions_are_counted_for_each_network() -> None:
    admission = Admission(10, 1, max_sessions_per_network=2)
    with admission.admit("192.0.2.1"), admission.admit("192.0.2.2"):
        assert admission.refusal("192.0.2.3") is not None
        assert admission.refusal("192.0.3.3") is None
    assert admission.refusal("192.0.2.3") is None


def test_the_size_of_a_network_can_be_chosen() -> None:
    admission = Admission(10, 1, max_sessions_per_network=1, prefixes=Prefixes(ipv4_bits=16))
    with admission.admit("192.0.2.1"):
        assert admission.refusal("192.0.3.3") is not None


def test_a_network_without_a_limit_of_its_own_may_have_four_clients_at_theirs() -> None:
    admission = Admission(100, 1)
    with admission.admit("192.0.2.1"), admission.admit("192.0.2.2"), admission.admit("192.0.2.3"):
        assert admission.refusal("192.0.2.5") is None
        with admission.admit("192.0.2.4"):
            assert admission.refusal("192.0.2.5") is not None


def test_a_client_that_comes_too_often_is_sent_away_until_time_has_passed() -> None:
    clock = Hand()
    admission = Admission(10, 10, arrivals=Quota(rate_per_s=0.1, burst=2, max_keys=10), clock=clock)
    answers = [admission.refusal("192.0.2.1") for _ in range(3)]
    assert [answer and answer.code for answer in answers] == [None, None, 421]
    assert admission.refusal("192.0.2.2") is None
    clock.now = 10.0
    assert admission.refusal("192.0.2.1") is None


@pytest.mark.parametrize(("sessions", "crowded"), [(4, False), (5, True)])
def test_it_is_crowded_above_four_fifths(sessions: int, crowded: bool) -> None:
    admission = Admission(5, 5)
    with ExitStack() as open_sessions:
        for _ in range(sessions):
            open_sessions.enter_context(admission.admit("192.0.2.1"))
        assert admission.crowded is crowded


def test_nothing_is_remembered_of_addresses_that_have_gone() -> None:
    admission = Admission(10, 1)
    with admission.admit("192.0.2.1"):
        assert admission.open == 1
    assert (admission.open, admission._by_client, admission._by_network) == (0, {}, {})
