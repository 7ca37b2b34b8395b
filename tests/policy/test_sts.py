"""MTA-STS as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.policy.encryption.sts import MAX_AGE_S, MAX_PATTERNS, StsMode, StsPolicy, StsUnusable, edition, parse_policy

GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mx.example.org\r\nmx: *.Mail.example.org\r\nmax_age: 604800\r\n"


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([b"v=STSv1; id=20261122T000000;"], "20261122T000000"),
        ([b"v=STSv1;id=1"], "1"),
        ([b"v=STSv1; new=x; id=1 ;"], "1"),
        ([b"v=spf1 -all", b"v=STSv1; id=1;"], "1"),
        ([], None),
        ([b"v=spf1 -all"], None),
        ([b"v=STSv1"], None),
        ([b"v=STSv2; id=1;"], None),
        ([b" v=STSv1; id=1;"], None),
        ([b"v=STSv1; id=1;", b"v=STSv1; id=2;"], None),
        ([b"v=STSv1; id=;"], None),
        ([b"v=STSv1; id=a-b;"], None),
        ([b"v=STSv1; id=" + b"x" * 33], None),
        ([b"v=STSv1; id=\xc3\xa4;"], None),
    ],
)
def test_a_record_says_which_edition_there_is(texts: list[bytes], found: str | None) -> None:
    assert edition(texts) == found


def test_a_policy_as_in_the_rfc() -> None:
    assert parse_policy(GOOD) == StsPolicy(
        mode=StsMode.ENFORCE, max_age_s=604_800, patterns=("mx.example.org", "*.mail.example.org")
    )
    assert parse_policy(GOOD.replace(b"\r\n", b"\n")) == parse_policy(GOOD)


def test_fields_that_are_new_are_passed_over_and_of_two_the_first_counts() -> None:
    assert parse_policy(b"extra: 1\nnonsense\n" + GOOD + b"mode: none\nmax_age: 1\n") == parse_policy(GOOD)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"STSv1", b"STSv2"),
        (b"version", b"Version"),
        (b"enforce", b"Enforce"),
        (b"mode: enforce", b""),
        (b"604800", b""),
        (b"604800", b"-1"),
        (b"604800", b"12345678901"),
        (b"604800", "٣".encode()),
        (b"mx:", b"mxes:"),
        (b"mx.example", b"\xff"),
        (b"mx: mx.example.org", b"mx: x\n" * MAX_PATTERNS),
    ],
)
def test_what_is_no_policy_is_refused(before: bytes, after: bytes) -> None:
    with pytest.raises(StsUnusable):
        parse_policy(GOOD.replace(before, after))


def test_a_policy_may_say_that_there_is_none() -> None:
    assert parse_policy(b"version: STSv1\nmode: none\nmax_age: 86400\n").mode is StsMode.NONE


def test_no_policy_holds_for_more_than_a_year() -> None:
    assert parse_policy(GOOD.replace(b"604800", b"9999999999")).max_age_s == MAX_AGE_S


@pytest.mark.parametrize(
    ("host", "listed"),
    [
        ("mx.example.org", True),
        ("MX.example.org", True),
        ("a.mail.example.org", True),
        ("mail.example.org", False),
        ("a.b.mail.example.org", False),
        ("mx.example.com", False),
    ],
)
def test_hosts_are_listed_by_name_or_by_one_label(host: str, listed: bool) -> None:
    assert parse_policy(GOOD).lists(host) is listed


@given(st.binary(max_size=300))
def test_whatever_a_web_server_says_is_a_policy_or_refused(body: bytes) -> None:
    try:
        policy = parse_policy(body)
    except StsUnusable:
        return
    assert 0 <= policy.max_age_s <= MAX_AGE_S


@given(st.lists(st.binary(max_size=60).map(lambda tail: b"v=STSv1;" + tail), max_size=2))
def test_whatever_stands_in_dns_is_an_edition_or_none(texts: list[bytes]) -> None:
    found = edition(texts)
    assert found is None or (found.isalnum() and len(found) <= 32)
