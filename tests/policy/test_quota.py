"""A rate for each of many clients, and a table that none of them can use to shake off what he has used up."""

from hypothesis import given
from hypothesis import strategies as st

from empath.policy.quota import Quota


def test_each_key_has_a_bucket_of_its_own() -> None:
    quota = Quota(rate_per_s=0.5, burst=2, max_keys=10)
    assert [quota.take("a", 0.0) for _ in range(3)] == [True, True, False]
    assert quota.take("b", 0.0)
    assert quota.take("a", 2.0)
    assert not quota.take("a", 2.0)


def test_filling_the_table_does_not_give_anything_back_to_one_who_has_used_it_up() -> None:
    quota = Quota(rate_per_s=1.0, burst=10, max_keys=50)
    assert [quota.take("attacker", 0.0) for _ in range(11)].count(True) == 10
    for number in range(5000):
        quota.take(f"disguise {number}", 0.001)
    assert not quota.take("attacker", 0.002)


def test_those_that_are_full_again_are_forgotten_first() -> None:
    quota = Quota(rate_per_s=1.0, burst=1, max_keys=10)
    for number in range(5):
        quota.take(f"early {number}", 0.0)
    for number in range(5):
        quota.take(f"late {number}", 100.0)
    for number in range(5):
        quota.take(f"new {number}", 100.0)
    assert [quota.take(f"late {number}", 100.5) for number in range(5)] == [False] * 5


@given(st.lists(st.tuples(st.integers(0, 40), st.floats(0, 3)), max_size=200), st.integers(1, 20))
def test_it_remembers_no_more_keys_than_it_may(steps: list[tuple[int, float]], max_keys: int) -> None:
    quota, now = Quota(rate_per_s=1.0, burst=2, max_keys=max_keys), 0.0
    for key, step in steps:
        now += step
        quota.take(str(key), now)
        assert len(quota) <= max_keys


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 3)), max_size=100))
def test_with_room_for_all_it_is_a_bucket_for_each(steps: list[tuple[int, float]]) -> None:
    quota, now = Quota(rate_per_s=1.0, burst=2, max_keys=6), 0.0
    alone = {key: Quota(rate_per_s=1.0, burst=2, max_keys=1) for key in range(6)}
    for key, step in steps:
        now += step
        assert quota.take(str(key), now) == alone[key].take("it", now)


def test_a_token_that_is_not_there_yet_can_be_reserved() -> None:
    quota = Quota(rate_per_s=0.5, burst=2, max_keys=10)
    assert [quota.reserve("a", 100.0) for _ in range(4)] == [100.0, 100.0, 102.0, 104.0]
    assert quota.reserve("b", 100.0) == 100.0
    assert not quota.take("a", 105.0)
    assert quota.take("a", 106.0)
