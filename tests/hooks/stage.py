"""Hooks for tests, plugged in as an operator would, by entry points that no package has."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from importlib.metadata import EntryPoint
from typing import Any

import trio
from attrs import frozen

from empath.config.schema import FailMode, HookSettings, Profile
from empath.hooks import Chain, Message, SessionFacts
from empath.hooks.events import Event
from empath.hooks.guard import Call, Guard
from empath.mail import Envelope
from empath.mail.envelope import Recipient
from empath.mail.ids import MessageId, SessionId
from empath.smtp import Address
from empath.world.encrypted import TlsSummary

FACTS = SessionFacts(
    session=SessionId.make(0.0, 1),
    listener="192.0.2.1:25",
    profile=Profile.RELAY,
    client_ip="198.51.100.7",
    hello="client.example",
    tls=TlsSummary("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, None),
    login="ann",
)


def entry(name: str, target: str) -> Mapping[str, EntryPoint]:
    """One hook, as installed."""
    return {name: EntryPoint(name, target, "empath.hooks")}


def message(content: bytes, *recipients: str, sender: str | None = "a@client.example", header: bytes = b"") -> Message:
    """A message that came."""

    async def blocks() -> AsyncGenerator[bytes, None]:  # noqa: ASYNC900  closed by who opened it
        await trio.lowlevel.checkpoint()
        yield content[:10]
        yield content[10:]

    envelope = Envelope(
        reverse_path=Address.parse(sender) if sender else None,
        recipients=tuple(Recipient(Address.parse(one)) for one in recipients or ("b@ours.example",)),
        received=0.0,
    )
    return Message(mid=MessageId.make(0.0, 1), envelope=envelope, size_bytes=len(content), header=header, open=blocks)


@frozen
class Ask:
    """A hook whose answer is what a function says."""

    answer: Callable[..., Awaitable[Any]]

    def call(
        self,
        event: Event = Event.MESSAGE,
        *,
        fail_mode: FailMode = FailMode.OPEN,
        deadline_s: float = 10.0,
        guard: Guard | None = None,
    ) -> Call:
        """The guarded call of it."""
        settings = HookSettings(name="under test", deadline_s=deadline_s, fail_mode=fail_mode)
        return Call(guard or Guard.of(settings), event, self.answer, ())  # type: ignore[arg-type]  # lies are tested


def chain(*answers: Callable[..., Awaitable[Any]], event: Event = Event.MESSAGE) -> Chain:
    """A chain of such hooks."""
    return Chain.of(Ask(answer).call(event) for answer in answers)
