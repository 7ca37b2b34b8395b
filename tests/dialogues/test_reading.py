"""The format of the files: what is read as what, and what is refused."""

import pytest

from empath.smtp import Bounds, Extensions, Reply, Verb
from tests.dialogues.reading import ScriptError, read, unescape
from tests.dialogues.script import Answer, Closed, Expect, Group, Handshake, HangUp, Message, Settings

EXAMPLE = r"""# What is shown,
# in two lines (RFC 5321 2.1).
offer: PIPELINING, SIZE 1000
lmtp: yes
tls: implicit
auth-in-clear: yes
groups: lenient
arrives: together
bounds: errors=3 text_line=1000
answer: RCPT <bob@example.org> 550 5.1.1 no such mailbox
answer: END 451 try later
user: ann secret

S~ 220
# within a group
C: LHLO C:\
C~ \{ab\n*2}\x00
S: 250 ok
TLS
HANGUP
CLOSED
M: <> to <bob@example.org>, <postmaster>
M| one
M|
M~ \0
M: <ann@example.com> to <bob@example.org>
"""


def test_every_line_of_the_format_is_read() -> None:
    dialogue = read("theme/name.txt", EXAMPLE)
    assert (dialogue.name, dialogue.title) == ("theme/name.txt", "What is shown, in two lines (RFC 5321 2.1).")
    assert dialogue.steps == (
        Expect(14, b"220", whole=False),
        Group(16, b"LHLO C:\\\r\nab\nab\n\0"),
        Expect(18, b"250 ok", whole=True),
        Handshake(19),
        HangUp(20),
        Closed(21),
    )
    assert dialogue.messages == (
        Message("", ("bob@example.org", "postmaster"), b"one\r\n\r\n\0"),
        Message("ann@example.com", ("bob@example.org",), None),
    )


def test_every_setting_is_read() -> None:
    assert read("x", EXAMPLE).settings == Settings(
        offers=Extensions.of("PIPELINING", "SIZE 1000"),
        lmtp=True,
        implicit_tls=True,
        auth_in_clear=True,
        strict_groups=False,
        in_pieces=False,
        bounds=Bounds(errors=3, text_line=1000),
        answers=(
            Answer(Verb.RCPT, "bob@example.org", Reply(550, "no such mailbox", "5.1.1")),
            Answer(Verb.END, None, Reply(451, "try later")),
        ),
        users=(("ann", "secret"),),
    )


def test_commands_in_a_row_are_one_group_and_a_reply_ends_it() -> None:
    steps = read("x", "# t\nC: one\n\n# and\nC: two\nS: 250 ok\nC: three\n").steps
    assert [step.octets for step in steps if isinstance(step, Group)] == [b"one\r\ntwo\r\n", b"three\r\n"]


def test_escapes_stand_for_octets_and_all_else_for_its_utf8() -> None:
    assert unescape(r"\r\n\t\0\\\xfF\{=\r\n*3}é") == b"\r\n\t\0\\\xff=\r\n=\r\n=\r\n\xc3\xa9"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("C: NOOP\n", "x:2: a dialogue has a comment at its top"),
        ("# t\n\n", "x:3: a dialogue has a comment at its top"),
        ("# t\nS 250\n", "x:2: expected a comment, a setting"),
        ("# t\nC: NOOP\noffer: SIZE\n", "x:3: settings stand before"),
        ("# t\nC~ \\q\n", r"x:2: no such escape: \\q"),
        ("# t\nC: NOOP\nM: bob\n", "x:3: expected M: <sender> to <recipient>"),
        ("# t\nC: NOOP\nM| text\n", "x:3: the content of a message stands below"),
        ("# t\nC: NOOP\nM: <> to <bob@example.org>\nS: 250\n", "x:4: what was accepted stands at the end"),
        ("# t\nlmtp: perhaps\n", "x:2: no such setting: lmtp: perhaps"),
        ("# t\ncolour: green\n", "x:2: no such setting: colour: green"),
        ("# t\nbounds: patience=3\n", "x:2: no such bound: patience"),
        ("# t\nbounds: errors=few\n", "x:2: invalid literal"),
        ("# t\noffer: SIZE, SIZE\n", "x:2: malformed or repeated"),
        ("# t\nanswer: RCPT no\n", "x:2: expected answer: VERB"),
        ("# t\nanswer: EAT 550 no\n", "x:2: 'EAT' is not a valid Verb"),
        ("# t\nanswer: RCPT 5 no\n", "x:2: not a reply"),
        ("# t\nanswer: RCPT 550-no\n", "x:2: a reply has more than 1 lines"),
        ("# t\nuser: ann\n", "x:2: not enough values"),
    ],
)
def test_what_is_no_dialogue_is_refused_with_its_line(text: str, complaint: str) -> None:
    with pytest.raises(ScriptError, match=complaint):
        read("x", text)
