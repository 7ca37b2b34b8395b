import json
import logging

import pytest
import trio
import trio.testing

from empath.mail import (
    BreakerMoved,
    DeliveryAttempted,
    DeliveryEnded,
    Fact,
    LoginAccepted,
    LoginRefused,
    MessageAccepted,
    MessageRefused,
    ReportMade,
    SessionClosed,
    SessionOpened,
)
from empath.mail.delivery import Status
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.envelope import Envelope, Origin, Recipient
from empath.mail.failure_class import FailureClass
from empath.mail.ids import DeliveryId, MessageId, SessionId
from empath.mail.notice import Action
from empath.mail.outcome import Bounced, Deferred, Delivered, Outcome
from empath.ops.logbook import JsonFormatter, Logbook
from empath.ops.logbook.formats import LogfmtFormatter
from empath.sim.world import SimulatedWorld
from empath.smtp import Address, Reply, Verb
from empath.world.clock import SystemClock

ANN, BOB = Address.parse("ann@example.org"), Address.parse("bob@example.com")
MESSAGE, SESSION = MessageId(0x6911C5B5, 42), SessionId(0x6911C5B5, 7)
DELIVERY = DeliveryId(MESSAGE, 0)
TROUBLE = Diagnosis(kind=Kind.CONNECT, phase=Phase.CONNECT, host="mx.example.org", text="Connection refused")
GREYLISTED = Diagnosis(
    kind=Kind.RECIPIENT_DEFERRED,
    phase=Phase.RCPT,
    host="mx.example.org",
    reply=Reply(451, "greylisted", "4.7.1"),
    text="",
)
LOST = Diagnosis(kind=Kind.TIMEOUT, phase=Phase.END, host="mx.example.org", text="no answer within 600 s")


def attempted(
    outcome: Outcome, *, address: str | None = None, next_attempt: float | None = None, at: float = 0
) -> Fact:
    return DeliveryAttempted(
        at=at,
        delivery=DELIVERY,
        reverse_path=BOB,
        recipient=ANN,
        site="example.org",
        attempt=1,
        outcome=outcome,
        failure_class=None if isinstance(outcome, Delivered) else FailureClass.CONNECTION,
        address=address,
        way=(("dns", 0.02), ("connect", 0.04), ("tls", 0.15)),
        tls_version=None,
        waited_s=904,
        took_s=0.69,
        next_attempt=next_attempt,
    )


