"""The load program judges MTAs, so it is judged first: it counts what went well, and sees everything that did not."""

import subprocess
from collections.abc import Callable, Iterator
from email import message_from_bytes
from pathlib import Path
from smtplib import SMTP

import pytest
from aiosmtpd import smtp
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session

from bench import batch
from bench.batch import Report
from bench.cases import KIB, Case
from bench.mta import free_ports
from tests.peers import needs

pytestmark = needs("cc")
LIMIT_S = 20


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return batch.build(tmp_path_factory.mktemp("build"))


def run(program: Path, case: Case, *, target_port: int, sink_port: int, limit_s: int = LIMIT_S) -> Report:
    """Run one batch to its end."""
    with batch.started(program, case, target_port=target_port, sink_port=sink_port, limit_s=limit_s) as load:
        load.await_warm()
        load.go()
        return load.report()


@pytest.mark.parametrize(
    "case",
    [
        Case(name="lock step", messages=200, sessions=5),
        Case(name="one message per connection", messages=200, sessions=5, per_connection=1),
        Case(name="more sessions than messages", messages=20, sessions=50),
        Case(name="larger than any buffer", messages=20, size_bytes=1500 * KIB),
        Case(name="of no round size", messages=20, size_bytes=10_001),
        Case(name="paced", messages=200, rate_per_s=1000, domains=7),
    ],
    ids=lambda case: case.name.replace(" ", "-"),
)
def test_all_that_the_source_hands_to_the_sink_is_there_and_unchanged(program: Path, case: Case) -> None:
    (port,) = free_ports(1)
    report = run(program, case, target_port=port, sink_port=port)
    assert (report.accepted, report.arrived, report.faults, report.complaint) == (case.messages, case.messages, 0, "")
    assert 0 < report.last_arrival_s <= report.last_reply_s < LIMIT_S


def test_a_given_rate_is_kept(program: Path) -> None:
    (port,) = free_ports(1)
    report = run(program, Case(name="paced", messages=100, rate_per_s=500), target_port=port, sink_port=port)
    assert report.last_reply_s >= 99 / 500


def test_several_recipients_may_arrive_in_one_transaction_and_be_pipelined(program: Path) -> None:
    (port,) = free_ports(1)
    words = f"--target {port} --sink {port} --messages 50 --recipients 60 --pipelining 1".split()
    output = subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout
    assert '"accepted": 50, "arrived": 50, "lost": 0, "doubled": 0, "damaged": 0, "refused": 0' in output


@pytest.mark.parametrize("words", [["--sink"], ["--sink", "many"], ["--depth", "3"], ["--messages", "5"], []])
def test_a_wrong_command_line_is_refused_with_the_right_ones(program: Path, words: list[str]) -> None:
    ended = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert ended.returncode == 64
    assert "--sink" in ended.stderr


Deliver = Callable[[bytes], None]
Misdeed = Callable[[bytes, Deliver], str]


class BadRelay:
    """An aiosmtpd handler that hands on what it gets, but for one message out of ten."""

    def __init__(self, misdeed: Misdeed, sink_port: int) -> None:
        self._misdeed = misdeed
        self._sink_port = sink_port

    async def handle_DATA(self, server: smtp.SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        content = envelope.original_content or b""

        def deliver(changed: bytes) -> None:
            with SMTP("127.0.0.1", self._sink_port) as client:
                client.sendmail(envelope.mail_from or "", envelope.rcpt_tos, changed)

        number = int(message_from_bytes(content)["X-Load"].split()[1])
        if number % 10 == 9:
            return self._misdeed(content, deliver)
        deliver(content)
        return "250 OK"


def keep(_: bytes, __: Deliver) -> str:
    return "250 OK"


def refuse(_: bytes, __: Deliver) -> str:
    return "451 not today"


def double(content: bytes, deliver: Deliver) -> str:
    deliver(content)
    deliver(content)
    return "250 OK"


def change_body(content: bytes, deliver: Deliver) -> str:
    deliver(content[:-3] + b"~\r\n")
    return "250 OK"


def change_header(content: bytes, deliver: Deliver) -> str:
    deliver(content.replace(b"Subject: ", b"Subject:  "))
    return "250 OK"


def trace(content: bytes, deliver: Deliver) -> str:
    deliver(b"Received: from load.test by relay.test; Thu, 01 Jan 2026 00:00:00 +0000\r\n" + content)
    return "250 OK"


def make_up(content: bytes, deliver: Deliver) -> str:
    deliver(content)
    deliver(b"Subject: nobody sent this\r\n\r\n")
    return "250 OK"


@pytest.fixture
def relay(request: pytest.FixtureRequest) -> Iterator[tuple[int, int]]:
    """A relay with the misdeed that the test names; its port and that of the sink."""
    port, sink_port = free_ports(2)
    controller = Controller(BadRelay(request.param, sink_port), hostname="127.0.0.1", port=port)
    controller.start()
    yield port, sink_port
    controller.stop()


@pytest.mark.parametrize(
    ("relay", "seen"),
    [
        (keep, {"lost": 2, "timed_out": True}),
        (refuse, {"refused": 2}),
        (double, {"doubled": 2}),
        (change_body, {"damaged": 2}),
        (change_header, {"damaged": 2}),
        (make_up, {"strange": 2}),
        (trace, {}),
    ],
    indirect=["relay"],
)
def test_what_a_relay_does_wrong_is_seen(program: Path, relay: tuple[int, int], seen: dict[str, int]) -> None:
    port, sink_port = relay
    case = Case(name="bad relay", messages=20, sessions=2)
    report = run(program, case, target_port=port, sink_port=sink_port, limit_s=1 if "lost" in seen else LIMIT_S)
    faults = ("lost", "doubled", "damaged", "refused", "strange", "timed_out")
    assert {name: getattr(report, name) for name in faults if getattr(report, name)} == seen
    assert report.accepted == case.messages - seen.get("refused", 0)
