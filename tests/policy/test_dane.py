"""TLSA records against what a host shows."""

import hashlib

import pytest
from attrs import frozen
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.encryption.dane import Tlsa, authentic, usable
from tests.policy.certificates import NOW, Issued, authority, chain, host, intermediate, issue, root

MATCHES = list({0: None, 1: hashlib.sha256, 2: hashlib.sha512}.items())


@frozen
class Record:
    usage: int
    selector: int
    matching_type: int
    data: bytes


def record(of: Issued, usage: int, selector: int = 1, matching_type: int = 1) -> Record:
    whole = (
        of.der if selector == 0 else of.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    digest = dict(MATCHES)[matching_type]
    return Record(usage, selector, matching_type, digest(whole).digest() if digest else whole)


def holds(
    *records: Tlsa, shown: tuple[bytes, ...] | None = None, name: str = "mx.example.org", now: float = NOW
) -> bool:
    return authentic(records, chain() if shown is None else shown, names=(name,), now=now)


@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize("matching_type", [0, 1, 2])
def test_a_record_of_each_kind_matches_what_it_was_made_from_and_nothing_else(
    selector: int, matching_type: int
) -> None:
    end, anchor = record(host(), 3, selector, matching_type), record(root(), 2, selector, matching_type)
    other = issue("a host", names=("mx.example.org",))
    assert usable([end, anchor]) == (end, anchor)
    assert holds(end)
    assert holds(anchor)
    assert not holds(end, shown=(other.der,))
    assert not holds(anchor, shown=(other.der, root().der))


def test_usage_3_asks_for_neither_name_nor_date_nor_issuer() -> None:
    assert holds(record(host(), 3), shown=(host().der,), name="elsewhere.example", now=NOW + 1e9)


def test_usage_3_is_about_the_host_and_not_about_its_issuer() -> None:
    assert not holds(record(root(), 3))


def test_usage_2_asks_for_name_and_date_and_a_chain() -> None:
    anchor = record(intermediate(), 2)
    assert holds(anchor, shown=(host().der, intermediate().der))
    assert not holds(anchor, name="elsewhere.example")
    assert not holds(anchor, now=NOW + 1e9)
    assert not holds(anchor, shown=(host().der,))
    assert not holds(record(host(), 2))


def test_an_anchor_that_is_published_whole_need_not_be_shown() -> None:
    assert holds(record(intermediate(), 2, 0, 0), shown=(host().der,))
    assert holds(record(root(), 2, 0, 0), shown=(host().der, intermediate().der))


def test_one_record_that_matches_is_enough_as_while_keys_change() -> None:
    assert holds(record(issue("next"), 3), record(host(), 3))
    assert holds(record(authority("next"), 2), record(issue("next"), 3), record(root(), 2))


@pytest.mark.parametrize("shown", [(), (b"",), (b"no certificate",)])
def test_what_is_no_certificate_matches_nothing(shown: tuple[bytes, ...]) -> None:
    assert not holds(record(host(), 3), record(root(), 2), shown=shown)


@pytest.mark.parametrize(
    "odd",
    [
        Record(0, 1, 1, b"x" * 32),
        Record(1, 1, 1, b"x" * 32),
        Record(4, 1, 1, b"x" * 32),
        Record(3, 2, 1, b"x" * 32),
        Record(3, 1, 3, b"x" * 32),
        Record(3, 1, 1, b"x" * 31),
        Record(3, 1, 2, b"x" * 32),
        Record(3, 1, 0, b"no key"),
        Record(2, 0, 0, b"no certificate"),
    ],
)
def test_what_cannot_be_used_is_left_out(odd: Record) -> None:
    assert usable([odd]) == ()
    assert usable([odd, good := record(host(), 3)]) == (good,)


def test_of_digests_the_strongest_counts_for_each_usage_and_selector() -> None:
    weak, strong, other, whole = (
        record(host(), 3, 1, 1),
        record(host(), 3, 1, 2),
        record(host(), 3, 0, 1),
        record(host(), 3, 1, 0),
    )
    assert usable([weak, strong, other, whole]) == (strong, other, whole)


@given(
    st.lists(
        st.builds(
            Record,
            st.integers(0, 255),
            st.integers(0, 255),
            st.integers(0, 255),
            st.binary(max_size=70),
        ),
        max_size=6,
    )
)
def test_records_of_any_kind_break_nothing_and_vouch_for_nobody(records: list[Record]) -> None:
    assert not holds(*usable(records))


def test_certificates_that_cannot_be_read_are_in_nobodys_way() -> None:
    assert holds(record(host(), 3), shown=(host().der, b"rubbish"))
    assert holds(record(root(), 2), shown=(host().der, b"rubbish", intermediate().der, root().der))
