"""Reports on TLS as far as they are text and numbers: the record, the words, the count, and the report (RFC 8460)."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.policy.encryption.sts import parse_policy
from empath.policy.tlsrpt.record import MAX_PLACES, mail_address, places
from empath.policy.tlsrpt.report import TlsReport
from empath.policy.tlsrpt.results import (
    MAX_REASON,
    NO_POLICY,
    PolicyKind,
    Published,
    ResultType,
    Trouble,
    published_sts,
    published_tlsa,
    result_of,
)
from empath.policy.tlsrpt.tally import MAX_OF_DOMAIN, DayTally, DomainTally
from empath.world import TlsaRecord

GOLDEN = Path(__file__).parent / "golden" / "tlsrpt.json"
STS = parse_policy(b"version: STSv1\nmode: testing\nmx: *.mail.example.org\nmax_age: 86400\n")


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        ([b"v=TLSRPTv1; rua=mailto:a@b.example"], ("mailto:a@b.example",)),
        ([b"v=TLSRPTv1;rua=mailto:a@b.example;"], ("mailto:a@b.example",)),
        (
            [b"v=TLSRPTv1; rua = https://b.example/x , mailto:a@b.example"],
            ("https://b.example/x", "mailto:a@b.example"),
        ),
        ([b"v=TLSRPTv1; new=x; rua=https://b.example/"], ("https://b.example/",)),
        ([b"v=spf1 -all", b"v=TLSRPTv1; rua=mailto:a@b.example"], ("mailto:a@b.example",)),
        ([b"v=TLSRPTv1; rua=mailto:a@b.example,mailto:a@b.example"], ("mailto:a@b.example",)),
        ([b"v=TLSRPTv1; rua=ftp://b.example/, http://b.example/, mailto:a@b.example"], ("mailto:a@b.example",)),
        ([b"v=TLSRPTv1; rua=mailto:a%20b@c.example"], ()),
        ([b"v=TLSRPTv1; rua=mailto:a, https://, https:///x, https://[x/"], ()),
        ([b"v=TLSRPTv1; rua=https://b.example/" + b"x" * 2000], ()),
        ([b"v=TLSRPTv1"], ()),
        ([b"v=TLSRPTv1; rua"], ()),
        ([b"v=TLSRPTv2; rua=mailto:a@b.example"], ()),
        ([b"v=TLSRPTv1; rua=mailto:\xc3\xa4@b.example"], ()),
        ([b"v=TLSRPTv1; rua=mailto:a@b.example", b"v=TLSRPTv1; rua=mailto:c@d.example"], ()),
        ([], ()),
    ],
)
def test_a_record_says_where_reports_go(texts: list[bytes], found: tuple[str, ...]) -> None:
    assert places(texts) == found


def test_the_places_of_one_domain_are_bounded() -> None:
    record = b"v=TLSRPTv1; rua=" + b",".join(b"https://%d.example/" % number for number in range(20))
    assert len(places([record])) == MAX_PLACES


@given(st.lists(st.binary() | st.binary().map(lambda tail: b"v=TLSRPTv1; rua=" + tail), max_size=3))
def test_any_record_has_places_that_can_be_used_or_none(texts: list[bytes]) -> None:
    for uri in places(texts):
        assert uri.isascii()
        assert uri.isprintable()
        assert mail_address(uri) is not None or uri.lower().startswith("https://")


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("mailto:a@b.example", "a@b.example"),
        ("MAILTO:a%2Bb@c.example?subject=x", "a+b@c.example"),
        ("mailto:a@b.example,c@d.example", None),
        ("mailto:a%0d%0aRCPT@b.example", None),
        ("mailto:%C3%A4@b.example", None),
        ("mailto:postmaster", None),
        ("mailto:", None),
        ("https://b.example/", None),
    ],
)
def test_a_mail_address_is_taken_from_its_uri(uri: str, address: str | None) -> None:
    found = mail_address(uri)
    assert (None if found is None else str(found)) == address


@pytest.mark.parametrize(
    ("kind", "text", "encrypted", "by_name", "result"),
    [
        (Kind.TLS_UNAVAILABLE, "", False, False, ResultType.STARTTLS_NOT_SUPPORTED),
        (Kind.TLS_UNTRUSTED, "certificate has expired", False, True, ResultType.CERTIFICATE_EXPIRED),
        (Kind.TLS_UNTRUSTED, "self-signed certificate", False, True, ResultType.CERTIFICATE_NOT_TRUSTED),
        (Kind.TLS_UNTRUSTED, "not for x", True, True, ResultType.CERTIFICATE_HOST_MISMATCH),
        (Kind.TLS_UNTRUSTED, "no match", True, False, ResultType.VALIDATION_FAILURE),
        (Kind.TLS_FAILED, "WRONG_VERSION_NUMBER", False, True, ResultType.VALIDATION_FAILURE),
        (Kind.CONNECTION_LOST, "", False, False, ResultType.VALIDATION_FAILURE),
        (Kind.TIMEOUT, "", False, False, ResultType.VALIDATION_FAILURE),
    ],
)
def test_each_failure_has_a_word(kind: Kind, text: str, encrypted: bool, by_name: bool, result: ResultType) -> None:
    diagnosis = Diagnosis(kind=kind, phase=Phase.STARTTLS, host="mx.example.org", text=text)
    assert result_of(diagnosis, encrypted=encrypted, by_name=by_name) is result


def test_a_policy_in_the_mode_none_is_no_policy() -> None:
    none = parse_policy(b"version: STSv1\nmode: none\nmax_age: 86400\n")
    assert published_sts(none) == published_sts(None) == NO_POLICY


TROUBLES = st.builds(
    Trouble,
    result=st.sampled_from(ResultType),
    host=st.sampled_from(["mx1.example.org", "mx2.example.org"]),
    receiving_ip=st.none() | st.just("192.0.2.7"),
    reason=st.text(max_size=3),
)
POLICIES = st.sampled_from([NO_POLICY, published_sts(STS), Published(PolicyKind.TLSA, ("3 1 1 00",))])
SESSIONS = st.lists(st.tuples(st.sampled_from(["a.example", "b.example"]), POLICIES, st.none() | TROUBLES), max_size=30)


def tally_of(sessions: list[tuple[str, Published, Trouble | None]], *, max_results: int = 1000) -> DayTally:
    tally = DayTally(max_results)
    for domain, policy, trouble in sessions:
        tally.add(domain, policy, trouble)
    return tally


@given(SESSIONS)
def test_every_connection_is_counted_once(sessions: list[tuple[str, Published, Trouble | None]]) -> None:
    for one in tally_of(sessions).domains:
        for policy in one.policies:
            ours = [trouble for domain, name, trouble in sessions if (domain, name) == (one.domain, policy.policy)]
            assert policy.successes == ours.count(None)
            assert policy.failures == len(ours) - ours.count(None)
            assert sum(counted.sessions for counted in policy.troubles) == policy.failures
    assert {one.domain for one in tally_of(sessions).domains} == {domain for domain, *_ in sessions}


@given(SESSIONS, SESSIONS)
def test_what_is_restored_counts_like_what_was_just_added(
    before: list[tuple[str, Published, Trouble | None]], after: list[tuple[str, Published, Trouble | None]]
) -> None:
    restored = DayTally(1000)
    restored.restore(tally_of(before).domains)
    for domain, policy, trouble in after:
        restored.add(domain, policy, trouble)
    assert restored.domains == tally_of(before + after).domains


@given(SESSIONS, st.integers(1, 10))
def test_the_count_is_bounded_and_its_sums_stay_right(
    sessions: list[tuple[str, Published, Trouble | None]], max_results: int
) -> None:
    bounded = tally_of(sessions, max_results=max_results).domains
    whole = {(one.domain, each.policy): each for one in tally_of(sessions).domains for each in one.policies}
    kept = [(one.domain, each) for one in bounded for each in one.policies]
    assert sum(1 + len(each.troubles) for _, each in kept) <= max_results
    for domain, each in kept:
        assert (each.successes, each.failures) == (
            whole[domain, each.policy].successes,
            whole[domain, each.policy].failures,
        )


def test_one_domain_cannot_take_all_the_room() -> None:
    tally = DayTally(1000)
    for number in range(500):
        tally.add("a.example", Published(PolicyKind.TLSA, (str(number),)), None)
    tally.add("b.example", NO_POLICY, None)
    assert [len(one.policies) for one in tally.domains] == [MAX_OF_DOMAIN, 1]


def test_what_is_forgotten_makes_room() -> None:
    tally = DayTally(2)
    tally.add("a.example", NO_POLICY, None)
    tally.add("b.example", NO_POLICY, None)
    tally.keep_only(["b.example"])
    tally.add("c.example", NO_POLICY, None)
    assert [one.domain for one in tally.domains] == ["b.example", "c.example"]


def test_a_reason_is_short() -> None:
    trouble = Trouble(result=ResultType.VALIDATION_FAILURE, host="mx", reason="x" * 5000)
    assert len(trouble.reason) == MAX_REASON


def example() -> DomainTally:
    tally = DayTally(100)
    host = "mx.mail.example.org"
    expired = Trouble(
        result=ResultType.CERTIFICATE_EXPIRED,
        host=host,
        receiving_ip="198.51.100.7",
        sending_ip="2001:db8::1",
        reason="certificate has expired",
    )
    for _ in range(100):
        tally.add("example.org", published_sts(STS), expired)
    for _ in range(5326):
        tally.add("example.org", published_sts(STS), None)
    tally.add("example.org", published_sts(STS), Trouble(result=ResultType.STARTTLS_NOT_SUPPORTED, host=host))
    tally.add("example.org", published_tlsa([TlsaRecord(3, 1, 1, b"\x01\xab")]), None)
    tally.add("example.org", NO_POLICY, None)
    return tally.domains[0]


def report() -> TlsReport:
    return TlsReport(organization="empath.example", contact="tls@empath.example", day=20_000, tally=example())


def test_the_report_is_the_golden_file_to_the_octet() -> None:
    made = report().as_json()
    if os.environ.get("EMPATH_WRITE_GOLDEN"):
        GOLDEN.write_bytes(made)
    assert made == GOLDEN.read_bytes()


def test_the_report_has_what_the_rfc_asks_for() -> None:
    # Any: it is JSON.
    read: dict[str, Any] = json.loads(report().as_json())
    assert read["date-range"] == {"start-datetime": "2024-10-04T00:00:00Z", "end-datetime": "2024-10-04T23:59:59Z"}
    assert set(read) == {"organization-name", "date-range", "contact-info", "report-id", "policies"}
    assert read["report-id"] == "2024-10-04.example.org@empath.example"
    assert [one["policy"]["policy-type"] for one in read["policies"]] == ["sts", "tlsa", "no-policy-found"]
    sts, tlsa, none = read["policies"]
    assert sts["summary"] == {"total-successful-session-count": 5326, "total-failure-session-count": 101}
    assert sts["policy"]["mx-host"] == ["*.mail.example.org"]
    assert tlsa["policy"]["policy-string"] == ["3 1 1 01ab"]
    assert "policy-string" not in none["policy"]
    assert sum(one["failed-session-count"] for one in sts["failure-details"]) == 101
