"""What is counted of connections for reports on TLS; and the reports themselves, which go through whatever they say."""

from contextlib import suppress
from pathlib import Path, PurePath

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from empath.delivery import Dialling
from empath.delivery.telling.day_book import DayBook
from empath.delivery.telling.witness import Witness
from empath.mail.failure import Failure
from empath.policy.encryption.tls import TlsPolicy
from empath.world import FetchResponse
from tests.delivery.dials import DOMAIN
from tests.delivery.shown import HOST, tlsa
from tests.delivery.test_tls_policies import UNUSABLE, Scene, scene

OPPORTUNISTIC, REQUIRED, DANE = TlsPolicy.OPPORTUNISTIC, TlsPolicy.REQUIRED, TlsPolicy.DANE
Count = tuple[str, int, dict[str, int]]
"""A kind of policy; how many connections were good, and what was wrong with the others."""


def witnessed(there: Scene, book: DayBook, policy: TlsPolicy = OPPORTUNISTIC, *, invalid: bool = False) -> Dialling:
    dialling = there.dialling(policy, accept_invalid_certs=invalid)
    return evolve(dialling, witness=Witness(book), demands=evolve(dialling.demands, reported=True))


def book_of(there: Scene) -> DayBook:
    return DayBook(there.world.world.disk, there.world.clock, PurePath("/spool/tls-reports"), max_results=100)


