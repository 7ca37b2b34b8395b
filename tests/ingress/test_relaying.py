"""Who reaches whom through a session, and what is kept of it."""

from ipaddress import ip_network

import pytest
from attrs import evolve
from trio.testing import MockClock

from empath.config.schema import LimitSettings
from empath.mail.envelope import Envelope
from empath.mail.record import decode_envelope
from empath.policy.reception.access import AccessList, Pattern
from empath.policy.reception.aliases import Aliases, AliasName
from empath.policy.reception.relay import RelayPolicy
from empath.policy.reception.rewriting import SenderDomain, SenderRewriting
from empath.smtp import Address, Domain, Notify, OriginalRecipient
from tests.ingress.stage import CLIENT, STRANGER, Stage, stage

HOST = Domain.parse("mx.empath.example")
TABLE = {
    "sales@ours.example": ("ann@ours.example", "bob@far.example"),
    "team@ours.example": tuple(f"u{number}@ours.example" for number in range(5)),
    "root@mx.empath.example": ("ann@ours.example",),
    "juerg@ours.example": ("jürg@far.example",),
}
RELAY = RelayPolicy(
    networks=(ip_network(CLIENT),),
    domains=("ours.example",),
    hostname=HOST,
    senders=AccessList(deny=(Pattern.parse("@bad.example"),)),
    recipients=AccessList(deny=(Pattern.parse("eve@ours.example"),)),
    aliases=Aliases(
        entries={AliasName.parse(name): tuple(map(Address.parse, goals)) for name, goals in TABLE.items()},
        domains=frozenset({"ours.example", HOST.ascii}),
    ),
    rewriting=SenderRewriting({SenderDomain.parse(".internal"): Domain.parse("ours.example")}),
)


async def said(place: Stage, sender: str, *recipients: str, source: str = STRANGER) -> list[bytes]:
    """The replies to the recipients of one transaction, which is left open."""
    talk = await place.greeted(source)
    assert await talk.code(f"MAIL FROM:<{sender}>\r\n".encode()) == b"250"
    lines = []
    for recipient in recipients:
        await talk.write(f"RCPT TO:{recipient}\r\n".encode())
        lines.append(await talk.reply() or b"")
    return [line[:9] if line[:1] != b"2" else line[:3] for line in lines]


async def kept(place: Stage, sender: str, *recipients: str, source: str = STRANGER) -> Envelope:
    """The envelope of a message that is accepted."""
    talk = await place.greeted(source)
    await talk.code(f"MAIL FROM:<{sender}>\r\n".encode())
    for recipient in recipients:
        assert await talk.code(f"RCPT TO:{recipient}\r\n".encode()) == b"250"
    assert await talk.code(b"DATA\r\n") == b"354"
    assert await talk.code(b"x\r\n.\r\n") == b"250"
    acceptance = place.spool.accepted[-1]
    envelope = decode_envelope(acceptance.envelope)
    domains = [one.address.domain for one in envelope.recipients]
    assert list(acceptance.domains) == [domain.ascii for domain in domains if domain is not None]
    return envelope


def goals(envelope: Envelope) -> list[str]:
    return [str(one.address) for one in envelope.recipients]


TRICKS = [
    "<victim%far.example@ours.example>",
    "<far.example!victim@ours.example>",
    '<"victim@far.example"@ours.example>',
    "<@ours.example:victim@far.example>",
    "<victim@far.example>",
    "<victim@sub.ours.example>",
    "<victim@ours.example.far.example>",
    "<victim@notours.example>",
    "<victim@[192.0.2.7]>",
    "<victim@[IPv6:2001:db8::7]>",
]


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("sender", ["x@far.example", "ann@ours.example", "postmaster@mx.empath.example", ""])
async def test_no_trick_lets_a_stranger_relay(autojump_clock: MockClock, trick: str, sender: str) -> None:
    async with stage(relay=RELAY) as place:
        assert await said(place, sender, trick) == [b"550 5.7.1"]


@pytest.mark.parametrize(
    "trick", ["<victim@far.example.>", "<victim@far.example@ours.example>", "<victim@@ours.example>"]
)
async def test_what_is_no_address_is_no_way_in(autojump_clock: MockClock, trick: str) -> None:
    async with stage(relay=RELAY) as place:
        assert [line[:1] for line in await said(place, "x@far.example", trick)] == [b"5"]


