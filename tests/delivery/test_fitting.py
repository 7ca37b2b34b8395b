"""Messages for hosts that lack an extension: converted where that is safe, else refused before any of it is sent."""

import pytest
import trio
from trio.testing import MockClock

from empath.mail import Bounced, DeliveryAttempted, Phase
from empath.mail.diagnosis import Kind
from empath.mail.ids import MessageId
from empath.sim.remote import Rule
from empath.smtp import Body, Extensions, MailParams, Reply
from tests.delivery.stage import Stage, stage

UTF8 = MailParams(smtputf8=True, body=Body.EIGHT_BIT)
EIGHT_BIT = MailParams(body=Body.EIGHT_BIT)
MIME = b"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
GREETING = "Grüße\r\n".encode()
IN_ASCII = MIME.replace(b"8bit", b"quoted-printable") + b"Gr=C3=BC=C3=9Fe\r\n"
FULL = ("PIPELINING", "8BITMIME", "SMTPUTF8")


def kinds(place: Stage) -> dict[str, Kind | None]:
    """What came of each recipient, and with what status."""
    return {
        str(fact.recipient): fact.outcome.diagnosis.kind if isinstance(fact.outcome, Bounced) else None
        for fact in place.said(DeliveryAttempted)
    }


@pytest.mark.parametrize(
    ("offers", "params", "body", "arrives"),
    [
        (FULL, UTF8, MIME + GREETING, MIME + GREETING),
        (("8BITMIME",), EIGHT_BIT, MIME + GREETING, MIME + GREETING),
        (("PIPELINING",), EIGHT_BIT, MIME + GREETING, IN_ASCII),
        (("PIPELINING",), MailParams(), MIME + GREETING, IN_ASCII),
        ((), EIGHT_BIT, MIME + GREETING, IN_ASCII),
        (("PIPELINING", "CHUNKING"), UTF8, MIME + GREETING, IN_ASCII),
        (("8BITMIME",), UTF8, MIME + GREETING, MIME + GREETING),
        ((), EIGHT_BIT, MIME + b"plain\r\n", MIME + b"plain\r\n"),
    ],
)
async def test_what_can_be_converted_is_and_nothing_else_is(
    autojump_clock: MockClock, offers: tuple[str, ...], params: MailParams, body: bytes, arrives: bytes
) -> None:
    async with stage() as place:
        server = await place.server("example.org", offers=Extensions.of(*offers))
        await place.put("b@example.org", body=body, params=params)
        await trio.sleep(1)
        assert [taken.content for taken in server.taken] == [arrives]


async def test_a_message_that_lies_in_a_file_is_converted_on_its_way(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("example.org", offers=Extensions.of("PIPELINING", "CHUNKING"))
        draft = await place.spool.draft_body(MessageId(1, 1))
        await draft.write(MIME + GREETING * 20_000)
        await place.put("b@example.org", body=await draft.commit(), params=EIGHT_BIT)
        await trio.sleep(1)
        assert server.taken[0].content == MIME.replace(b"8bit", b"quoted-printable") + b"Gr=C3=BC=C3=9Fe\r\n" * 20_000


@pytest.mark.parametrize(
    ("offers", "params", "body", "expected"),
    [
        ((), EIGHT_BIT, b"Subject: \xc3\xbc\r\n\r\nx\r\n", (Kind.NEEDS_8BITMIME, "5.6.3")),
        ((), EIGHT_BIT, b"Content-Type: message/rfc822\r\n\r\n\xc3\xbc\r\n", (Kind.NEEDS_8BITMIME, "5.6.3")),
        (("8BITMIME",), UTF8, b"Subject: \xc3\xbc\r\n\r\nx\r\n", (Kind.NEEDS_SMTPUTF8, "5.6.7")),
        (("8BITMIME", "SIZE 10"), EIGHT_BIT, MIME + GREETING, (Kind.TOO_LARGE, "5.3.4")),
    ],
)
async def test_what_cannot_be_converted_is_returned_before_any_of_it_is_sent(
    autojump_clock: MockClock, offers: tuple[str, ...], params: MailParams, body: bytes, expected: tuple[Kind, str]
) -> None:
    async with stage() as place:
        rule = Rule(phase=Phase.MAIL, reaction=Reply(451, "MAIL was said"))
        await place.server("example.org", rule, offers=Extensions.of(*offers))
        await place.put("b@example.org", sender=None, body=body, params=params)
        await trio.sleep(1)
        (fact,) = place.said(DeliveryAttempted)
        assert isinstance(fact.outcome, Bounced)
        assert (fact.outcome.diagnosis.kind, str(fact.outcome.diagnosis.status)) == expected


async def test_an_address_that_needs_smtputf8_costs_the_others_nothing(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        await place.put("b@example.org", "jürgen@example.org", sender=None, params=UTF8)
        await trio.sleep(1)
        assert kinds(place) == {"b@example.org": None, "jürgen@example.org": Kind.NEEDS_SMTPUTF8}
        assert [str(one) for one in server.taken[0].recipients] == ["b@example.org"]


async def test_a_sender_that_needs_smtputf8_needs_it_for_all(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("example.org")
        await place.put("b@example.org", sender="jürgen@client.example", params=UTF8)
        await trio.sleep(1)
        assert kinds(place)["b@example.org"] is Kind.NEEDS_SMTPUTF8
        assert server.taken == []


async def test_a_domain_is_written_as_a_labels_where_that_is_enough(autojump_clock: MockClock) -> None:
    async with stage() as place:
        server = await place.server("xn--bcher-kva.example")
        await place.put("b@bücher.example", sender="a@bücher.example", params=UTF8)
        await trio.sleep(1)
        (taken,) = server.taken
        assert str(taken.reverse_path) == "a@xn--bcher-kva.example"
        assert str(taken.recipients[0]) == "b@xn--bcher-kva.example"
