"""Pictures of the latest attempts."""

from attrs import evolve

from empath.mail.way_facts import HostDialled
from empath.ops.lately import OUTCOMES, Lately
from tests.ops.facts import BUSY, attempted


def test_the_latest_ends_of_a_lane_are_remembered_the_last_of_them_last() -> None:
    lately = Lately()
    for _ in range(OUTCOMES):
        lately.observe(attempted(BUSY))
    lately.observe(attempted())
    (ends,) = lately.outcomes().values()
    assert (len(ends), ends[-2:], set(ends[:-1])) == (OUTCOMES, "td", {"t"})


def test_lanes_that_were_attempted_long_ago_make_room() -> None:
    lately = Lately()
    for number in range(2001):
        lately.observe(evolve(attempted(), site=f"s{number}.example"))
    assert len(lately.outcomes()) == 2000
    assert "s0.example" not in lately.outcomes()


def test_stages_are_told_with_their_median_and_the_time_that_19_of_20_keep_to() -> None:
    lately = Lately()
    for number in range(1, 101):
        lately.observe(
            HostDialled(
                at=0.0,
                site="a.example",
                result="ok",
                stages=(("dns", number / 100),),
                tls_version=None,
                tls_verified=False,
            )
        )
    (dns,) = lately.stages()
    assert (dns.stage, dns.count, dns.median_s, dns.p95_s) == ("dns", 100, 0.5, 0.95)


def test_the_time_in_the_queue_is_that_before_the_first_attempt() -> None:
    lately = Lately()
    lately.observe(evolve(attempted(), attempt=2, waited_s=900.0, stages=()))
    assert lately.stages() == []
    lately.observe(evolve(attempted(), attempt=1, waited_s=3.0, stages=()))
    assert [(one.stage, one.p95_s) for one in lately.stages()] == [("queue", 3.0)]
