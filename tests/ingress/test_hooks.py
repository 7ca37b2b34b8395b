"""What hooks can do to a session, and what they cannot."""

import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, aclosing
from pathlib import PurePath
from typing import Any

import pytest
import trio
import trustme
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from empath.config.schema import FailMode, HookSettings, ListenerAuth, ListenerSettings, ListenerTls
from empath.hooks import AddFields, Answer, Chain, Event, Message, Refuse, SessionFacts
from empath.hooks.guard import Call, Guard
from empath.ingress.logins.credentials import PasswordHash
from empath.mail import LoginRefused, MessageRefused, SessionClosed
from empath.smtp import Reply
from empath.spool.contract import BodyFile
from empath.world.tls import TlsContext, opportunistic_context
from tests.ingress.stage import ENTRANCE, ENVELOPE, STRANGER, Stage, Talk, stage

NO = Refuse(Reply(550, "no", "5.7.1"))
LATER = Refuse(Reply(450, "later", "4.7.1"))
CONTENT = b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * 1000
BODIES = PurePath("/spool/bodies")
WANTS = {
    Event.MAIL: ("session", "mail"),
    Event.RCPT: ("session", "mail", "rcpt"),
    Event.DATA_BEGIN: ("session", "mail"),
    Event.MESSAGE: ("session", "message"),
}


@define
class Opinions:
    """A hook that has been told what to answer to which event, and notes what it was asked."""

    answers: dict[Event, Any] = field(factory=dict)
    fail_mode: FailMode = FailMode.OPEN
    asked: list[tuple[Event, SessionFacts, list[Any]]] = field(init=False, factory=list)

    def chain(self) -> Chain:
        guard = Guard.of(HookSettings(name="opinions", fail_mode=self.fail_mode))
        return Chain.of(Call(guard, event, self._method(event), WANTS.get(event, ("session",))) for event in Event)

    def _method(self, event: Event) -> Callable[..., Any]:
        async def answer(session: SessionFacts, *known: object) -> Answer:
            self.asked.append((event, session, list(known)))
            await trio.lowlevel.checkpoint()
            match self.answers.get(event):
                case BaseException() as problem:
                    raise problem
                case ready if not callable(ready):
                    return ready
                case function:
                    result: Answer = await function(*known)
                    return result

        return answer

    @property
    def events(self) -> list[Event]:
        return [event for event, _, _ in self.asked]

    def seen(self, event: Event) -> SessionFacts:
        return next(facts for asked, facts, _ in self.asked if asked is event)


async def sent(talk: Talk, content: bytes = CONTENT) -> bytes | None:
    """The code of the answer to a message."""
    assert await talk.codes(ENVELOPE + b"DATA\r\n", 3) == [b"250", b"250", b"354"]
    return await talk.code(content + b".\r\n")


async def test_hooks_are_asked_at_each_event_with_what_is_known(autojump_clock: MockClock) -> None:
    opinions = Opinions()
    async with stage(hooks=opinions.chain()) as place:
        assert await sent(await place.greeted()) == b"250"
    assert opinions.events == [Event.CONNECT, Event.EHLO, Event.MAIL, Event.RCPT, Event.DATA_BEGIN, Event.MESSAGE]
    assert (opinions.seen(Event.CONNECT).hello, opinions.seen(Event.EHLO).hello) == (None, "client.example")
    (_, rcpt), (message,) = opinions.asked[3][2], opinions.asked[5][2]
    assert str(rcpt.forward_path) == "b@anywhere.example"
    assert isinstance(message, Message)
    assert (message.size_bytes, message.header) == (len(CONTENT), b"Subject: x\r\n")


@pytest.mark.parametrize(("answer", "code"), [(NO, b"554"), (LATER, b"421")])
async def test_a_client_can_be_refused_instead_of_greeted(
    autojump_clock: MockClock, answer: Answer, code: bytes
) -> None:
    async with stage(hooks=Opinions({Event.CONNECT: answer}).chain()) as place:
        talk = await place.connect()
        assert await talk.code() == code
        assert await talk.code(b"EHLO x\r\n") == (b"503" if code == b"554" else None)
        if code == b"554":
            assert await talk.code(b"QUIT\r\n") == b"221"


async def test_a_refused_introduction_is_none(autojump_clock: MockClock) -> None:
    async with stage(hooks=Opinions({Event.EHLO: NO}).chain()) as place:
        talk = await place.connect()
        await talk.code()
        assert await talk.code(b"EHLO client.example\r\n") == b"550"
        assert await talk.code(b"MAIL FROM:<a@client.example>\r\n") == b"503"


