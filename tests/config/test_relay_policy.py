"""The keys of ``[relay]``, and what each of them does."""

from pathlib import Path

import pytest

from empath.config.relay_policy import relay_policy
from empath.policy.reception.relay import RECIPIENT_REFUSED, REFUSAL, SENDER_REFUSED, RelayPolicy
from empath.smtp import Address, Reply
from tests.config.sources import LIVE, load_text

ANN, FAR = Address.parse("ann@example.org"), Address.parse("x@far.example")


def policy(tmp_path: Path, text: str = "") -> RelayPolicy:
    return relay_policy(load_text(tmp_path, f'{LIVE}[relay]\ndomains = ["example.org"]\n{text}').config)


def refusal(
    of: RelayPolicy, recipient: Address = ANN, *, sender: Address = FAR, client: str = "203.0.113.1"
) -> Reply | None:
    return of.refusal(recipient, sender=sender, trusted=of.trusts(client))


def test_by_default_this_host_relays_and_anybody_reaches_the_domains(tmp_path: Path) -> None:
    plain = policy(tmp_path)
    assert refusal(plain, FAR, client="127.0.0.1") is None
    assert refusal(plain, FAR) is REFUSAL
    assert refusal(plain) is None


def test_networks_relay(tmp_path: Path) -> None:
    assert refusal(policy(tmp_path, 'from_networks = ["203.0.113.0/24"]'), FAR) is None


@pytest.mark.parametrize("key", ["allow_senders = ['a@b.example']", "deny_senders = ['@far.example']"])
def test_senders_are_refused(tmp_path: Path, key: str) -> None:
    assert refusal(policy(tmp_path, key)) is SENDER_REFUSED


@pytest.mark.parametrize("key", ["allow_recipients = ['bob@example.org']", "deny_recipients = ['ann@example.org']"])
def test_recipients_are_refused(tmp_path: Path, key: str) -> None:
    assert refusal(policy(tmp_path, key)) is RECIPIENT_REFUSED


def test_known_recipients_of_a_domain_are_taken_and_all_of_others(tmp_path: Path) -> None:
    """The example of the manual."""
    known = policy(tmp_path, "allow_recipients = ['ann@example.org', '*']\ndeny_recipients = ['@example.org']")
    assert refusal(known) is None
    assert refusal(known, Address.parse("eve@example.org")) is RECIPIENT_REFUSED
    assert refusal(known, FAR, client="127.0.0.1") is None


def test_aliases_stand_for_others_at_the_domains_and_at_this_host(tmp_path: Path) -> None:
    known = policy(tmp_path, 'aliases = { sales = ["ann@example.org", "x@far.example"] }')
    assert known.destinations(Address.parse("sales@example.org")) == (ANN, FAR)
    assert known.destinations(Address.parse("sales@mx.example.org")) == (ANN, FAR)


def test_a_catch_all_spares_who_has_an_alias_for_himself(tmp_path: Path) -> None:
    """The example of the manual."""
    known = policy(tmp_path, 'aliases = { "@example.org" = "x@far.example", "ann@example.org" = "ann@example.org" }')
    assert known.destinations(Address.parse("whoever@example.org")) == (FAR,)
    assert known.destinations(ANN) == (ANN,)


def test_the_postmaster_is_whom_configuration_names(tmp_path: Path) -> None:
    bare = Address(b"postmaster", None)
    assert policy(tmp_path, 'postmaster = ["x@far.example"]').destinations(bare) == (FAR,)
    assert policy(tmp_path).destinations(bare) == (Address.parse("postmaster@example.org"),)


def test_sender_domains_are_rewritten(tmp_path: Path) -> None:
    rewriting = policy(tmp_path, 'rewrite_sender_domains = { ".internal" = "example.org" }').rewriting
    assert rewriting.rewritten(Address.parse("ann@app.internal")) == ANN
