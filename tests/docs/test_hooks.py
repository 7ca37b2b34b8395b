"""The page on reception hooks tells the truth: its example can be plugged in and does what it says."""

import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from empath.config import Sources, load
from empath.config.schema import FailMode, HookSettings, ListenerSettings
from empath.config.schema.keys import keys_of
from empath.hooks import Chain, Event, chain_for, plug
from empath.hooks.chain import Said
from empath.mail import headers
from empath.sim import SimulatedWorld
from empath.smtp import Reply
from tests.hooks.stage import FACTS, message

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "hooks.rst").read_text()
BLOCKS = [re.sub(r"(?m)^   ", "", block) for block in re.findall(r"\.\. code-block:: toml\n\n((?:   .*\n|\n)+)", PAGE)]


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Iterator[EntryPoint]:
    """The entry point that the page shows, as if its package were installed."""
    monkeypatch.syspath_prepend(str(DOCS / "examples"))
    ((name, target),) = tomllib.loads(BLOCKS[1])["project"]["entry-points"]["empath.hooks"].items()
    yield EntryPoint(name, target, "empath.hooks")
    sys.modules.pop("reception_hook", None)


@pytest.fixture
def chain(example: EntryPoint, tmp_path: Path) -> Chain:
    """The hooks of the configuration that the page shows for the example."""
    path = tmp_path / "empath.toml"
    path.write_text(f'mode = "live"\nhostname = "mx.example.org"\n{BLOCKS[2]}')
    config = load(Sources(file=path, hooks=lambda: {example.name: example})).config
    hooks = plug(config.smtp.hooks, SimulatedWorld(1).world, find=lambda: {example.name: example})
    return chain_for(ListenerSettings(), hooks)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"Subject: the CASINO\r\n\r\n", Said(Reply(550, "we do not want to read about this", "5.7.1"))),
        (b"Subject: lunch\r\n\r\ncasino\r\n", Said(None, b"X-Subject-Checked: 0 words found\r\n")),
    ],
)
async def test_the_example_does_what_it_says(chain: Chain, content: bytes, said: Said) -> None:
    assert (
        await chain.ask(Event.MESSAGE, session=FACTS, message=message(content, header=headers.split(content)[0]))
        == said
    )


def test_the_configuration_of_the_page_can_be_used(tmp_path: Path) -> None:
    path = tmp_path / "empath.toml"
    path.write_text(f'mode = "live"\nhostname = "mx.example.org"\n{BLOCKS[0]}')
    dnsbl, rspamd = load(Sources(file=path)).config.smtp.hooks
    assert (dnsbl.name, rspamd.name) == ("dnsbl", "rspamd")
    assert (rspamd.deadline_s, rspamd.fail_mode) == (15, FailMode.CLOSED)


def test_the_page_has_every_key() -> None:
    assert [key for key in keys_of(HookSettings) if f"\n``{key}``" not in PAGE] == []
