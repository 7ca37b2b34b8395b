"""What is said of the price of TLS."""

from attrs import evolve

from bench.hop_tls import Pair, render
from tests.bench.test_table import RELAYED


def test_the_price_of_tls_is_the_difference_within_a_round() -> None:
    # 0.8 ms of processor time for each of 100 messages in clear; with TLS more, by the figure here.
    pairs = [Pair(RELAYED, evolve(RELAYED, cpu_s=RELAYED.cpu_s + more_s)) for more_s in (0.01, 0.02, 0.06)]
    rows = [line.split() for line in render(pairs).splitlines()]
    assert rows[3][-3:] == ["3", "0.800", "0.800..0.800"]
    assert rows[4][-3:] == ["3", "1.000", "0.900..1.400"]
    assert rows[5][-3:] == ["3", "0.200", "0.100..0.600"]
