"""Keys of the configuration whose effect shows over time, or on the disk, of a whole worker."""

from itertools import pairwise

import pytest
import trio
from attrs import evolve

from empath.config.schema import DeliverySettings, SpoolSettings, TimeoutSettings
from empath.mail import Phase
from empath.mail.diagnosis import Kind
from empath.mail.outcome import Deferred
from empath.sim import Conditions, Reach
from empath.sim.remote import OFFERS, Fault, Rule
from empath.smtp import Reply
from tests.sim.stage import DAY_S, Stage, config_with, simulated

LATER = Reply(451, "later", "4.2.0")
TIMEOUTS = TimeoutSettings(connect_s=20.0, greeting_s=30.0, command_s=40.0, data_init_s=50.0, data_reply_s=60.0)


async def first_attempt_s(stage: Stage) -> float:
    """How long the first attempt at a host takes to time out."""
    async with stage.play():
        await stage.send("m1", "bob@example.org")
        await trio.sleep(100)
    attempt = stage.attempts("example.org")[0]
    assert isinstance(attempt.outcome, Deferred)
    assert attempt.outcome.diagnosis.kind in (Kind.TIMEOUT, Kind.CONNECT)
    return attempt.took_s


@pytest.mark.parametrize(
    ("phase", "patience_s"),
    [
        (Phase.GREETING, TIMEOUTS.greeting_s),
        (Phase.HELLO, TIMEOUTS.command_s),
        (Phase.MAIL, TIMEOUTS.command_s),
        (Phase.DATA, TIMEOUTS.data_init_s),
        (Phase.END, TIMEOUTS.data_reply_s),
    ],
)
@simulated
async def test_each_phase_has_the_time_that_delivery_smtp_timeouts_gives_it(phase: Phase, patience_s: float) -> None:
    stage = Stage(1, config_with(DeliverySettings(smtp_timeouts=TIMEOUTS)))
    # In a group of commands, a host that stalls at one may keep the replies to all before it.
    stage.site("example.org", Rule(phase=phase, reaction=Fault.STALL)).offers = OFFERS.without("PIPELINING")
    assert await first_attempt_s(stage) == pytest.approx(patience_s, abs=1)


@simulated
async def test_a_host_that_does_not_answer_is_given_up_after_smtp_timeouts_connect() -> None:
    stage = Stage(1, config_with(DeliverySettings(smtp_timeouts=TIMEOUTS)))
    stage.site("example.org")
    stage.simulation.network.conditions[stage.address_of("mx1.example.org")] = Conditions(reach=Reach.BLACKHOLE)
    assert await first_attempt_s(stage) == pytest.approx(TIMEOUTS.connect_s, abs=1)


@simulated
async def test_attempts_move_apart_by_retry_multiplier_up_to_retry_max_delay() -> None:
    delivery = DeliverySettings(
        retry_base_delay_s=100.0,
        retry_multiplier=3.0,
        retry_max_delay_s=2000.0,
        retry_jitter_factor=0.0,
        max_attempts=6,
    )
    stage = Stage(1, config_with(delivery))
    stage.site("example.org", Rule(phase=Phase.RCPT, reaction=LATER))
    async with stage.play():
        await stage.send("m1", "bob@example.org")
        await trio.sleep(DAY_S)
    moments = [fact.at for fact in stage.attempts("example.org")]
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert gaps == pytest.approx([100, 300, 900, 2000, 2000], abs=1)


@pytest.mark.parametrize(("limit_bytes", "files"), [(100, 1), (100_000, 0)])
@simulated
async def test_a_body_over_spool_inline_body_limit_becomes_a_file(limit_bytes: int, files: int) -> None:
    stage = Stage(1, evolve(config_with(), spool=SpoolSettings(inline_body_limit_bytes=limit_bytes)))
    stage.site("example.org")
    async with stage.play():
        await stage.send("m1", "bob@example.org", body=b"x" * 998 + b"\r\n")
        await trio.sleep(10)
    made = [path for call, path in stage.simulation.files.history if call == "rename" and "/bodies/" in path]
    assert len(made) == files
    assert len(stage.taken) == 1
