"""The spool in files: what lies where, in which form, and what becomes of what is damaged."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve, frozen
from hypothesis import given
from hypothesis import strategies as st

from empath.sim import SimulatedWorld
from empath.spool.contract import Finished, SpoolError, SpoolHeld, Waiting
from empath.spool.files import open_files
from empath.spool.files.framing import NotWhole, as_json, frame, from_json, unframe
from empath.spool.files.naming import EntryName, beside, moment_of, place_of
from empath.world.disk import DurableDisk
from empath.world.entropy import SystemEntropy
from empath.world.files import SystemFiles
from empath.world.offload import ThreadOffload
from tests.contracts.spools import NOW, Place, claim, message, mid, numbers


@frozen
class Queue:
    """A queue in files on this machine."""

    place: Place
    path: Path

    def entries(self) -> list[str]:
        return sorted(str(path.relative_to(self.path)) for path in self.path.glob("*/*_*_*.json"))

    def file(self, number: int) -> Path:
        return self.path / "messages" / f"{mid(number)}.json"


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    offload = ThreadOffload("test", threads=2)
    disk = DurableDisk(SystemFiles(), offload, SystemEntropy())
    world = evolve(SimulatedWorld(1).world, disk=disk, offload=offload)
    path = tmp_path / "queue"
    path.mkdir()
    yield Queue(Place(world, tmp_path, partial(open_files, str(path), SystemFiles())), path)
    offload.close()


async def test_a_message_can_be_read_by_eye_and_its_entries_say_what_it_waits_for(queue: Queue) -> None:
    async with queue.place.open() as spool:
        await spool.accept(message(1, "a.example", "b.example", body="Grüße\r\n".encode()))
        assert json.loads(queue.file(1).read_text())["record"]["message"]["body"] == {"utf-8": "Grüße\r\n"}
        assert queue.entries() == [
            f"pending/1800000000.000000_{mid(1)}_a.example.json",
            f"pending/1800000000.000000_{mid(1)}_b.example.json",
        ]
        (one,) = (await claim(spool)).claims
        assert queue.entries() == [
            f"in_progress/1800000060.000000_{mid(1)}_a.example.json",
            f"in_progress/1800000060.000000_{mid(1)}_b.example.json",
        ]
        first, second = one.deliveries
        await spool.record([Finished(key=first.key), Waiting(key=second.key, next_attempt=NOW + 9, attempts=1)])
        assert queue.entries() == [
            f"completed/0000000000.000000_{mid(1)}_a.example.json",
            f"retry/1800000009.000000_{mid(1)}_b.example.json",
        ]
        await spool.record([Finished(key=second.key)])
        assert (queue.entries(), queue.file(1).exists()) == ([], False)


async def test_no_name_is_made_of_what_a_stranger_sends(queue: Queue) -> None:
    async with queue.place.open() as spool:
        await spool.accept(message(1, "../../etc/passwd", "x" * 300))
    assert len(queue.entries()) == 2
    assert all("~" in entry and len(entry) < 100 for entry in queue.entries())
    async with queue.place.open() as spool:
        (one,) = (await claim(spool)).claims
        assert [each.domain for each in one.deliveries] == ["../../etc/passwd", "x" * 300]


def cut(content: bytes) -> bytes:
    return content[:-1]


def zeroed(content: bytes) -> bytes:
    return bytes(len(content))


def flipped(content: bytes) -> bytes:
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("harm", [cut, zeroed, flipped])
async def test_a_message_that_is_damaged_is_named_and_kept_and_all_others_are_sent(
    queue: Queue, harm: Callable[[bytes], bytes]
) -> None:
    async with queue.place.open() as spool:
        for number in (1, 2, 3):
            await spool.accept(message(number))
    sound = queue.file(2).read_bytes()
    queue.file(2).write_bytes(harm(sound))
    async with queue.place.open() as spool:
        assert [damage.mid for damage in await spool.quarantine()] == [str(mid(2))]
        assert numbers(await claim(spool)) == [1, 3]
        assert (await spool.statistics()).quarantined == 1
        with pytest.raises(SpoolError, match="is here already"):
            await spool.accept(message(2))
        assert await spool.release(str(mid(2))) == 0
        queue.file(2).write_bytes(sound)
        assert await spool.release(str(mid(2))) == 1
        assert numbers(await claim(spool)) == [2]


@pytest.mark.parametrize("harm", [cut, zeroed, flipped, lambda content: b""])
async def test_an_entry_that_is_damaged_does_not_let_its_message_be_sent_twice(
    queue: Queue, harm: Callable[[bytes], bytes]
) -> None:
    async with queue.place.open() as spool:
        await spool.accept(message(1, "a.example", "b.example"))
        first, second = (await claim(spool)).claims[0].deliveries
        await spool.record([Finished(key=first.key), Waiting(key=second.key, next_attempt=NOW, attempts=1)])
    done = next(queue.path.glob("completed/*"))
    done.write_bytes(harm(done.read_bytes()))
    async with queue.place.open() as spool:
        (damage,) = await spool.quarantine()
        assert (damage.mid, str(done) in damage.reason) == (str(mid(1)), True)
        assert (await claim(spool)).claims == []


async def test_a_message_that_is_damaged_while_it_waits_is_found_when_it_is_due(queue: Queue) -> None:
    async with queue.place.open() as spool:
        for number in (1, 2):
            await spool.accept(message(number))
        queue.file(1).unlink()
        claimed = await claim(spool)
        assert (numbers(claimed), [one.mid for one in claimed.damaged]) == ([2], [str(mid(1))])


async def test_a_queue_has_one_daemon_even_if_two_spools_name_it(queue: Queue, tmp_path: Path) -> None:
    other = evolve(queue.place, path=tmp_path / "other")
    async with queue.place.open() as spool:
        await spool.accept(message(1))
        with pytest.raises(SpoolHeld, match=r"queue is in use by another process.*end it, or use another directory"):
            async with other.open():
                pytest.fail("two have it")
        assert numbers(await claim(spool)) == [1]
    async with other.open() as spool:
        assert numbers(await claim(spool, now=NOW + 60)) == [1]


async def test_files_of_others_are_left_alone(queue: Queue) -> None:
    async with queue.place.open():
        pass
    for name in ("messages/README", "retry/notes.txt", "intents/x"):
        (queue.path / name).write_text("mine")
    async with queue.place.open() as spool:
        assert (await claim(spool)).claims == []
    assert (queue.path / "messages/README").read_text() == "mine"


@pytest.mark.parametrize(("content", "why"), [(frame({"format": 2}), "has format 2"), (b"{}", "is damaged")])
async def test_a_queue_of_another_version_is_refused_and_nothing_in_it_is_touched(
    queue: Queue, content: bytes, why: str
) -> None:
    (queue.path / "queue.json").write_bytes(content)
    with pytest.raises(SpoolError, match=why):
        async with queue.place.open():
            pass
    assert [path.name for path in queue.path.iterdir()] == ["queue.json"]


@given(st.dictionaries(st.text(), st.binary() | st.integers(-(2**53), 2**53) | st.none() | st.text()))
def test_what_was_framed_comes_back(value: dict[str, object]) -> None:
    record = unframe(frame({name: as_json(one) for name, one in value.items()}))
    assert {name: from_json(one) for name, one in record.items()} == value


@given(st.binary(max_size=60), st.integers(0, 10**6), st.integers(1, 255))
def test_any_octet_that_is_another_one_is_seen(octets: bytes, at: int, change: int) -> None:
    whole = bytearray(frame({"octets": as_json(octets)}))
    whole[at % len(whole)] ^= change
    with pytest.raises(NotWhole):
        unframe(bytes(whole))


@given(st.text(max_size=300), st.floats(0, 9e9))
def test_a_name_can_be_read_back_and_is_no_path(domain: str, moment: float) -> None:
    name = EntryName("retry", moment_of(moment), str(mid(1)), place_of(domain))
    assert EntryName.of_path(str(name)) == name
    assert str(name).count("/") == 1
    assert len(str(name)) < 200


@given(st.floats(min_value=0))
def test_another_state_has_another_name(moment: float) -> None:
    assert beside(moment_of(moment)) != moment_of(moment)
