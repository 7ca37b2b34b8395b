import json

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from empath.hooks import AddFields, Refuse
from empath.hooks.answers import MAX_FIELDS_OCTETS, Answer
from empath.hooks.rspamd import Rspamd, RspamdSettings, Verdict, about, answer_to, printable
from empath.sim import SimulatedWorld
from empath.sim.fetch import Reaction, TableFetch
from empath.smtp import Reply
from empath.world import FetchFailed, FetchResponse
from tests.hooks.stage import FACTS, message

URL = "http://127.0.0.1:11333/checkv2"
CONTENT = b"Subject: x\r\n\r\nHello.\r\n"


def hook(reaction: Reaction) -> tuple[Rspamd, TableFetch]:
    fetch = TableFetch()
    fetch.pages[URL] = reaction
    return Rspamd(settings=RspamdSettings(), world=evolve(SimulatedWorld(1).world, fetch=fetch)), fetch


def says(**verdict: object) -> FetchResponse:
    return FetchResponse(200, {}, json.dumps(verdict).encode())


async def test_rspamd_is_shown_the_content_and_told_what_is_known_of_the_client() -> None:
    rspamd, fetch = hook(says(action="no action"))
    await rspamd.on_message(FACTS, message(CONTENT, "b@ours.example", '"c,d"@ours.example'))
    (posted,) = fetch.posted
    assert posted.body == CONTENT
    assert dict(posted.headers) == {
        "Queue-Id": str(message(CONTENT).mid),
        "From": "<a@client.example>",
        "Rcpt": '<b@ours.example>, <"c,d"@ours.example>',
        "IP": "198.51.100.7",
        "Helo": "client.example",
        "User": "ann",
        "TLS-Cipher": "TLS_AES_256_GCM_SHA384",
        "TLS-Version": "TLSv1.3",
    }


def test_what_is_not_known_is_not_told() -> None:
    nobody = evolve(FACTS, client_ip="", hello=None, login=None, tls=None)
    told = dict(about(nobody, message(CONTENT, sender=None)))
    assert (sorted(told), told["From"]) == (["From", "Queue-Id", "Rcpt"], "<>")


def test_what_is_told_is_ascii() -> None:
    told = dict(about(evolve(FACTS, login="bücher"), message(CONTENT, "ü@ours.example")))
    assert "".join(told.values()).isascii()


def test_no_more_than_a_hundred_recipients_are_told() -> None:
    told = dict(about(FACTS, message(CONTENT, *[f"r{number}@ours.example" for number in range(1000)])))
    assert told["Rcpt"].count("@") == 100


STATUS = "score=7.50 required=15.00"


@pytest.mark.parametrize(
    ("action", "answer"),
    [
        ("no action", AddFields([("X-Spam-Status", f"No, {STATUS}")])),
        ("add header", AddFields([("X-Spam", "Yes"), ("X-Spam-Status", f"Yes, {STATUS}")])),
        ("rewrite subject", AddFields([("X-Spam", "Yes"), ("X-Spam-Status", f"Yes, {STATUS}")])),
        ("quarantine", AddFields([("X-Spam", "Yes"), ("X-Spam-Status", f"Yes, {STATUS}")])),
        ("reject", Refuse(Reply(550, "the message looks like spam", "5.7.1"))),
        ("discard", Refuse(Reply(550, "the message looks like spam", "5.7.1"))),
        ("soft reject", Refuse(Reply(451, "try again later", "4.7.1"))),
        ("greylist", Refuse(Reply(451, "try again later", "4.7.1"))),
    ],
)
async def test_each_action_has_its_answer(action: str, answer: Answer) -> None:
    rspamd, _ = hook(says(action=action, score=7.5, required_score=15, symbols={"X": {"score": 1}}))
    assert await rspamd.on_message(FACTS, message(CONTENT)) == answer


async def test_the_words_of_rspamd_are_passed_on() -> None:
    rspamd, _ = hook(says(action="reject", messages={"smtp_message": "Gtube pattern"}))
    assert await rspamd.on_message(FACTS, message(CONTENT)) == Refuse(Reply(550, "Gtube pattern", "5.7.1"))


async def test_fields_that_rspamd_asks_for_are_added() -> None:
    wanted = {"X-One": "1", "X-Two": {"value": "a\n\tb", "order": 1}, "X-Three": ["3", {"value": "drei"}]}
    rspamd, _ = hook(says(action="no action", milter={"add_headers": wanted, "remove_headers": {"X-Old": 0}}))
    answer = await rspamd.on_message(FACTS, message(CONTENT))
    assert isinstance(answer, AddFields)
    assert answer.octets.endswith(b"X-One: 1\r\nX-Two: a\r\n\tb\r\nX-Three: 3\r\nX-Three: drei\r\n")


@pytest.mark.parametrize(
    "wanted",
    [
        {"X": "a\r\nB: c"},
        {"X": "\U0001f600" * 100},
        {"Return Path": "x"},
        {"X-Large": [f"{number} " + "x" * 900 for number in range(50)]},
    ],
    ids=["injection", "too long as ASCII", "no name", "too many"],
)
async def test_a_field_that_cannot_be_added_does_not_cost_the_verdict(wanted: dict[str, object]) -> None:
    rspamd, _ = hook(says(action="add header", milter={"add_headers": {**wanted, "X-Last": "1"}}))
    answer = await rspamd.on_message(FACTS, message(CONTENT))
    assert isinstance(answer, AddFields)
    assert answer.octets.startswith(b"X-Spam: Yes\r\nX-Spam-Status: Yes, ")
    assert b"B: c" not in answer.octets
    assert answer.octets.endswith(b"X-Last: 1\r\n") or len(answer.octets) > MAX_FIELDS_OCTETS - 1000


async def test_a_message_that_is_too_large_passes_unjudged() -> None:
    rspamd, fetch = hook(says(action="reject"))
    assert await rspamd.on_message(FACTS, message(b"x" * (4 * 1024 * 1024 + 1))) is None
    assert fetch.posted == []


@pytest.mark.parametrize(
    "reaction",
    [
        FetchResponse(500, {}, b"internal"),
        FetchResponse(200, {}, b"<html>"),
        FetchResponse(200, {}, b"[]"),
        FetchResponse(200, {}, b'{"score": 1}'),
        says(action="surprise"),
        says(action="no action", milter={"add_headers": 7}),
    ],
)
async def test_what_is_no_verdict_is_a_failure_of_the_hook(reaction: Reaction) -> None:
    rspamd, _ = hook(reaction)
    with pytest.raises((FetchFailed, ValueError)):
        await rspamd.on_message(FACTS, message(CONTENT))


@given(st.text())
def test_no_text_of_rspamd_can_break_a_reply(text: str) -> None:
    assert printable(text).isprintable()
    answer = answer_to(Verdict(action="reject", messages={"smtp_message": text}))
    assert isinstance(answer, Refuse)
    assert answer.reply.encode().count(b"\r\n") == 1
