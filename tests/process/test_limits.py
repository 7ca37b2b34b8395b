"""The limits of lanes on real sockets, as a next hop counts them."""

import smtplib
from pathlib import Path

from tests.process.counting_hop import CountingHop
from tests.process.daemon import Daemon, live

CONTENT = b"Subject: x\r\n\r\nx\r\n"


def send(daemon: Daemon, messages: int) -> None:
    with smtplib.SMTP("127.0.0.1", daemon.port) as client:
        for number in range(messages):
            client.sendmail("ann@example.com", [f"b{number}@example.org"], CONTENT)


def test_a_rate_holds_in_every_second(tmp_path: Path) -> None:
    settings = 'delivery.rate_limits = { global_per_second = "20/s", count_local = true }'
    with CountingHop() as hop, Daemon(tmp_path, live(tmp_path, next_hop=hop.address, settings=settings)) as daemon:
        send(daemon, 60)
        hop.wait(60)
        assert daemon.stop() == 0
    moments = sorted(hop.messages)
    # What leaves evenly spaced may arrive a little closer together.
    assert hop.busiest(1.0) <= 22
    assert 2.8 <= moments[-1] - moments[0] <= 4.5


def test_there_are_never_more_connections_than_configured(tmp_path: Path) -> None:
    settings = "delivery.max_connections_per_host = 3"
    with (
        CountingHop(delay_s=0.05) as hop,
        Daemon(tmp_path, live(tmp_path, next_hop=hop.address, settings=settings)) as daemon,
    ):
        send(daemon, 100)
        hop.wait(100)
        assert daemon.stop() == 0
    assert hop.peak == 3


def test_a_hop_that_bears_less_than_configured_gets_all_mail_and_little_more_than_it_bears(tmp_path: Path) -> None:
    with CountingHop(most=4, delay_s=0.05) as hop, Daemon(tmp_path, live(tmp_path, next_hop=hop.address)) as daemon:
        send(daemon, 300)
        hop.wait(300)
        assert daemon.stop() == 0
    assert hop.turned_away <= 20
    assert len(hop.messages) == 300
