"""What an archive keeps, what it lets go, and what a reader sees meanwhile."""

from pathlib import Path

import pytest

from empath.capture import Archive, Caps, Captured, TooLarge, find, listing, load
from empath.sim import SimulatedWorld
from empath.sim.disk import Trouble
from empath.smtp import Address
from empath.world import DiskError, DiskFailed, DiskFull
from tests.capture.conftest import NOON, Place, simulated_place

ANN = Address.parse("ann@example.org")
BOB = Address.parse("bob@example.com")


async def opened(place: Place, caps: Caps | None = None) -> Archive:
    return await Archive.open(place.disk, place.clock, place.directory, caps=caps)


async def keep(archive: Archive, content: bytes = b"Subject: Hello\r\n\r\nHello.\r\n") -> Captured:
    incoming = await archive.begin()
    async with incoming.file:
        await incoming.write(content[:10])
        await incoming.write(content[10:])
        return await incoming.keep(hello="client.example", sender=BOB, recipients=(ANN, BOB))


async def test_a_message_is_kept_octet_for_octet_with_its_envelope(place: Place) -> None:
    content = b"Subject: Hello\r\nReceived: by x id 6911c5b5-2a; Mon\r\n\r\n.\r\n\xff\r\n"
    record = await keep(await opened(place), content)
    kept = await load(place.disk, place.directory, record.number)
    assert kept is not None
    assert (kept.record, kept.content) == (record, content)
    assert (record.time.timestamp(), record.hello, record.size_bytes) == (NOON, "client.example", len(content))
    assert (record.sender, record.recipients) == ("bob@example.com", ("ann@example.org", "bob@example.com"))
    assert (record.subject, record.mid) == ("Hello", "6911c5b5-2a")


async def test_files_have_names_that_sort_and_are_for_their_owner_only(real_place: Place) -> None:
    await keep(await opened(real_place))
    assert modes(Path(real_place.directory)) == {".": 0o700, "000001.eml": 0o600, "000001.json": 0o600}


def modes(directory: Path) -> dict[str, int]:
    places = {".": directory, **{path.name: path for path in directory.iterdir()}}
    return {name: path.stat().st_mode & 0o777 for name, path in places.items()}


async def test_the_listing_is_oldest_first(place: Place) -> None:
    archive = await opened(place)
    records = [await keep(archive) for _ in range(3)]
    assert await listing(place.disk, place.directory) == tuple(records)


async def test_where_there_is_no_archive_nothing_is_listed_and_nothing_found(place: Place) -> None:
    assert await listing(place.disk, place.directory) == ()
    assert await load(place.disk, place.directory, 1) is None
    assert await find(place.disk, place.directory, "1") == ()


async def test_a_message_on_its_way_in_is_not_seen_and_leaves_nothing_when_it_is_discarded(place: Place) -> None:
    incoming = await (await opened(place)).begin()
    await incoming.write(b"x" * 1_000_000)
    assert await listing(place.disk, place.directory) == ()
    assert len(await place.sizes()) == 1
    await incoming.discard()
    assert await place.sizes() == {}


async def test_above_the_cap_of_messages_the_oldest_go(place: Place) -> None:
    archive = await opened(place, Caps(messages=2))
    records = [await keep(archive) for _ in range(4)]
    assert await listing(place.disk, place.directory) == tuple(records[2:])
    assert len(await place.sizes()) == 4


async def test_above_the_cap_of_octets_as_many_go_as_have_to(place: Place) -> None:
    archive = await opened(place, Caps(size_bytes=10_000))
    for _ in range(3):
        await keep(archive, b"x" * 2500)
    last = await keep(archive, b"x" * 5000)
    assert [record.number for record in await listing(place.disk, place.directory)] == [3, last.number]
    assert sum((await place.sizes()).values()) <= 10_000


async def test_a_message_larger_than_the_archive_is_refused_and_no_other_goes_for_it(place: Place) -> None:
    archive = await opened(place, Caps(size_bytes=1000))
    small = await keep(archive)
    with pytest.raises(TooLarge, match="the archive holds 1000"):
        await keep(archive, b"x" * 999)
    assert await listing(place.disk, place.directory) == (small,)
    assert len(await place.sizes()) == 2


async def test_an_archive_that_is_opened_again_goes_on_counting_and_keeps_its_caps(place: Place) -> None:
    before = await opened(place)
    records = [await keep(before) for _ in range(3)]
    after = await opened(place, Caps(messages=2))
    assert await listing(place.disk, place.directory) == tuple(records[1:])
    assert (await keep(after)).number == 4
    assert [record.number for record in await listing(place.disk, place.directory)] == [3, 4]


