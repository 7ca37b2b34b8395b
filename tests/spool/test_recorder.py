"""The recorder: it goes through what POSIX allows, no more and no less."""

from empath.sim.disk import SimulatedFiles
from tests.spool.recorder import Outcomes, RecordedFiles


def written(files: SimulatedFiles, path: str, *pieces: bytes) -> int:
    handle = files.create(path)
    at = 0
    for piece in pieces:
        at += files.write_at(handle, piece, at)
    return handle


def seen(files: SimulatedFiles) -> frozenset[tuple[str, bytes]]:
    found = set()
    for name in files.names("/"):
        path = f"/{name}"
        handle = files.open(path)
        found.add((name, files.read_at(handle, 100, 0)))
    return frozenset(found)


def test_what_is_synced_has_one_outcome() -> None:
    files = SimulatedFiles()
    files.sync(written(files, "/a", b"x"))
    files.sync_directory("/")
    assert [seen(disk) for disk in Outcomes(files, 100)] == [{("a", b"x")}]


def test_of_the_writes_of_a_file_any_may_be_there_and_the_name_before_all_of_them() -> None:
    files = SimulatedFiles()
    written(files, "/a", b"x", b"y")
    outcomes = {seen(disk) for disk in Outcomes(files, 100)}
    contents = (b"", b"x", b"\0y", b"xy")
    assert outcomes == {frozenset(), *[frozenset({("a", content)}) for content in contents]}


def test_the_changes_of_a_directory_are_there_in_their_order() -> None:
    files = SimulatedFiles()
    files.sync(written(files, "/a", b"x"))
    files.rename("/a", "/b")
    files.sync(written(files, "/c"))
    outcomes = {seen(disk) for disk in Outcomes(files, 100)}
    assert outcomes == {
        frozenset(),
        frozenset({("a", b"x")}),
        frozenset({("b", b"x")}),
        frozenset({("b", b"x"), ("c", b"")}),
    }


def test_if_there_are_too_many_some_are_drawn_and_the_ends_are_among_them() -> None:
    files = SimulatedFiles()
    for number in range(10):
        written(files, f"/{number}", b"x")
    outcomes = Outcomes(files, 20)
    disks = [seen(disk) for disk in outcomes]
    assert (len(disks), outcomes.is_all) == (20, False)
    assert (disks[0], len(disks[1])) == (frozenset(), 10)


def test_each_moment_at_which_the_disk_or_what_is_known_is_another_one_is_taken_down() -> None:
    files, known = RecordedFiles(), [0]
    files.begin(lambda: known)
    handle = files.create("/a")
    files.read_at(handle, 1, 0)
    files.names("/")
    known.append(1)
    files.names("/")
    files.write_at(handle, b"x", 0)
    moments = files.end()
    assert [(seen(moment.disk), moment.known) for moment in moments] == [
        (frozenset(), [0]),
        ({("a", b"")}, [0]),
        ({("a", b"")}, [0, 1]),
        ({("a", b"x")}, [0, 1]),
    ]


def test_among_many_are_those_that_lack_or_have_a_single_thing() -> None:
    files = SimulatedFiles()
    handle = files.create("/a")
    files.sync_directory("/")
    for at in range(8):
        files.write_at(handle, b"x", at)
    found = [content for disk in Outcomes(files, 40) for _, content in seen(disk)]
    assert {b"xxxxxxx", b"xxxxxx\0x", b"\0\0\0\0\0\0\0x", b"\0\0\0\0\0\0x"} <= set(found)