async def test_a_refused_sender_opens_no_transaction(autojump_clock: MockClock) -> None:
    async with stage(hooks=Opinions({Event.MAIL: NO}).chain()) as place:
        talk = await place.greeted()
        assert await talk.codes(ENVELOPE + b"DATA\r\n", 3) == [b"550", b"503", b"503"]
        assert [fact.reply.code for fact in place.said(MessageRefused)][:1] == [550]


async def test_a_refused_recipient_is_refused_alone(autojump_clock: MockClock) -> None:
    async def judge(_: object, rcpt: Any) -> Answer:
        await trio.lowlevel.checkpoint()
        return NO if rcpt.forward_path.local == b"b" else None

    async with stage(hooks=Opinions({Event.RCPT: judge}).chain()) as place:
        talk = await place.greeted()
        more = b"RCPT TO:<c@anywhere.example>\r\nRCPT TO:<b@ours.example>\r\nDATA\r\n"
        assert await talk.codes(ENVELOPE + more, 5) == [b"250", b"550", b"250", b"550", b"354"]
        assert await talk.code(b".\r\n") == b"250"
        (kept,) = place.spool.accepted
        assert kept.domains == ("anywhere.example",)


async def test_after_refused_data_the_envelope_still_stands(autojump_clock: MockClock) -> None:
    opinions = Opinions({Event.DATA_BEGIN: LATER})
    async with stage(hooks=opinions.chain()) as place:
        talk = await place.greeted()
        assert await talk.codes(ENVELOPE + b"DATA\r\n", 3) == [b"250", b"250", b"450"]
        opinions.answers.clear()
        assert await talk.codes(b"DATA\r\n", 1) == [b"354"]
        assert await talk.code(b"x\r\n.\r\n") == b"250"


async def test_chunks_of_refused_content_are_read_and_thrown_away(autojump_clock: MockClock) -> None:
    opinions = Opinions({Event.DATA_BEGIN: NO})
    async with stage(hooks=opinions.chain()) as place:
        talk = await place.greeted()
        assert await talk.codes(ENVELOPE + b"BDAT 3\r\na\r\nRSET\r\n", 4) == [b"250", b"250", b"550", b"250"]
        opinions.answers.clear()
        assert await talk.codes(ENVELOPE + b"BDAT 3\r\na\r\nBDAT 3 LAST\r\nb\r\n", 4) == [b"250"] * 4
        assert opinions.events.count(Event.DATA_BEGIN) == 2
        assert len(place.spool.accepted) == 1


@pytest.mark.parametrize("inline_limit_bytes", [100_000, 100])
async def test_a_refused_message_leaves_nothing(autojump_clock: MockClock, inline_limit_bytes: int) -> None:
    async with stage(hooks=Opinions({Event.MESSAGE: NO}).chain(), inline_limit_bytes=inline_limit_bytes) as place:
        talk = await place.greeted()
        assert await sent(talk) == b"550"
        assert place.spool.accepted == []
        assert await place.world.world.disk.list(BODIES) == ()
        assert await talk.code(b"NOOP\r\n") == b"250"


@pytest.mark.parametrize("inline_limit_bytes", [100_000, 5_000, 100])
async def test_a_hook_reads_the_content_as_it_came_and_puts_fields_on_top(
    autojump_clock: MockClock, inline_limit_bytes: int
) -> None:
    read: list[bytes | None] = []

    async def judge(message: Message) -> Answer:
        async with aclosing(message.blocks()) as blocks:
            read.append(b"".join([block async for block in blocks]))
        read.extend([await message.content(len(CONTENT)), await message.content(len(CONTENT) - 1)])
        return AddFields([("X-Checked", "yes"), ("X-By", "opinions")])

    async with stage(hooks=Opinions({Event.MESSAGE: judge}).chain(), inline_limit_bytes=inline_limit_bytes) as place:
        assert await sent(await place.greeted()) == b"250"
        assert read == [CONTENT, CONTENT, None]
        (kept,) = place.spool.accepted
        content = await place.content(kept)
        assert content.startswith(b"X-Checked: yes\r\nX-By: opinions\r\nReceived: from client.example")
        assert content.endswith(CONTENT)
        if isinstance(kept.body, BodyFile):
            assert await place.world.world.disk.list(BODIES) == (kept.body.name,)


@pytest.mark.parametrize(("mode", "code"), [(FailMode.OPEN, b"250"), (FailMode.CLOSED, b"451")])
async def test_a_message_that_a_hook_cannot_judge_passes_or_is_put_off(
    autojump_clock: MockClock, mode: FailMode, code: bytes
) -> None:
    problem = BaseExceptionGroup("all", [SystemExit(), ValueError()])
    async with stage(hooks=Opinions({Event.MESSAGE: problem}, mode).chain()) as place:
        talk = await place.greeted()
        assert await sent(talk) == code
        assert await talk.code(b"NOOP\r\n") == b"250"


