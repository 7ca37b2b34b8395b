"""Dialogues are told as they are spoken, and what is not for foreign eyes is not."""

from attrs import define, field

from empath.mail.dialogue import Speaker, Talk, Tap
from empath.smtp import (
    Address,
    Auth,
    AuthResponse,
    Bdat,
    BodyEnd,
    ChunkEnd,
    Command,
    Ehlo,
    Mail,
    Quit,
    Rcpt,
    Refused,
    Reply,
    Rset,
    Verb,
)

PASSWORD = b"correct horse"


@define(eq=False)
class Notebook:
    """A listener that writes all down."""

    wants_content: bool = False
    lines: list[str] = field(factory=list)
    ends: list[str] = field(factory=list)

    def hear(self, talk: Talk, speaker: Speaker, line: str, *, ends: bool) -> None:
        self.lines.append(f"{speaker.value} {line}")
        if ends:
            self.ends.append(line)


def talk(notebook: Notebook, *, is_incoming: bool = True) -> Talk:
    tap = Tap()
    tap.open(notebook)
    return Talk(tap, is_incoming=is_incoming, peer="192.0.2.7")


def test_of_a_login_nothing_is_shown_but_its_mechanism() -> None:
    found = Notebook(wants_content=True)
    said = talk(found)
    for command in (Auth("PLAIN", PASSWORD), Auth("LOGIN"), AuthResponse(PASSWORD), AuthResponse(None)):
        said.command(command)
        said.reply(Reply(334, "Y29ycmVjdCBob3JzZQ=="))
    assert found.lines == [
        "> AUTH PLAIN ***",
        "< 334 ***",
        "> AUTH LOGIN",
        "< 334 ***",
        "> ***",
        "< 334 ***",
        "> *",
        "< 334 ***",
    ]


def test_of_a_message_its_size_is_shown_and_its_lines_to_who_wants_them() -> None:
    for wants_content, shown in ((False, []), (True, ["| Subject: x", "| ", "| Hallo"])):
        found = Notebook(wants_content=wants_content)
        said = talk(found, is_incoming=False)
        said.content(b"Subject: x\r\n\r\nHallo\r\n")
        said.command(BodyEnd())
        said.reply(Reply(250, "ok", "2.0.0"))
        assert found.lines == [*shown, "- (21 octets of the message)", "> .", "< 250 2.0.0 ok"]


def test_commands_and_replies_are_shown_as_on_the_wire() -> None:
    found = Notebook()
    said = talk(found)
    said.reply(Reply(220, "mx.example ESMTP"))
    said.command(Ehlo("client.example"))
    said.reply(Reply(250, ("mx.example", "SIZE 100")))
    said.command(Mail(None))
    said.command(Rcpt(Address.parse("bob@example.org")))
    said.command(Refused(Verb.RCPT, Reply(501, "no address", "5.5.4")))
    assert found.lines == [
        "< 220 mx.example ESMTP",
        "> EHLO client.example",
        "< 250-mx.example",
        "< 250 SIZE 100",
        "> MAIL FROM:<>",
        "> RCPT TO:<bob@example.org>",
        "> RCPT (refused before it was looked at)",
    ]
    assert (said.sender, said.recipients, said.transactions) == ("", ["bob@example.org"], 1)


def test_a_message_ends_with_the_reply_that_belongs_to_it() -> None:
    group: tuple[Command, ...] = (Mail(None), Rcpt(Address.parse("bob@example.org")), Bdat(10, last=True))
    found = Notebook()
    sending = talk(found, is_incoming=False)
    for command in group:
        sending.command(command)
    for text in ("sender", "recipient", "message"):
        sending.reply(Reply(250, text))
    taking = talk(found)
    for command in group:
        taking.command(command)
        if not isinstance(command, Bdat):
            taking.reply(Reply(250, "fine"))
    taking.command(ChunkEnd(last=True))
    taking.reply(Reply(250, "taken"))
    taking.command(Rset())
    taking.reply(Reply(250, "reset"))
    taking.command(Quit())
    taking.reply(Reply(221, "bye"))
    taking.close("gone")
    assert found.ends == ["250 message", "250 taken", "250 reset", "221 bye", "gone"]


def test_a_tap_that_was_closed_and_opened_again_begins_a_new_round() -> None:
    found = Notebook()
    said = talk(found)
    said.tap.close()
    said.note("nobody hears this")
    said.tap.open(found)
    assert (found.lines, said.round) == ([], said.tap.round - 1)
