"""The Spool contract, looking into a message: whatever state it is in, small or large, sound or not."""

from empath.spool.contract import BodyFile, Delete, Finished, Selector, Spool
from tests.contracts.spools import NOW, claim, message, mid


async def test_a_body_is_read_by_the_name_of_its_message_and_that_changes_nothing(spool: Spool) -> None:
    await spool.accept(message(1, body=b"one\r\n"))
    await spool.accept(message(2, body=b"two\r\n"))
    assert await spool.body_of(mid(2)) == b"two\r\n"
    assert await spool.body_of(mid(3)) is None
    assert [one.mid for one in (await claim(spool)).claims] == [mid(1), mid(2)]
    assert await spool.body_of(mid(1)) == b"one\r\n"


async def test_what_was_delivered_has_no_body_any_more_and_what_lies_in_the_trash_has(spool: Spool) -> None:
    for number in (1, 2):
        await spool.accept(message(number, body=b"x"))
    claims = (await claim(spool, room=1)).claims
    await spool.record([Finished(key=claims[0].deliveries[0].key)])
    await spool.apply(Delete(), Selector(ids=frozenset({mid(2)})), now=NOW)
    assert (await spool.body_of(mid(1)), await spool.body_of(mid(2))) == (None, b"x")


async def test_a_large_body_is_named_by_its_file(spool: Spool) -> None:
    draft = await spool.draft_body(mid(1))
    await draft.write(b"large")
    file = await draft.commit()
    await spool.accept(message(1, body=file))
    found = await spool.body_of(mid(1))
    assert isinstance(found, BodyFile)
    assert (found.name, found.size_bytes) == (file.name, 5)