def counted(there: Scene, book: DayBook) -> list[Count]:
    return [
        (one.policy.kind.value, one.successes, {each.trouble.result.value: each.sessions for each in one.troubles})
        for tally in book.domains(int(there.world.clock.now() // 86_400))
        for one in tally.policies
    ]


async def connect(dialling: Dialling, there: Scene, *, tls_optional: bool = False) -> bool | None:
    """Whether the connection is encrypted; None: none came about."""
    with suppress(Failure):
        hop = await dialling.open(there.target, tls_optional=tls_optional)
        await trio.aclose_forcefully(hop.stream)
        return hop.tls is not None
    return None


@pytest.mark.parametrize(
    ("situation", "published", "policy", "count"),
    [
        ("unknown", "", OPPORTUNISTIC, ("no-policy-found", 1, {})),
        ("no starttls", "", OPPORTUNISTIC, ("no-policy-found", 0, {"starttls-not-supported": 1})),
        ("no starttls", "", REQUIRED, ("no-policy-found", 0, {"starttls-not-supported": 1})),
        ("refused", "", OPPORTUNISTIC, ("no-policy-found", 0, {"starttls-not-supported": 1})),
        ("refused", "", REQUIRED, ("no-policy-found", 0, {"starttls-not-supported": 1})),
        ("broken", "", OPPORTUNISTIC, ("no-policy-found", 0, {"validation-failure": 1})),
        ("broken", "", REQUIRED, ("no-policy-found", 0, {"validation-failure": 1})),
        ("good", "match", OPPORTUNISTIC, ("tlsa", 1, {})),
        ("good", "mismatch", OPPORTUNISTIC, ("tlsa", 0, {"validation-failure": 1})),
        ("good", "unusable", OPPORTUNISTIC, ("tlsa", 0, {"tlsa-invalid": 1})),
        ("good", "lost", OPPORTUNISTIC, ("tlsa", 0, {"dnssec-invalid": 1})),
        ("good", "", DANE, ("no-policy-found", 0, {"dane-required": 1})),
        ("good", "enforce", OPPORTUNISTIC, ("sts", 1, {})),
        ("expired", "enforce", OPPORTUNISTIC, ("sts", 0, {"certificate-expired": 1})),
        ("wrong name", "testing", OPPORTUNISTIC, ("sts", 0, {"certificate-host-mismatch": 1})),
        ("broken", "testing", OPPORTUNISTIC, ("sts", 0, {"validation-failure": 1})),
        ("good", "missing", OPPORTUNISTIC, ("sts", 0, {"sts-policy-fetch-error": 1})),
        ("good", "garbled", OPPORTUNISTIC, ("sts", 0, {"sts-policy-invalid": 1})),
    ],
)
async def test_each_connection_is_counted_once_under_what_was_published(
    autojump_clock: MockClock, tmp_path: Path, situation: str, *, published: str, policy: TlsPolicy, count: Count
) -> None:
    async with scene(situation, tmp_path) as there:
        publish(there, published)
        book = book_of(there)
        await connect(witnessed(there, book, policy), there)
        assert counted(there, book) == [count]


def publish(there: Scene, what: str) -> None:
    records = {"match": tlsa("good"), "mismatch": tlsa("unknown"), "unusable": UNUSABLE}
    if what in records:
        there.publish_tlsa(records[what])
    elif what == "lost":
        there.publish_tlsa()
        there.world.zones.failing.add(f"_25._tcp.{HOST}")
    elif what:
        there.publish_sts("enforce" if what in ("missing", "garbled") else what)
        pages = there.world.fetch.pages
        if what == "missing":
            pages.clear()
        if what == "garbled":
            pages.update(dict.fromkeys(pages, FetchResponse(200, {"content-type": "text/plain"}, b"<html>")))


async def test_a_host_that_is_known_to_be_broken_is_counted_as_such(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("broken", tmp_path) as there:
        book = book_of(there)
        for _ in range(3):
            assert await connect(witnessed(there, book), there) is False
        assert [(kind, good) for kind, good, _ in counted(there, book)] == [("no-policy-found", 0)]
        (tally,) = book.domains(int(there.world.clock.now() // 86_400))
        assert tally.policies[0].failures == 3


async def test_what_is_no_business_of_the_domain_is_not_counted(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("unknown", tmp_path) as there:
        book = book_of(there)
        await connect(witnessed(there, book, TlsPolicy.DISABLED), there)
        await connect(witnessed(there, book, invalid=True), there)
        dialling = witnessed(there, book)
        await connect(evolve(dialling, demands=evolve(dialling.demands, is_routed=lambda _: True)), there)
        nobody = evolve(there, target=evolve(there.target, address="198.51.100.99"))
        await connect(dialling, nobody)
        assert counted(there, book) == []


@pytest.mark.parametrize("published", ["mismatch", "lost", "enforce"])
@pytest.mark.parametrize(("situation", "encrypted"), [("unknown", True), ("no starttls", False), ("broken", False)])
async def test_a_report_goes_through_whatever_the_domain_has_published_and_is_not_counted(
    autojump_clock: MockClock, tmp_path: Path, published: str, situation: str, encrypted: bool
) -> None:
    async with scene(situation, tmp_path) as there:
        publish(there, published)
        if published == "mismatch":
            there.publish_tlsa(tlsa("good"))
        book = book_of(there)
        assert await connect(witnessed(there, book), there) is None
        before = counted(there, book)
        assert await connect(witnessed(there, book), there, tls_optional=True) is encrypted
        assert counted(there, book) == before


@pytest.mark.parametrize("policy", [REQUIRED, TlsPolicy.VERIFIED, DANE])
async def test_what_we_ask_for_ourselves_holds_for_reports_as_well(
    autojump_clock: MockClock, tmp_path: Path, policy: TlsPolicy
) -> None:
    async with scene("no starttls", tmp_path) as there:
        assert await connect(there.dialling(policy), there, tls_optional=True) is None
        assert there.host.heard_of_the_envelope == []


async def test_a_connection_that_was_opened_for_a_report_carries_nothing_that_asks_for_more(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with scene("unknown", tmp_path) as there:
        there.publish_tlsa(tlsa("good"))
        dialling = there.dialling(OPPORTUNISTIC)
        hop = await dialling.open(there.target, tls_optional=True)
        assert await dialling.suits(hop, tls_optional=True)
        assert not await dialling.suits(hop)
        await trio.aclose_forcefully(hop.stream)


async def test_the_book_is_on_the_disk_after_a_save(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("unknown", tmp_path) as there:
        book = book_of(there)
        await connect(witnessed(there, book), there)
        await book.save()
        there.world.crash()
        again = book_of(there)
        await again.load()
        assert counted(there, again) == [("no-policy-found", 1, {})]
        (tally,) = again.domains(int(there.world.clock.now() // 86_400))
        assert tally.domain == DOMAIN
