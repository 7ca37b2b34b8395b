"""Client and server wired to each other: the same state and the same facts after every reply, whatever they say."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from empath.smtp import (
    Address,
    Auth,
    AuthResponse,
    Body,
    Bounds,
    ClientConnection,
    Data,
    Ehlo,
    Expn,
    Extensions,
    Facts,
    Hello,
    Helo,
    Help,
    Lhlo,
    LocalProtocolError,
    Mail,
    MailParams,
    Noop,
    Notify,
    OriginalRecipient,
    Quit,
    Rcpt,
    RcptParams,
    Refused,
    Return,
    Rset,
    ServerConnection,
    StartTls,
    State,
    Vrfy,
)
from tests.smtp.pair import Choice, Chunk, Content, Move, Pair, choosing
from tests.smtp.strategies import contents, responses, sizes, split, weighted, xclient

OFFERS = (
    *(
        "PIPELINING",
        "CHUNKING",
        "8BITMIME",
        "SMTPUTF8",
        "DSN",
        "SIZE 100000",
        "STARTTLS",
        "AUTH PLAIN LOGIN",
        "XCLIENT",
    ),
    *("ENHANCEDSTATUSCODES", "REQUIRETLS", "MT-PRIORITY", "FUTURERELEASE", "DELIVERBY", "LIMITS RCPTMAX=100"),
)
offers = st.sets(st.sampled_from(OFFERS), max_size=3).map(
    lambda missing: Extensions.of(*(line for line in OFFERS if line not in missing))
)
_moods = st.sampled_from([*[Choice.MORE] * 2, *[Choice.LATER, Choice.NO] * 4, Choice.CLOSE])
choices = st.lists(st.tuples(st.integers(1, 9), _moods), max_size=8).map(
    lambda runs: [choice for count, mood in runs for choice in (*[Choice.YES] * count, mood)]
)
"""Mostly content, as servers are: what else happens, happens after a while."""

MAIL_PARAMS = (
    MailParams(size=10, body=Body.EIGHT_BIT, auth="<>"),
    MailParams(size=10**6),
    MailParams(ret=Return.HEADERS, envid="a+b", requiretls=True, mt_priority=-3, hold_for_s=5),
)
RCPT_PARAMS = (RcptParams(), RcptParams(), RcptParams(notify=Notify.NEVER, orcpt=OriginalRecipient("rfc822", "c d@e")))
HELLOS: tuple[Hello, ...] = (Ehlo("relay.example.org"), Helo("relay.example.org"), Lhlo("relay.example.org"))
_people = [Address.parse(text) for text in ("ann@example.org", '"a b"@[192.0.2.1]', "bob@bücher.example", "Postm@_x.y")]
_abroad = Address.parse("günther@bücher.example")
mails = weighted(
    (6, st.sampled_from([None, *_people]).map(Mail)),
    (2, st.sampled_from(MAIL_PARAMS).map(lambda params: Mail(_people[0], params))),
    (2, st.just(Mail(_abroad, MailParams(smtputf8=True)))),
)
recipients = st.lists(
    st.builds(Rcpt, st.sampled_from([*_people, _abroad]), st.sampled_from(RCPT_PARAMS)), min_size=1, max_size=4
)
bodies = st.builds(lambda content, lengths: tuple(split(content, lengths)), contents | st.just(b""), sizes)
in_chunks = st.lists(bodies, min_size=1, max_size=3).map(
    lambda chunks: [
        Chunk(chunk, last) for chunk, last in zip(chunks, [*[False] * (len(chunks) - 1), True], strict=True)
    ]
)
endings = weighted(
    (3, bodies.map(lambda pieces: [Data(), Content(pieces)])),
    (3, in_chunks),
    (1, in_chunks.map(lambda chunks: chunks[:1])),
    (1, st.sampled_from([[], [Rset()], [Noop()], [Data()]])),
)
transactions = st.builds(lambda mail, rcpts, ending: [mail, *rcpts, *ending], mails, recipients, endings)
asides = st.sampled_from([Rset(), Noop(), Vrfy("ann"), Expn("all"), Help(), Help("mail")]).map(
    lambda command: [command]
)
exchanges = st.builds(
    lambda mechanism, initial, answers: [Auth(mechanism, initial), *answers],
    st.sampled_from(["PLAIN", "LOGIN"]),
    st.none() | st.binary(max_size=12),
    st.lists(responses | st.just(AuthResponse(None)), max_size=2),
)


def scenes(hello: Hello) -> st.SearchStrategy[Sequence[Move]]:
    """What a client that introduces itself in this way may do, STARTTLS aside."""
    return weighted(
        (6, transactions),
        (1, asides),
        (1, exchanges),
        (1, st.just([hello])),
        (1, xclient.map(lambda command: [command, hello])),
    )


def scripts(hello: Hello) -> st.SearchStrategy[list[Move]]:
    """Sessions of a client that introduces itself in this way."""
    return st.builds(
        lambda parts, end: [hello, *(move for part in parts for move in part), *end],
        st.lists(weighted((9, scenes(hello)), (1, st.just([StartTls(), hello]))), min_size=2, max_size=8),
        st.sampled_from([[], [Quit()]]),
    )


def pair_of(
    offered: Extensions,
    chosen: Sequence[Choice] = (),
    *,
    lengths: Sequence[int] = (100,),
    lmtp: bool = False,
    errors: int = 10**6,
) -> Pair:
    """Both ends of a new connection."""
    bounds = Bounds(errors=errors)
    server = ServerConnection("mx.example.org", offered, lmtp=lmtp, auth_in_clear=True, bounds=bounds)
    return Pair(ClientConnection(lmtp=lmtp, auth_in_clear=True), server, choosing(chosen), lengths, lmtp)


@pytest.mark.parametrize("hello", HELLOS, ids=lambda hello: hello.verb.value)
@given(data=st.data(), offered=offers, chosen=choices, lengths=sizes, errors=st.sampled_from([4, *[10**6] * 4]))
def test_both_ends_know_the_same_after_every_reply_and_each_command_has_its_own(
    *, hello: Hello, data: st.DataObject, offered: Extensions, chosen: list[Choice], lengths: list[int], errors: int
) -> None:
    pair = pair_of(offered, chosen, lengths=lengths, lmtp=isinstance(hello, Lhlo), errors=errors)
    pair.open()
    pair.play(data.draw(scripts(hello)))
    pair.agree()


@pytest.mark.parametrize("hello", [HELLOS[0], HELLOS[2]], ids=lambda hello: hello.verb.value)
@given(st.data())
@settings(max_examples=50)
def test_nothing_said_before_starttls_survives_it(hello: Hello, data: st.DataObject) -> None:
    pair = pair_of(Extensions.of(*OFFERS), lmtp=isinstance(hello, Lhlo))
    pair.open()
    before = data.draw(st.lists(scenes(hello), max_size=4))
    pair.play([hello, *(move for scene in before for move in scene), Rset(), hello, StartTls()])
    assert pair.client.facts == pair.server.facts == Facts(tls=True)
    assert pair.client.state is pair.server.state is State.GREETED
    assert pair.client.accepted == []
    fresh = ServerConnection("mx.example.org", Extensions.of(*OFFERS), tls=True)
    assert pair.server.extensions == fresh.extensions
    for move in (Mail(None), Auth("PLAIN"), StartTls(), Data()):
        with pytest.raises(LocalProtocolError):
            pair.client.send(move)
    pair.server.receive_data(b"RCPT TO:<a@b>\r\n")
    assert isinstance(event := pair.server.next_event(), Refused)
    assert event.reply.code == 503


def test_a_whole_transaction_travels_in_one_group_and_its_replies_in_another() -> None:
    pair = pair_of(Extensions.of("PIPELINING"))
    pair.open()
    pair.play([HELLOS[0]])
    ann, bob = Rcpt(Address.parse("ann@example.org")), Rcpt(Address.parse("bob@example.org"))
    for command in (Mail(None), ann, bob, Data()):
        pair.perform(command)
    assert [item and item.verb.value for item in pair.said[2:]] == ["MAIL", "RCPT", "RCPT", "DATA"]
    pair.deliver()
    assert pair.client.state is State.DATA
    assert pair.client.accepted == [ann, bob]
    for move in (
        Content((b"one\r\n",)),
        Mail(None),
        ann,
    ):  # the dot ends no group: the next transaction follows at once
        pair.perform(move)
    pair.deliver()
    assert pair.client.state is pair.server.state is State.RCPT
