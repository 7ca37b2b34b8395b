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


def holds(moments: list[float], rate_per_s: float, late_s: float) -> bool:
    """Whether no more came in any second than may be sent in it, and what was sent before and could be so late."""
    return all(
        sum(start <= moment < start + 1 for moment in moments) <= 1 + rate_per_s * (1 + late_s) for start in moments
    )


def test_a_rate_of_messages_holds_in_every_second(tmp_path: Path) -> None:
    settings = 'delivery.rate_limits = { global_per_second = "20/s", count_local = true }'
    with CountingHop() as hop, Daemon(tmp_path, live(tmp_path, next_hop=hop.address, settings=settings)) as daemon:
        send(daemon, 60)
        hop.wait(60)
        assert daemon.stop() == 0
        late_s = lateness(hop)
    assert holds(hop.messages, 20, late_s)
    assert max(hop.messages) - min(hop.messages) >= 59 / 20 - late_s


def test_a_rate_of_connections_holds_in_every_second_whatever_there_is_to_send(tmp_path: Path) -> None:
    settings = """delivery.rate_limits.connections = { global_per_second = "10/s" }
delivery.max_messages_per_connection = 2"""
    with CountingHop() as hop, Daemon(tmp_path, live(tmp_path, next_hop=hop.address, settings=settings)) as daemon:
        send(daemon, 50)
        hop.wait(50)
        assert daemon.stop() == 0
        late_s = lateness(hop)
    assert hop.connections >= 25
    assert holds(hop.greeted, 10, late_s)
    assert max(hop.greeted) - min(hop.greeted) >= 24 / 10 - late_s


def lateness(hop: CountingHop) -> float:
    """How late the hop may have counted what was sent in time: it and the daemon have to wait for the same machine."""
    return 0.1 + 2 * hop.longest_stall_s


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
