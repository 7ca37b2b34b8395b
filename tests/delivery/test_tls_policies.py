"""Every TLS policy at every kind of host, with everything that the domain may have published."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path

import pytest
import trio
from attrs import define, evolve, field
from trio.testing import MockClock

from empath.delivery import Dialling, Hop
from empath.delivery.finding.sts import StsLimits, StsPolicies
from empath.delivery.finding.sts_cache import StsCache
from empath.mail.diagnosis import Charge, Kind
from empath.mail.failure import Failure, SystemFailure, SystemKind
from empath.policy.encryption.broken_tls import BrokenTls
from empath.policy.encryption.tls import TlsPolicy
from empath.policy.route import Target
from empath.sim import SimulatedWorld
from empath.world import FetchLimits, FetchResponse, Listener, TcpEndpoint, TlsaRecord
from tests.delivery.dials import DOMAIN, dialling_in
from tests.delivery.shown import HOST, ca_file, server_side, tlsa, whole_issuer
from tests.delivery.tls_hosts import TlsHost, serving

ADDRESS = "198.51.100.1"
CERTIFICATES = ("good", "intermediate", "wrong name", "expired", "unknown")
SITUATIONS = (*CERTIFICATES, "no starttls", "refused", "broken")
UNUSABLE = TlsaRecord(1, 1, 1, b"x" * 32)
STS = "version: STSv1\nmode: {mode}\nmx: {mx}\nmax_age: 604800\n"


def host_in(situation: str) -> TlsHost:
    if situation in CERTIFICATES:
        return TlsHost(server_side(situation))
    return TlsHost(
        None if situation != "refused" else server_side("good"),
        refuses=situation == "refused",
        breaks=situation == "broken",
    )


@define
class Scene:
    """A domain with one mail host, and how we dial it."""

    host: TlsHost
    world: SimulatedWorld
    target: Target
    ca_file: Path
    broken: BrokenTls = field(factory=lambda: BrokenTls(3600, 100))

    def dialling(self, policy: TlsPolicy, *, accept_invalid_certs: bool = False, dane: bool = True) -> Dialling:
        world = self.world
        limits = StsLimits(fetch=FetchLimits(), retry_s=300, max_failures=10, refresh_s=3600)
        cache = StsCache(world.world.disk, world.clock, Path("/spool/mta-sts"), max_policies=10)
        return dialling_in(
            world,
            policy,
            accept_invalid_certs=accept_invalid_certs,
            sts=StsPolicies(world.resolver, world.fetch, world.clock, cache, limits),
            ca_file=self.ca_file,
            broken=self.broken,
            dane=dane,
        )

    async def open(self, policy: TlsPolicy, *, requiretls: bool = False, accept_invalid_certs: bool = False) -> Hop:
        dialling = self.dialling(policy, accept_invalid_certs=accept_invalid_certs)
        return await dialling.open(self.target, requiretls=requiretls)

    async def verdict(self, policy: TlsPolicy, *, requiretls: bool = False, accept_invalid_certs: bool = False) -> str:
        """``clear``, ``encrypted`` or the kind of failure."""
        try:
            hop = await self.open(policy, requiretls=requiretls, accept_invalid_certs=accept_invalid_certs)
        except Failure as problem:
            return problem.diagnosis.kind.value
        verdict = "clear" if hop.tls is None else "encrypted"
        await trio.aclose_forcefully(hop.stream)
        return verdict

    def publish_tlsa(self, *records: TlsaRecord, name: str = HOST) -> None:
        self.world.zones.signed |= {"org"}
        self.world.zones.add(f"_25._tcp.{name}", "TLSA", *records)

    def publish_sts(self, mode: str, mx: str = HOST, edition: str = "1") -> None:
        self.world.zones.add(f"_mta-sts.{DOMAIN}", "TXT", f"v=STSv1; id={edition};".encode())
        page = FetchResponse(200, {"content-type": "text/plain"}, STS.format(mode=mode, mx=mx).encode())
        self.world.fetch.pages[f"https://mta-sts.{DOMAIN}/.well-known/mta-sts.txt"] = page


@asynccontextmanager
async def scene(situation: str, directory: Path, *, secure: bool = True) -> AsyncIterator[Scene]:
    """``secure``: whether DNS vouches for host and address."""
    world = SimulatedWorld(1)
    listener: Listener = await world.network.host(ADDRESS).listen(TcpEndpoint(ADDRESS, 25))
    target = Target(HOST, ADDRESS, 25, host_secure=secure, address_secure=secure)
    async with serving(host_in(situation), listener) as host:
        yield Scene(host, world, target, ca_file(directory))


OPPORTUNISTIC = dict.fromkeys(CERTIFICATES, "encrypted") | dict.fromkeys(SITUATIONS[len(CERTIFICATES) :], "clear")
WITHOUT_TLS = {"no starttls": "tls_unavailable", "refused": "tls_unavailable", "broken": "tls_failed"}
REQUIRED = dict.fromkeys(CERTIFICATES, "encrypted") | WITHOUT_TLS
VERIFIED = {
    **dict.fromkeys(("good", "intermediate"), "encrypted"),
    **dict.fromkeys(("wrong name", "expired", "unknown"), "tls_untrusted"),
    **WITHOUT_TLS,
}
TABLE = {
    TlsPolicy.DISABLED: dict.fromkeys(SITUATIONS, "clear"),
    TlsPolicy.OPPORTUNISTIC: OPPORTUNISTIC,
    TlsPolicy.REQUIRED: REQUIRED,
    TlsPolicy.VERIFIED: VERIFIED,
    TlsPolicy.DANE: dict.fromkeys(SITUATIONS, "tls_untrusted"),
}


@pytest.mark.parametrize(("policy", "situation"), list(product(TABLE, SITUATIONS)))
async def test_every_policy_meets_every_host(
    autojump_clock: MockClock, tmp_path: Path, policy: TlsPolicy, situation: str
) -> None:
    async with scene(situation, tmp_path) as there:
        assert await there.verdict(policy) == TABLE[policy][situation]
        assert there.host.heard_of_the_envelope == []


@pytest.mark.parametrize("situation", SITUATIONS)
async def test_records_that_match_the_key_make_names_dates_and_authorities_indifferent(
    autojump_clock: MockClock, tmp_path: Path, situation: str
) -> None:
    async with scene(situation, tmp_path) as there:
        there.publish_tlsa(tlsa(situation))
        expected = REQUIRED[situation]
        for policy in (TlsPolicy.OPPORTUNISTIC, TlsPolicy.REQUIRED, TlsPolicy.DANE):
            assert await there.verdict(policy) == expected
        assert await there.verdict(TlsPolicy.VERIFIED) == VERIFIED[situation]
        assert await there.verdict(TlsPolicy.DISABLED) == "clear"


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        ("good", "encrypted"),
        ("intermediate", "encrypted"),
        ("unknown", "encrypted"),
        ("wrong name", "tls_untrusted"),
        ("expired", "tls_untrusted"),
    ],
)
async def test_records_that_name_an_anchor_ask_for_name_and_date(
    autojump_clock: MockClock, tmp_path: Path, situation: str, expected: str
) -> None:
    async with scene(situation, tmp_path) as there:
        # Published whole, since trustme's hosts do not show their root.
        there.publish_tlsa(whole_issuer(situation))
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == expected


async def test_an_anchor_below_the_root_is_found_in_what_is_shown(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("intermediate", tmp_path) as there:
        there.publish_tlsa(tlsa("intermediate", usage=2))
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == "encrypted"


@pytest.mark.parametrize("policy", [TlsPolicy.OPPORTUNISTIC, TlsPolicy.REQUIRED, TlsPolicy.DANE])
async def test_records_that_do_not_match_defer(autojump_clock: MockClock, tmp_path: Path, policy: TlsPolicy) -> None:
    async with scene("good", tmp_path) as there:
        there.publish_tlsa(tlsa("unknown"))
        assert await there.verdict(policy) == "tls_untrusted"
        assert there.host.heard_of_the_envelope == []


@pytest.mark.parametrize(("situation", "expected"), REQUIRED.items())
async def test_records_that_are_unusable_ask_for_encryption_and_no_more(
    autojump_clock: MockClock, tmp_path: Path, situation: str, expected: str
) -> None:
    async with scene(situation, tmp_path) as there:
        there.publish_tlsa(UNUSABLE)
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == expected
        assert await there.verdict(TlsPolicy.DANE) == "tls_untrusted"


@pytest.mark.parametrize(
    "target",
    [
        Target(HOST, ADDRESS, 25, host_secure=False, address_secure=True),
        Target(HOST, ADDRESS, 25, host_secure=True, address_secure=False),
    ],
)
async def test_records_do_not_count_where_the_way_to_them_is_not_secure(
    autojump_clock: MockClock, tmp_path: Path, target: Target
) -> None:
    async with scene("good", tmp_path) as there:
        there.target = target
        there.publish_tlsa(tlsa("unknown"))
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == "encrypted"
        assert await there.verdict(TlsPolicy.DANE) == "tls_untrusted"


async def test_records_that_are_not_signed_do_not_count(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("good", tmp_path) as there:
        there.publish_tlsa(tlsa("unknown"))
        there.world.zones.signed.clear()
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == "encrypted"


async def test_a_host_whose_records_cannot_be_looked_up_is_left(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("good", tmp_path) as there:
        there.world.zones.failing.add(f"_25._tcp.{HOST}")
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == "dns"
        assert there.host.connections == 0


async def test_records_stand_where_an_alias_leads_or_at_the_alias(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("good", tmp_path) as there:
        there.target = evolve(there.target, canonical_name="real.example.org")
        there.publish_tlsa(tlsa("unknown"))
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == "tls_untrusted"
        there.publish_tlsa(tlsa("good"), name="real.example.org")
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == "encrypted"
        assert there.host.server_names == [HOST, "real.example.org"]


async def test_records_are_not_obeyed_where_that_is_switched_off(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("good", tmp_path) as there:
        there.publish_tlsa(tlsa("unknown"))
        hop = await there.dialling(TlsPolicy.OPPORTUNISTIC, dane=False).open(there.target)
        assert hop.tls is not None


@pytest.mark.parametrize(("situation", "expected"), VERIFIED.items())
async def test_an_enforced_sts_policy_is_as_good_as_one_of_ours(
    autojump_clock: MockClock, tmp_path: Path, situation: str, expected: str
) -> None:
    async with scene(situation, tmp_path, secure=False) as there:
        there.publish_sts("enforce")
        for policy in (TlsPolicy.OPPORTUNISTIC, TlsPolicy.REQUIRED, TlsPolicy.VERIFIED):
            assert await there.verdict(policy) == expected
        assert there.host.heard_of_the_envelope == []


@pytest.mark.parametrize(("mode", "mx"), [("testing", HOST), ("testing", "other.example"), ("none", HOST)])
@pytest.mark.parametrize(("situation", "expected"), OPPORTUNISTIC.items())
async def test_a_policy_under_test_changes_nothing(
    autojump_clock: MockClock, tmp_path: Path, *, situation: str, expected: str, mode: str, mx: str
) -> None:
    async with scene(situation, tmp_path, secure=False) as there:
        there.publish_sts(mode, mx)
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == expected


async def test_a_host_that_the_policy_does_not_list_is_not_even_dialled(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with scene("good", tmp_path, secure=False) as there:
        there.publish_sts("enforce", "*.elsewhere.example")
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == "tls_untrusted"
        assert there.host.connections == 0


async def test_dane_outranks_mta_sts(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("unknown", tmp_path) as there:
        there.publish_sts("enforce", "elsewhere.example")
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == "tls_untrusted"
        there.publish_tlsa(tlsa("unknown"))
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == "encrypted"
    async with scene("good", tmp_path) as there:
        there.publish_sts("enforce")
        there.publish_tlsa(tlsa("unknown"))
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == "tls_untrusted"


async def test_invalid_certificates_can_be_accepted_and_clear_text_cannot(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    for situation in SITUATIONS:
        async with scene(situation, tmp_path) as there:
            there.publish_sts("enforce")
            there.publish_tlsa(tlsa("good"))
            for policy in (TlsPolicy.OPPORTUNISTIC, TlsPolicy.VERIFIED, TlsPolicy.DANE):
                assert await there.verdict(policy, accept_invalid_certs=True) == REQUIRED[situation]


async def test_a_configured_route_may_prove_to_be_the_domain_itself(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("good", tmp_path) as there:
        for target, domain, fits in (
            (Target("10.0.0.1", ADDRESS, 25), HOST, True),
            (Target(HOST, ADDRESS, 25), "elsewhere.example", True),
            (Target("10.0.0.1", ADDRESS, 25), "elsewhere.example", False),
        ):
            dialling = dialling_in(there.world, TlsPolicy.VERIFIED, domain=domain, routed=True, ca_file=there.ca_file)
            if fits:
                assert (await dialling.open(target)).tls is not None
            else:
                with pytest.raises(Failure):
                    await dialling.open(target)


async def test_broken_tls_is_remembered_for_a_while(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("broken", tmp_path) as there:
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == "clear"
        assert there.host.connections == 2
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == "clear"
        assert there.host.connections == 3
        assert await there.verdict(TlsPolicy.REQUIRED) == "tls_failed"
        await trio.sleep(3601)
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC) == "clear"
        assert there.host.connections == 6


@pytest.mark.parametrize(("situation", "expected"), VERIFIED.items())
async def test_requiretls_asks_for_proof_and_is_not_held_against_the_site(
    autojump_clock: MockClock, tmp_path: Path, situation: str, expected: str
) -> None:
    async with scene(situation, tmp_path) as there:
        found = await there.verdict(TlsPolicy.OPPORTUNISTIC, requiretls=True)
        assert found == ("encrypted" if expected == "encrypted" else Kind.NEEDS_TLS.value)
        assert Kind.NEEDS_TLS.charge is Charge.DELIVERY


async def test_requiretls_takes_dane_for_proof(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("unknown", tmp_path) as there:
        there.publish_tlsa(tlsa("unknown"))
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC, requiretls=True) == "encrypted"


async def test_requiretls_needs_somebody_who_vouches_for_the_host(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("good", tmp_path, secure=False) as there:
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC, requiretls=True) == "needs_tls"
        assert there.host.connections == 0
        there.publish_sts("none")
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC, requiretls=True) == "needs_tls"
        there.publish_sts("testing", edition="2")
        assert await there.verdict(TlsPolicy.OPPORTUNISTIC, requiretls=True) == "encrypted"


async def test_requiretls_does_not_accept_what_we_accept(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("unknown", tmp_path) as there:
        assert await there.verdict(TlsPolicy.VERIFIED, requiretls=True, accept_invalid_certs=True) == "needs_tls"


async def test_requiretls_wins_over_what_says_that_tls_is_optional(autojump_clock: MockClock, tmp_path: Path) -> None:
    """RFC 8689 4.1."""
    async with scene("unknown", tmp_path) as there:
        there.publish_sts("enforce")
        dialling = there.dialling(TlsPolicy.OPPORTUNISTIC)
        with pytest.raises(Failure) as caught:
            await dialling.open(there.target, requiretls=True, tls_optional=True)
        assert caught.value.diagnosis.kind is Kind.NEEDS_TLS
        hop = await dialling.open(there.target, tls_optional=True)
        assert hop.tls is not None
        assert not await dialling.suits(hop)
        await trio.aclose_forcefully(hop.stream)


async def test_a_ca_file_that_cannot_be_used_is_our_fault(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("good", tmp_path) as there:
        there.ca_file = tmp_path / "missing.pem"
        with pytest.raises(SystemFailure) as caught:
            await there.open(TlsPolicy.VERIFIED)
        assert caught.value.kind is SystemKind.CERTIFICATE
        assert there.host.connections == 0


ORDER = [
    ("no starttls", TlsPolicy.OPPORTUNISTIC, {TlsPolicy.DISABLED, TlsPolicy.OPPORTUNISTIC}),
    ("good", TlsPolicy.OPPORTUNISTIC, {TlsPolicy.DISABLED, TlsPolicy.OPPORTUNISTIC, TlsPolicy.REQUIRED}),
    ("good", TlsPolicy.VERIFIED, set(TlsPolicy) - {TlsPolicy.DANE}),
    ("wrong name", TlsPolicy.REQUIRED, {TlsPolicy.DISABLED, TlsPolicy.OPPORTUNISTIC, TlsPolicy.REQUIRED}),
]


@pytest.mark.parametrize(("situation", "opened", "carried"), ORDER)
async def test_a_connection_carries_what_it_has_shown_enough_for(
    autojump_clock: MockClock, tmp_path: Path, *, situation: str, opened: TlsPolicy, carried: set[TlsPolicy]
) -> None:
    async with scene(situation, tmp_path) as there:
        hop = await there.open(opened)
        for policy in TlsPolicy:
            other = dialling_in(there.world, policy, domain="other.example", ca_file=there.ca_file)
            assert await other.suits(hop) is (policy in carried)
            hop.approved.clear()


async def test_a_connection_that_was_opened_without_proof_does_not_carry_requiretls(
    autojump_clock: MockClock, tmp_path: Path
) -> None:
    async with scene("good", tmp_path) as there:
        dialling = there.dialling(TlsPolicy.OPPORTUNISTIC)
        hop = await dialling.open(there.target)
        assert await dialling.suits(hop)
        assert not await dialling.suits(hop, requiretls=True)
        proven = await dialling.open(there.target, requiretls=True)
        assert await dialling.suits(proven, requiretls=True)
        assert await dialling.suits(proven)


async def test_a_connection_is_looked_at_again_after_a_minute(autojump_clock: MockClock, tmp_path: Path) -> None:
    async with scene("unknown", tmp_path) as there:
        dialling = there.dialling(TlsPolicy.OPPORTUNISTIC)
        hop = await dialling.open(there.target)
        there.publish_tlsa(tlsa("good"))
        assert await dialling.suits(hop)
        await trio.sleep(61)
        assert not await dialling.suits(hop)
        there.publish_tlsa(tlsa("unknown"))
        assert await dialling.suits(hop)
