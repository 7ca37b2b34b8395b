"""What the benchmark starts, it starts with a right configuration, and ends."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from attrs import evolve, frozen

from bench import process_tree
from bench.empath_mta import configuration
from bench.mta import Place, fresh_place, running
from bench.postfix import Postfix
from empath.config import Sources, load

# It greets, and has a child that a signal to the parent does not end.
GREETER = """
import os, signal, socket, sys, time
if not os.fork():
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    client, _ = listener.accept()
    client.sendall(b"220 hello\\r\\n")
    client.close()
"""


@frozen
class Greeter:
    """An adapter for the program above."""

    program: str = GREETER
    name: str = "greeter"

    def absence(self) -> str | None:
        return None

    def prepare(self, place: Place) -> Sequence[str | Path]:
        return ["python3", "-c", self.program, str(place.port)]

    def leader(self, place: Place, started_pid: int) -> int:
        return started_pid


def test_all_processes_are_gone_afterwards(tmp_path: Path) -> None:
    with fresh_place(tmp_path, holds=False) as place, running(Greeter(), place, patience_s=0.2) as live:
        family = process_tree.tree(live.pid)
    assert len(family) == 2
    assert not any(member.lives for member in family)
    assert list(tmp_path.iterdir()) == []


def test_one_that_ends_without_a_greeting_is_an_error_with_its_last_words(tmp_path: Path) -> None:
    greeter = Greeter("raise SystemExit('no such mailbox')")
    with (
        fresh_place(tmp_path, holds=False) as place,
        pytest.raises(RuntimeError, match="no such mailbox"),
        running(greeter, place),
    ):
        pass


@pytest.mark.parametrize("holds", [True, False])
def test_empath_understands_its_configuration(tmp_path: Path, *, holds: bool) -> None:
    file = tmp_path / "empath.toml"
    file.write_text(configuration(Place(directory=tmp_path, port=2525, sink_port=2526, holds=holds)))
    loaded = load(Sources(file=file))
    assert loaded.warnings == ()
    assert loaded.config.delivery.frozen is holds


def test_postfix_says_why_it_cannot_run() -> None:
    assert Postfix().absence() in {None, "install the Debian package postfix", "it has to be started by root"}


def test_each_of_several_domains_has_a_next_hop_of_its_own(tmp_path: Path) -> None:
    place = Place(directory=tmp_path, port=2525, sink_port=2526, holds=False, domains=1000)
    file = tmp_path / "empath.toml"
    file.write_text(configuration(place))
    domains = load(Sources(file=file)).config.delivery.domains
    assert [name.ascii for name in domains] == [f"site-{number}.test" for number in range(1000)]
    assert len({str(own.mx_override) for own in domains.values()}) == 1000
    assert evolve(place, domains=1).next_hops == {}
