"""The page for operators names what there is, and all of it."""

import re
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from empath.config.schema import Config, walk
from tests.ops.facts import BUSY, LISTENER, accepted, attempted, breaker, ended, opened, refused
from tests.ops.test_metrics import ASKED, counting, exposition

PAGE = (Path(__file__).parents[2] / "docs" / "operators.rst").read_text()


async def test_the_table_of_metrics_is_what_is_exported() -> None:
    metrics = counting()
    for fact in (accepted(), refused(), opened(), attempted(), attempted(BUSY), ended(), breaker("open")):
        metrics.observe(fact)
    text = (await exposition(metrics)(ASKED)).body.decode()
    exported = {
        f"{family.name}_total" if family.type == "counter" else family.name: [*family.samples[0].labels]
        for family in text_string_to_metric_families(text)
        if family.name.startswith("empath_")
    }
    rows = re.findall(r"(?m)^``(empath_\w+)`` +(\w+)?  ", PAGE)
    assert {name for name, _ in rows} == set(exported)
    for name, label in rows:
        if label != "several":
            assert set(exported[name]) <= {label, "le"}, name
    assert LISTENER in text


def test_the_keys_that_it_names_exist() -> None:
    keys = {pattern for pattern, _ in walk(Config)}
    named = set(re.findall(r"``((?:http|metrics|health|api|audit|log)\.\w+)(?: = \w+)?``", PAGE))
    assert len(named) > 10
    assert named <= keys
