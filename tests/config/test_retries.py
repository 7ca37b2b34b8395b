from pathlib import Path

import pytest

from empath.config.retries import retries
from empath.config.schema import DeliverySettings
from empath.mail.failure_class import FailureClass
from empath.policy.retry import RetryPolicy
from tests.config.sources import LIVE, load_text

TEXT = """
[delivery]
retry_base_delay = "2m"
max_age = "4d"
uncertain.pause = "20m"
[[delivery.retry.rules]]
classes = ["greylisted"]
domains = ["bücher.example"]
base_delay = "5m"
max_delay = "1h"
multiplier = 1.5
jitter_factor = 0.1
max_attempts = 200
max_age = "1d"
"""


def test_without_keys_there_is_the_usual_schedule_and_a_pause() -> None:
    found = retries(DeliverySettings())
    assert (found.usual, found.rules, found.uncertain_pause_s) == (RetryPolicy(), (), 900.0)


def test_every_key_of_a_rule_has_its_place(tmp_path: Path) -> None:
    found = retries(load_text(tmp_path, LIVE + TEXT).config.delivery)
    (rule,) = found.rules
    assert found.uncertain_pause_s == 1200.0
    assert rule.classes == {FailureClass.GREYLISTED}
    assert rule.domains == {"xn--bcher-kva.example"}
    assert rule.policy == RetryPolicy(
        base_delay_s=300.0,
        max_delay_s=3600.0,
        multiplier=1.5,
        jitter_factor=0.1,
        max_attempts=200,
        max_age_s=86_400.0,
    )


@pytest.mark.parametrize("key", ["base_delay", "max_delay", "multiplier", "jitter_factor", "max_attempts", "max_age"])
def test_what_a_rule_leaves_out_is_as_for_all(tmp_path: Path, key: str) -> None:
    text = "\n".join(line for line in TEXT.split("\n") if not line.startswith(f"{key} "))
    found = retries(load_text(tmp_path, LIVE + text).config.delivery)
    attribute = key if hasattr(found.usual, key) else f"{key}_s"
    assert getattr(found.rules[0].policy, attribute) == getattr(found.usual, attribute)