async def test_hooks_that_fail_everywhere_and_must_not_end_the_session_with_a_word(autojump_clock: MockClock) -> None:
    opinions = Opinions({event: KeyboardInterrupt() for event in Event}, FailMode.CLOSED)
    async with stage(hooks=opinions.chain()) as place:
        talk = await place.connect()
        assert await talk.line() == b"421 4.3.0 cannot check this now, try again later"
        assert await talk.line() is None
        await wait_all_tasks_blocked()
        assert len(place.said(SessionClosed)) == 1


@pytest.mark.parametrize("event", [event for event in Event if event is not Event.AUTH])
async def test_a_hook_that_hangs_costs_its_deadline_and_no_more(autojump_clock: MockClock, event: Event) -> None:
    async def hang(*_: object) -> None:
        await trio.sleep_forever()

    async with stage(hooks=Opinions({event: hang}).chain()) as place:
        began = trio.current_time()
        assert await sent(await place.greeted()) == b"250"
        assert trio.current_time() - began == 10


async def test_the_end_of_the_daemon_does_not_wait_for_a_hook(autojump_clock: MockClock) -> None:
    async def hang(*_: object) -> None:
        await trio.sleep_forever()

    async with stage(hooks=Opinions({Event.MAIL: hang}).chain()) as place:
        talk = await place.greeted()
        await talk.write(b"MAIL FROM:<a@client.example>\r\n")
        await wait_all_tasks_blocked()
    assert trio.current_time() == 0


async def test_what_a_hook_has_to_say_is_said_even_if_the_session_is_to_end(autojump_clock: MockClock) -> None:
    async def hang(*_: object) -> None:
        await trio.sleep_forever()

    async with stage(hooks=Opinions({Event.EHLO: hang}, FailMode.CLOSED).chain()) as place:
        talk = await place.connect()
        await talk.code()
        await talk.write(b"EHLO client.example\r\n")
        await wait_all_tasks_blocked()
        place.intake.drain()
        assert [await talk.code(), await talk.code()] == [b"451", b"421"]
        assert trio.current_time() == 10


async def test_hooks_are_not_asked_about_what_is_refused_anyway(autojump_clock: MockClock) -> None:
    opinions = Opinions()
    async with stage(hooks=opinions.chain()) as place:
        talk = await place.greeted(STRANGER)
        assert await talk.codes(ENVELOPE + b"DATA\r\n", 3) == [b"250", b"550", b"554"]
    assert opinions.events == [Event.CONNECT, Event.EHLO, Event.MAIL]


async def test_a_login_that_a_hook_refuses_is_none(autojump_clock: MockClock) -> None:
    opinions = Opinions({Event.AUTH: NO})
    async with users(opinions) as place:
        talk = await encrypted(place)
        assert await talk.code(b"AUTH PLAIN AGFubgBzZWNyZXQ=\r\n") == b"550"
        assert opinions.seen(Event.AUTH).login == "ann"
        (told,) = place.said(LoginRefused)
        assert (told.login, told.reason, told.mechanism) == ("ann", "refused by a hook", "PLAIN")
        assert await talk.code(b"MAIL FROM:<a@client.example>\r\n") == b"530"
        opinions.answers.clear()
        assert await talk.code(b"AUTH PLAIN AGFubgBzZWNyZXQ=\r\n") == b"235"
        assert await talk.code(b"MAIL FROM:<a@client.example>\r\n") == b"250"
        assert opinions.seen(Event.MAIL).login == "ann"
        assert opinions.seen(Event.MAIL).tls is not None


def users(opinions: Opinions) -> AbstractAsyncContextManager[Stage]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.empath.example").configure_cert(context)
    listener = ListenerSettings(listen_addr=ENTRANCE, tls=ListenerTls.STARTTLS, auth=ListenerAuth.REQUIRED)
    file = f"ann:{PasswordHash.make('secret', bytes(16)).text}\n".encode()
    tls: TlsContext = context
    return stage(listener=listener, tls=tls, users_file=file, hooks=opinions.chain())


async def encrypted(place: Stage) -> Talk:
    talk = await place.greeted(STRANGER)
    assert await talk.code(b"STARTTLS\r\n") == b"220"
    await talk.start_tls(opportunistic_context())
    assert await talk.code(b"EHLO client.example\r\n") == b"250"
    return talk
