from hypothesis import given
from hypothesis import strategies as st

from empath.ops.busiest import IDLE_S, OTHER, WINDOW_S, BusiestDomains


def labels(domains: BusiestDomains, seen: list[str], now: float = 0.0) -> list[str]:
    return [domains.label(domain, now)[0] for domain in seen]


def test_free_places_go_to_who_comes_first() -> None:
    domains = BusiestDomains(2)
    assert labels(domains, ["a.example", "b.example", "c.example", "a.example"]) == [
        *("a.example", "b.example", OTHER, "a.example")
    ]
    assert (domains.tracked, domains.overflow) == (2, 1)


def test_with_no_place_all_are_other() -> None:
    assert labels(BusiestDomains(0), ["a.example", "b.example"]) == [OTHER, OTHER]


def test_a_busy_domain_takes_the_place_of_a_quiet_one_at_the_end_of_the_hour_and_not_before() -> None:
    domains = BusiestDomains(2)
    labels(domains, ["quiet.example", *["busy.example"] * 50])
    assert labels(domains, ["new.example"] * 50, WINDOW_S - 1) == [OTHER] * 50
    assert domains.label("new.example", WINDOW_S) == ("new.example", ["quiet.example"])
    assert domains.label("quiet.example", WINDOW_S)[0] == OTHER


def test_a_domain_that_is_only_a_little_busier_takes_no_place() -> None:
    domains = BusiestDomains(1)
    labels(domains, ["a.example"] * 10 + ["b.example"] * 20)
    assert domains.label("b.example", WINDOW_S) == (OTHER, [])


def test_a_place_that_nobody_used_for_a_day_is_free() -> None:
    domains = BusiestDomains(1)
    labels(domains, ["a.example"])
    assert domains.label("b.example", IDLE_S) == ("b.example", ["a.example"])


def test_a_heavy_hitter_among_a_hundred_thousand_is_found_with_a_bounded_table() -> None:
    domains = BusiestDomains(10)
    labels(domains, [f"first{number}.example" for number in range(10)])
    for number in range(100_000):
        domains.label("heavy.example" if number % 20 == 0 else f"d{number}.example", 1.0)
    assert domains.label("heavy.example", WINDOW_S)[0] == "heavy.example"


@given(
    st.integers(0, 5),
    st.lists(st.tuples(st.sampled_from([f"d{number}.example" for number in range(30)]), st.floats(0, 90_000))),
)
def test_there_are_never_more_labels_than_places_and_one(places: int, seen: list[tuple[str, float]]) -> None:
    domains, alive, now = BusiestDomains(places), set[str](), 0.0
    for domain, later_s in seen:
        now += later_s
        label, gone = domains.label(domain, now)
        alive = (alive | {label}) - set(gone)
        assert len(alive - {OTHER}) <= places
        assert label in {domain, OTHER}
