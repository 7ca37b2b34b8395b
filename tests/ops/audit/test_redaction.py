from pathlib import PurePosixPath

from hypothesis import given
from hypothesis import strategies as st

from empath.config.schema import Redaction
from empath.ops.audit.redaction import KEY_BYTES, Redactor, read_or_make_key
from empath.sim import SimulatedWorld

LOCAL_PARTS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz.+", min_size=3, max_size=20).map(lambda text: f"q{text}q")


def hashing(key: bytes = b"k" * KEY_BYTES) -> Redactor:
    return Redactor(sender=Redaction.HASH, recipients=Redaction.HASH, key=key)


def test_equal_addresses_have_equal_hashes_whatever_the_capitals() -> None:
    redactor = hashing()
    assert redactor.of_recipient("Ann@example.org") == redactor.of_recipient("ann@example.org")
    assert redactor.of_recipient("ann@Example.ORG") == redactor.of_recipient("ann@example.org")
    assert redactor.of_recipient("ann@example.org") == redactor.of_sender("ann@example.org")


def test_the_hash_depends_on_the_key_and_on_each_letter_of_the_local_part() -> None:
    redactor = hashing()
    assert redactor.of_recipient("ann@example.org") != hashing(b"x" * KEY_BYTES).of_recipient("ann@example.org")
    assert redactor.of_recipient("ann@example.org") != redactor.of_recipient("anna@example.org")


def test_the_null_sender_stays_empty() -> None:
    assert hashing().of_sender("") == ""


@given(LOCAL_PARTS, st.sampled_from([Redaction.LOCAL, Redaction.HASH]))
def test_no_text_keeps_a_local_part_that_is_hidden(local: str, redaction: Redaction) -> None:
    address = f"{local}@example.org"
    redactor = Redactor(sender=redaction, recipients=redaction, key=b"k")
    text = redactor.of_text(f"550 <{address.upper()}>: {local} unknown", sender="", recipient=address)
    assert local.casefold() not in text.casefold()


async def test_the_key_is_made_once_and_then_read() -> None:
    world = SimulatedWorld(1).world
    await world.disk.make_directory(PurePosixPath("/spool"))
    path = PurePosixPath("/spool/audit.key")
    key = await read_or_make_key(world.disk, world.entropy, path)
    assert len(key) == KEY_BYTES
    assert await read_or_make_key(world.disk, world.entropy, path) == key
