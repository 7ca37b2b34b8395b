"""The dialogues of ``tests/dialogues``, played to a whole session wherever it decides what they say."""

import ssl
from ipaddress import ip_network

import pytest
import trio
import trustme
from attrs import define, field
from trio.testing import MockClock, wait_all_tasks_blocked

from empath.config.schema import ListenerSettings, ListenerTls
from empath.mail.record import decode_envelope
from empath.policy.relay import RelayPolicy
from empath.smtp import ServerConnection
from empath.world.errors import NetworkError
from empath.world.tls import opportunistic_context
from tests.dialogues.reading import every_dialogue
from tests.dialogues.runner import drive
from tests.dialogues.script import Dialogue, Message
from tests.dialogues.scripted import HOSTNAME
from tests.ingress.stage import CLIENT, ENTRANCE, Stage, Talk, stage

NOT_OURS = {
    "grammar/side-commands": "EXPN is not available here",
    "grammar/special-paths": "the bare postmaster gets our host name",
}


def playable(dialogue: Dialogue) -> bool:
    """Whether the server of the dialogue is one that a session can be, and has no will of its own."""
    settings = dialogue.settings
    foreign = any(line.startswith(("AUTH", "XCLIENT", "REQUIRETLS")) for line in settings.offers.lines)
    own_will = settings.lmtp or settings.answers or settings.users or settings.implicit_tls
    return settings.together and not (foreign or own_will) and dialogue.name.removesuffix(".txt") not in NOT_OURS


@define(eq=False)
class SessionPeer:
    """See ``tests.dialogues.runner.Peer``."""

    _place: Stage
    _talk: Talk
    _closed: bool = field(init=False, default=False)

    async def send(self, segment: bytes) -> None:
        try:
            await self._talk.write(segment)
        except NetworkError:
            self._closed = True

    async def read_line(self) -> bytes | None:
        with trio.move_on_after(1):
            try:
                line = await self._talk.line()
            except NetworkError:
                line = None
            self._closed = line is None
            return line
        return None

    async def start_tls(self) -> None:
        try:
            await self._talk.start_tls(opportunistic_context())
        except NetworkError:
            self._closed = True

    async def hang_up(self) -> None:
        if isinstance(self._talk.stream, trio.abc.HalfCloseableStream):
            await self._talk.stream.send_eof()
        else:
            await self._talk.stream.aclose()
            self._closed = True

    async def is_closed(self) -> bool:
        return self._closed or (await self.read_line() is None and self._closed)

    async def accepted(self) -> list[Message]:
        await wait_all_tasks_blocked()
        messages = []
        for kept in self._place.spool.accepted:
            envelope = decode_envelope(kept.envelope)
            sender = "" if envelope.reverse_path is None else str(envelope.reverse_path)
            recipients = tuple(str(one.address) for one in envelope.recipients)
            content = await self._place.content(kept)
            messages.append(Message(sender, recipients, without_trace(content)))
        return messages


def without_trace(content: bytes) -> bytes:
    """What stands behind the field that we have put on top."""
    lines = content.splitlines(keepends=True)
    rest = (index for index, line in enumerate(lines) if index and not line.startswith((b" ", b"\t")))
    return b"".join(lines[next(rest, len(lines)) :])


@pytest.fixture(scope="module")
def certificate() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert(HOSTNAME).configure_cert(context)
    return context


@pytest.mark.parametrize("dialogue", [d for d in every_dialogue() if playable(d)], ids=lambda dialogue: dialogue.name)
async def test_a_session_does_what_the_dialogue_says(
    autojump_clock: MockClock, certificate: ssl.SSLContext, dialogue: Dialogue
) -> None:
    settings = dialogue.settings

    def machine() -> ServerConnection:
        return ServerConnection(HOSTNAME, settings.offers, bounds=settings.bounds, strict_groups=settings.strict_groups)

    listener = ListenerSettings(listen_addr=ENTRANCE, tls=ListenerTls.STARTTLS)
    relay = RelayPolicy(networks=(ip_network(CLIENT),))
    async with stage(listener=listener, relay=relay, tls=certificate, new_machine=machine) as place:
        await drive(dialogue, SessionPeer(place, await place.connect()))