def lines(*facts: Fact, caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    book = Logbook(SystemClock())
    with caplog.at_level(level, "empath"):
        for fact in facts:
            book.observe(fact)
    return caplog.messages


@pytest.mark.parametrize(
    ("fact", "line"),
    [
        (
            MessageAccepted(
                at=0,
                message=MESSAGE,
                session=SESSION,
                envelope=Envelope(
                    reverse_path=BOB,
                    recipients=(Recipient(ANN), Recipient(BOB)),
                    received=0,
                    origin=Origin(
                        client_ip="192.0.2.9",
                        hello="x",
                        protocol="ESMTPSA",
                        listener="x",
                        tls_version="TLSv1.3",
                        user="ann",
                    ),
                ),
                size_bytes=90,
                commit_s=0.0021,
            ),
            "accepted mid=6911c5b5-2a session=6911c5b5-7 client=192.0.2.9 login=ann tls=TLSv1.3 from=bob@example.com"
            " to=ann@example.org recipients=2 size=90 commit=0.002",
        ),
        (
            MessageRefused(
                at=0,
                session=SESSION,
                client_ip="192.0.2.9",
                verb=Verb.RCPT,
                reply=Reply(550, "no such user here", "5.1.1"),
                reverse_path=BOB,
                recipient=ANN,
            ),
            "refused session=6911c5b5-7 client=192.0.2.9 command=RCPT from=bob@example.com to=ann@example.org code=550"
            ' enh=5.1.1 reply="no such user here"',
        ),
        (
            LoginAccepted(at=0, session=SESSION, client_ip="192.0.2.9", login="ann", mechanism="PLAIN"),
            "login_accepted session=6911c5b5-7 client=192.0.2.9 mechanism=PLAIN login=ann",
        ),
        (
            LoginRefused(
                at=0, session=SESSION, client_ip=None, login='to=x "y"', mechanism="PLAIN", reason="wrong password"
            ),
            'login_refused session=6911c5b5-7 client=- mechanism=PLAIN why="wrong password" login="to=x \\"y\\""',
        ),
        (
            attempted(Delivered(Reply(250, "OK id=77", "2.0.0"), "mx.example.org"), address="192.0.2.7:25"),
            "delivered mid=6911c5b5-2a to=ann@example.org lane=example.org mx=mx.example.org[192.0.2.7]:25 attempt=1"
            ' t=904.00/0.21/0.48 code=250 enh=2.0.0 reply="OK id=77"',
        ),
        (
            attempted(Deferred(GREYLISTED), next_attempt=1_762_774_270),
            "deferred mid=6911c5b5-2a to=ann@example.org lane=example.org mx=mx.example.org attempt=1 class=connection"
            " next=2025-11-10T11:31:10Z t=904.00/0.21/0.48 code=451 enh=4.7.1 reply=greylisted",
        ),
        (
            attempted(Bounced(TROUBLE)),
            "bounced mid=6911c5b5-2a to=ann@example.org lane=example.org mx=mx.example.org attempt=1 class=connection"
            ' t=904.00/0.21/0.48 why="connect: Connection refused"',
        ),
        (
            attempted(Deferred(LOST)),
            "uncertain mid=6911c5b5-2a to=ann@example.org lane=example.org mx=mx.example.org attempt=1 class=connection"
            ' t=904.00/0.21/0.48 why="end: no answer within 600 s"',
        ),
        (
            ReportMade(at=0, report=MessageId(0x6911C5B6, 7), sender=BOB, about=((DELIVERY, Action.FAILED),)),
            "made mid=6911c5b6-7 to=bob@example.com about=6911c5b5-2a told=0:failed",
        ),
        (
            DeliveryEnded(at=0, delivery=DELIVERY, status=Status.EXPIRED, diagnosis=None, report=MESSAGE),
            "expired mid=6911c5b5-2a recipient=0 report=6911c5b5-2a",
        ),
        (
            BreakerMoved(at=0, site="example.org", before="closed", after="open", until=1_762_774_270),
            "breaker lane=example.org before=closed after=open until=2025-11-10T11:31:10Z",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Fact) else "",
)
def test_a_fact_is_one_line(fact: Fact, line: str, caplog: pytest.LogCaptureFixture) -> None:
    assert lines(fact, caplog=caplog) == [line]


def test_programs_get_each_pair_as_a_field_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    lines(attempted(Deferred(GREYLISTED)), caplog=caplog)
    shown = json.loads(JsonFormatter().format(caplog.records[0]))
    assert shown["logger"] == "delivery"
    assert shown["event"] == "deferred"
    assert shown["mid"] == "6911c5b5-2a"
    assert shown["code"] == 451
    assert shown["reply"] == "greylisted"


def test_people_see_level_and_part_before_the_event(caplog: pytest.LogCaptureFixture) -> None:
    lines(attempted(Deferred(GREYLISTED)), caplog=caplog)
    line = LogfmtFormatter().format(caplog.records[0])
    assert line.startswith("1970-01-01T00:00:00.000Z info delivery deferred mid=6911c5b5-2a ")


@pytest.mark.parametrize(
    ("fact", "line"),
    [
        (
            SessionOpened(at=0, session=SESSION, listener="192.0.2.1:25", client_ip="192.0.2.9"),
            "opened session=6911c5b5-7 client=192.0.2.9 listener=192.0.2.1:25",
        ),
        (
            SessionClosed(at=0, session=SESSION, client_ip=None, messages=1, duration_s=2.04, reason="TLS failed: x"),
            'closed session=6911c5b5-7 client=- messages=1 took=2.040 why="TLS failed: x"',
        ),
    ],
)
def test_how_sessions_begin_and_end_is_for_those_who_look_closer(
    fact: Fact, line: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert lines(fact, caplog=caplog) == []
    assert lines(fact, caplog=caplog, level=logging.DEBUG) == [line]


def test_a_higher_level_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    assert lines(attempted(Deferred(TROUBLE)), caplog=caplog, level=logging.WARNING) == []


def test_what_was_delivered_is_not_said_twice(caplog: pytest.LogCaptureFixture) -> None:
    ended = DeliveryEnded(at=0, delivery=DELIVERY, status=Status.COMPLETED, diagnosis=None, report=None)
    assert lines(ended, caplog=caplog) == []


def test_what_a_host_says_is_cut(caplog: pytest.LogCaptureFixture) -> None:
    wordy = Diagnosis(kind=Kind.RECIPIENT_DEFERRED, phase=Phase.RCPT, reply=Reply(450, "a" * 1000), text="")
    [line] = lines(attempted(Deferred(wordy)), caplog=caplog)
    assert line.endswith("reply=" + "a" * 300)


def test_a_host_that_says_the_same_again_and_again_is_not_quoted_each_time(caplog: pytest.LogCaptureFixture) -> None:
    said = lines(*[attempted(Deferred(GREYLISTED))] * 401, caplog=caplog)
    assert len(said) == 20


@pytest.mark.parametrize("stop", [False, True])
async def test_how_often_it_was_left_out_is_said_when_the_minute_is_over(
    stop: bool, caplog: pytest.LogCaptureFixture, autojump_clock: trio.testing.MockClock
) -> None:
    world = SimulatedWorld(seed=1)
    book = Logbook(world.world.clock)
    with caplog.at_level(logging.INFO, "empath"):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(book.run)
            for _ in range(401):
                book.observe(attempted(Deferred(GREYLISTED), at=world.world.clock.now()))
            if not stop:
                await trio.sleep(75)
                assert caplog.messages[-1] == "deferred lane=example.org similar=+381 reply=greylisted"
            nursery.cancel_scope.cancel()
    assert caplog.messages[-1] == "deferred lane=example.org similar=+381 reply=greylisted"
    assert len(caplog.messages) == 21