async def test_opening_removes_what_a_crash_left_and_nothing_else(place: Place) -> None:
    kept = await keep(await opened(place))
    for name in ("000002.eml", "000003.json", "000004.eml.0a1b2c3d.tmp", "notes.txt", "000005.eml.bak"):
        await place.disk.write(place.directory / name, [b"x"])
    archive = await opened(place)
    assert set(await place.sizes()) == {"000001.eml", "000001.json", "notes.txt", "000005.eml.bak"}
    assert await listing(place.disk, place.directory) == (kept,)
    assert (await keep(archive)).number == 5


async def test_messages_that_somebody_removed_by_hand_are_no_trouble(place: Place) -> None:
    archive = await opened(place, Caps(messages=1))
    await keep(archive)
    for name in await place.sizes():
        await place.disk.unlink(place.directory / name)
    record = await keep(archive)
    assert await listing(place.disk, place.directory) == (record,)


async def test_a_record_that_somebody_spoilt_is_passed_over(place: Place) -> None:
    archive = await opened(place)
    await keep(archive)
    record = await keep(archive)
    await place.disk.write(place.directory / "000001.json", [b"{"])
    assert await listing(place.disk, place.directory) == (record,)
    assert await load(place.disk, place.directory, 1) is None


async def test_a_message_whose_content_is_gone_is_not_there(place: Place) -> None:
    await keep(await opened(place))
    await place.disk.unlink(place.directory / "000001.eml")
    assert await load(place.disk, place.directory, 1) is None


async def test_a_message_is_found_by_its_number_and_by_its_mid(place: Place) -> None:
    archive = await opened(place)
    one, two = [await keep(archive, b"Received: by x id 6911c5b5-2a; Mon\r\n\r\n") for _ in range(2)]
    other = await keep(archive)
    assert await find(place.disk, place.directory, "3") == (other,)
    assert await find(place.disk, place.directory, "6911c5b5-2a") == (one, two)
    for name in ("9", "../000001", "9" * 30, "²"):
        assert await find(place.disk, place.directory, name) == ()


async def test_on_a_full_disk_nothing_is_captured_and_nothing_left(simulated: SimulatedWorld) -> None:
    place = simulated_place(simulated)
    archive = await opened(place)
    simulated.files.plan(Trouble.NO_SPACE, call="write_at")
    with pytest.raises(DiskFull):
        await keep(archive)
    assert await place.sizes() == {}


async def test_a_message_without_its_record_is_not_seen_and_goes_in_its_turn(simulated: SimulatedWorld) -> None:
    place = simulated_place(simulated)
    archive = await opened(place, Caps(messages=1))
    simulated.files.plan(Trouble.IO_ERROR, call="rename", at=2)
    with pytest.raises(DiskFailed):
        await keep(archive)
    assert await listing(place.disk, place.directory) == ()
    await keep(archive)
    assert set(await place.sizes()) == {"000002.eml", "000002.json"}


async def test_a_message_that_cannot_be_removed_does_not_keep_a_new_one_out(
    simulated: SimulatedWorld, caplog: pytest.LogCaptureFixture
) -> None:
    place = simulated_place(simulated)
    archive = await opened(place, Caps(messages=1))
    await keep(archive)
    simulated.files.plan(Trouble.IO_ERROR, call="unlink")
    second = await keep(archive)
    assert "cannot remove captured message 1" in caplog.text
    await opened(place, Caps(messages=1))
    assert await listing(place.disk, place.directory) == (second,)


@pytest.mark.parametrize("seed", range(3))
async def test_whenever_the_power_fails_what_was_kept_is_there_and_nothing_by_halves(seed: int) -> None:
    calls, finished = 0, False
    while not finished:
        calls += 1
        world = SimulatedWorld(seed=seed)
        place = simulated_place(world)
        archive = await opened(place, Caps(messages=2))
        world.files.plan(Trouble.POWER_OFF, at=calls)
        kept, finished = await keep_until_the_lights_go_out(archive, messages=4)
        world.crash(survivors=True)
        again = await opened(place, Caps(messages=3))
        records = await listing(place.disk, place.directory)
        assert set(kept[-1:]) <= set(records)
        assert len(records) >= min(len(kept), 2)  # none goes before a newer one is kept
        for record in records:
            message = await load(place.disk, place.directory, record.number)
            assert message is not None
            assert len(message.content) == record.size_bytes
        assert len(await place.sizes()) == 2 * len(records)
        assert (await keep(again)).number > max((record.number for record in records), default=0)
    assert calls > 20


async def keep_until_the_lights_go_out(archive: Archive, *, messages: int) -> tuple[list[Captured], bool]:
    """Return what was kept, and whether it was all."""
    kept: list[Captured] = []
    try:
        for _ in range(messages):
            record = await keep(archive)
            kept.append(record)
    except DiskError:
        return kept, False
    return kept, True