async def test_lists_refuse_senders_and_recipients_at_rcpt(autojump_clock: MockClock) -> None:
    async with stage(relay=RELAY) as place:
        assert await said(place, "x@bad.example", "<ann@ours.example>", "<postmaster>") == [b"550 5.7.1", b"250"]
        assert await said(place, "x@far.example", "<eve@ours.example>", "<ann@ours.example>") == [b"550 5.7.1", b"250"]
        assert await said(place, "", "<ann@ours.example>") == [b"250"]


async def test_an_alias_becomes_one_delivery_for_each_address(autojump_clock: MockClock) -> None:
    async with stage(relay=RELAY) as place:
        envelope = await kept(place, "x@far.example", "<Sales@ours.example>", "<carl@ours.example>")
        assert goals(envelope) == ["ann@ours.example", "bob@far.example", "carl@ours.example"]


async def test_an_alias_for_an_address_that_is_not_ascii_makes_the_message_need_smtputf8(
    autojump_clock: MockClock,
) -> None:
    async with stage(relay=RELAY) as place:
        assert (await kept(place, "x@far.example", "<juerg@ours.example>")).params.smtputf8
        assert not (await kept(place, "x@far.example", "<sales@ours.example>")).params.smtputf8


async def test_reports_on_an_alias_name_what_the_sender_wrote(autojump_clock: MockClock) -> None:
    async with stage(relay=RELAY) as place:
        envelope = await kept(
            place,
            "x@far.example",
            "<Sales@ours.example> NOTIFY=FAILURE,DELAY",
            "<root@mx.empath.example> ORCPT=rfc822;first+40far.example",
            "<carl@ours.example>",
        )
        ann, bob, carl = (one.params for one in envelope.recipients)
        assert ann.orcpt == bob.orcpt == OriginalRecipient("rfc822", "Sales@ours.example")
        assert ann.notify == bob.notify == Notify.FAILURE | Notify.DELAY
        assert carl.orcpt is None
        other = await kept(place, "x@far.example", "<root@mx.empath.example> ORCPT=rfc822;first+40far.example")
        assert other.recipients[0].params.orcpt == OriginalRecipient("rfc822", "first@far.example")


async def test_whoever_is_named_twice_gets_one_copy(autojump_clock: MockClock) -> None:
    async with stage(relay=RELAY) as place:
        twice = ["<ann@ours.example>", "<sales@ours.example>", "<ann@OURS.example>", "<sales@ours.example>"]
        assert goals(await kept(place, "x@far.example", *twice)) == ["ann@ours.example", "bob@far.example"]


async def test_an_alias_that_does_not_fit_beside_others_is_for_a_further_transaction(autojump_clock: MockClock) -> None:
    async with stage(relay=RELAY, limits=LimitSettings(max_recipients=4)) as place:
        assert await said(place, "x@far.example", "<ann@ours.example>", "<team@ours.example>") == [b"250", b"452 4.5.3"]
        assert await said(place, "x@far.example", "<team@ours.example>", "<ann@ours.example>") == [b"250", b"452 4.5.3"]


async def test_the_postmaster_is_taken_when_there_is_room_for_nobody_else(autojump_clock: MockClock) -> None:
    async with stage(relay=RELAY, limits=LimitSettings(max_recipients=1)) as place:
        replies = await said(place, "x@far.example", "<ann@ours.example>", "<bob@ours.example>", "<Postmaster>")
        assert replies == [b"250", b"452 4.5.3", b"250"]


async def test_mail_to_the_postmaster_goes_where_configuration_says(autojump_clock: MockClock) -> None:
    named = ["<postmaster>", "<POSTMASTER@ours.example>", "<postmaster@mx.empath.example>"]
    async with stage(relay=evolve(RELAY, postmaster=(Address.parse("ann@far.example"),))) as place:
        assert goals(await kept(place, "", *named)) == ["ann@far.example"]
    async with stage(relay=RELAY) as place:
        assert goals(await kept(place, "", "<postmaster>")) == ["postmaster@ours.example"]


async def test_sender_domains_of_known_clients_are_rewritten_and_those_of_strangers_are_not(
    autojump_clock: MockClock,
) -> None:
    async with stage(relay=RELAY) as place:
        known = await kept(place, "cron@app1.internal", "<a@far.example>", source=CLIENT)
        assert str(known.reverse_path) == "cron@ours.example"
        assert str((await kept(place, "cron@app1.internal", "<a@ours.example>")).reverse_path) == "cron@app1.internal"
        assert (await kept(place, "", "<a@far.example>", source=CLIENT)).reverse_path is None
