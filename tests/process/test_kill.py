"""kill -9 at random moments under load: what was promised arrives, and arrives twice only where nobody can help it.

Nobody can help it where the next hop has a message as a whole and its reply, or the record of that, is cut off (RFC
1047). A session has one transaction under way at a time, so that can only be the last one of a session with the next
hop that did not end with QUIT; a repetition of anything else is a fault of ours.

``SOAK_ROUNDS`` sets the number of rounds, ``SOAK_BACKEND`` what keeps the queue; ``SOAK_SEED`` repeats a run, as far as
chance is ours to repeat.
"""

import os
import time
from collections import Counter
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.process.daemon import Daemon, live
from tests.process.load import Load
from tests.process.sink import Sink

ROUNDS = int(os.environ.get("SOAK_ROUNDS", "8" if os.environ.get("CI") else "3"))
SEED = int(os.environ.get("SOAK_SEED", SystemRandom().randrange(10**6)))
BACKENDS = (os.environ["SOAK_BACKEND"],) if os.environ.get("SOAK_BACKEND") else ("sqlite", "files")
LONGEST_ROUND_S = 1.0
THINKING_S = 0.005
PATIENCE_S = 60.0
RECIPIENTS_PER_S = 200
"""So slow is no machine that is worth waiting for."""


@pytest.mark.timeout(600 + 10 * ROUNDS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_daemon_killed_at_any_moment_loses_nothing_and_repeats_only_what_was_in_flight(
    tmp_path: Path, backend: str
) -> None:
    print(f"SOAK_SEED={SEED}")
    random, settings = Random(SEED), f'delivery.queue_backend = "{backend}"'
    with (
        Sink(delay_s=THINKING_S, keep_content=False) as sink,
        Daemon(tmp_path, live(tmp_path, next_hop=sink.address, settings=settings)) as daemon,
    ):
        with Load(SEED, lambda: daemon.port) as load:
            for _ in range(ROUNDS):
                time.sleep(random.uniform(0.05, LONGEST_ROUND_S))
                daemon.kill()
                daemon.start()
            time.sleep(LONGEST_ROUND_S / 2)
        # Reception is faster than delivery to a host that thinks, so there is much to catch up with after many rounds.
        sink.wait_for_recipients(load.promised, PATIENCE_S + len(load.promised) / RECIPIENTS_PER_S)
        assert daemon.stop() == 0
    arrivals = [(recipient, message) for message in sink.arrived for recipient in message.recipients]
    repeated = Counter(recipient for recipient, _ in arrivals)
    repetitions = repeated.total() - len(repeated)
    lost = load.promised - set(repeated)
    print(
        f"{backend}: {ROUNDS} kills, {len(load.promised)} recipients promised, {len(lost)} lost, {repetitions} repeated"
    )
    assert lost == set()
    assert [name for name, message in arrivals if message.digest != load.digests[name]] == []
    assert needless_repetitions(sink) == []


def needless_repetitions(sink: Sink) -> list[str]:
    """Return who got a message again although the session that brought it before had gone on, or ended in order."""
    last = {message.session: message for message in sink.arrived if message.session not in sink.parted}
    newest = {recipient: message for message in sink.arrived for recipient in message.recipients}
    return [
        recipient
        for message in sink.arrived
        if message is not last.get(message.session)
        for recipient in message.recipients
        if message is not newest[recipient]
    ]
