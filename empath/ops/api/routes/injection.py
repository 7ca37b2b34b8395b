"""Handing a message in: ``POST /messages``.

The answer, 202, comes when the message is on the disk: from then on we answer for it, as after the 250 of SMTP (RFC
5321 6.1). It may come a second time for the same ``Idempotency-Key``: a client that has not heard the answer asks again
with the same key, and the message is taken once. Keys are remembered for as long as the daemon runs, and not without
end; the message of one that was forgotten is taken again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final, Literal, Protocol

import msgspec
import trio
from attrs import define, field

from empath.config.units import UnitError, parse_duration
from empath.mail.composing import plain_message
from empath.mail.facts import DeliveryAttempted
from empath.mail.handing import HandedIn, NotTaken
from empath.mail.ids import MessageId
from empath.mail.outcome import Deferred, Delivered
from empath.mail.trace_context import TraceContext
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import media_type, too_large
from empath.ops.api.route import Answer, Call, Route, route
from empath.ops.api.tokens import Scope
from empath.ops.http import ContentTooLarge
from empath.ops.outcomes import Outcomes
from empath.world.endpoint import TcpEndpoint

MESSAGE: Final = "message/rfc822"
MAX_WAIT_S: Final = 60.0
_MAX_KEYS: Final = 10_000
_MAX_KEY_CHARACTERS: Final = 255


class Injector(Protocol):
    """Who takes messages in."""

    def new_mid(self) -> MessageId:
        """A name for a message that begins now."""

    async def take(self, mid: MessageId, handed: HandedIn, content: AsyncIterator[bytes]) -> int:
        """Take a message durably; how many deliveries it has. Raises NotTaken."""


class InjectQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"sender": "from"}):
    """With ``message/rfc822``: the envelope, which is not read from the header. With both: how long to wait."""

    sender: str | None = None
    to: tuple[str, ...] = ()
    wait: str | None = None
    """A duration up to a minute: the answer then comes with the first outcome for each recipient."""


class Injection(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"sender": "from"}):
    """A message: ``text`` with a subject, or ``content``, which is all of it with its header."""

    sender: str = ""
    """The reverse-path; empty: the null one."""
    to: tuple[str, ...]
    subject: str | None = None
    text: str | None = None
    content: str | None = None


class InjectOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the first attempt for one recipient came to."""

    recipient: str
    outcome: Literal["delivered", "deferred", "bounced"]
    reply: str
    host: str | None
    took_s: float
    waited_s: float
    """From acceptance to the beginning of the attempt."""
    stages_s: dict[str, float]
    """How long ``dns``, ``connect``, ``tls``, ``mail``, ``rcpt`` and ``data`` took, as far as there was one."""
    tls: str | None
    """The version; None: it went in clear."""
    tls_verified: bool
    """Whether the host has proved who it is."""
    next_attempt: float | None
    """Wall clock; None: there is none, or nobody knows yet."""


class Injected(msgspec.Struct, frozen=True, kw_only=True):
    """A message that we answer for."""

    schema: Literal["empath.inject/1"] = "empath.inject/1"
    mid: str
    deliveries: int
    outcomes: tuple[InjectOutcome, ...] = ()
    """With ``wait``: those there are by now."""


@define(eq=False, kw_only=True)
class InjectionRoutes:
    """See the module."""

    injector: Injector
    outcomes: Outcomes
    max_message_size_bytes: int
    _keys: OrderedDict[tuple[str, str], Injected | None] = field(init=False, factory=OrderedDict)
    """What came of each key, by who has used it; None: it is not known yet."""

    def routes(self) -> tuple[Route, ...]:
        """The table."""
        return (route("POST", "/messages", self._inject, Scope.INJECT, status=202, raw=MESSAGE),)

    async def _inject(self, call: Call[InjectQuery, Injection]) -> Answer[Injected]:
        """Hand a message in.

        The answer comes when the message is on the disk. With an Idempotency-Key it is taken once, however often it is
        handed in. Its content is JSON, or with message/rfc822 the message itself, and the envelope in the query. A
        traceparent (W3C Trace Context) is kept with the message, and named in logs, audit and spans.
        """
        wait_s = _wait_s(call.query.wait)
        key = (call.who.name, call.request.fields.get("idempotency-key", ""))
        if not key[1]:
            return self._answer(await self._take(call, wait_s))
        if len(key[1]) > _MAX_KEY_CHARACTERS:
            raise _refused("the Idempotency-Key is too long", f"up to {_MAX_KEY_CHARACTERS} characters are kept")
        if key in self._keys:
            return self._again(self._keys[key])
        self._keys[key] = None
        try:
            injected = await self._take(call, wait_s)
        except BaseException:
            del self._keys[key]
            raise
        self._keys[key] = injected
        if len(self._keys) > _MAX_KEYS:
            self._keys.popitem(last=False)
        return self._answer(injected)

    def _answer(self, injected: Injected) -> Answer[Injected]:
        return Answer(injected, 202, {"Location": f"/api/v1/messages/{injected.mid}"})

    def _again(self, injected: Injected | None) -> Answer[Injected]:
        if injected is None:
            why, remedy = "whether it is taken is not known yet", "ask again in a moment, with the same key"
            raise Problem(409, Code.NOT_NOW, "this very message is being taken", why=why, remedy=remedy)
        return self._answer(injected)

    async def _take(self, call: Call[InjectQuery, Injection], wait_s: float) -> Injected:
        sender, recipients = _envelope(call)
        peer = call.request.peer
        handed = HandedIn(
            sender=sender,
            recipients=recipients,
            user=call.who.name,
            client_ip=peer.host if isinstance(peer, TcpEndpoint) else None,
            trace_context=TraceContext.parse(call.request.fields.get("traceparent", "")),
        )
        mid = self.injector.new_mid()
        watched = self.outcomes.watch(mid) if wait_s else None
        try:
            async with aclosing(self._content(call)) as content:
                deliveries = await self.injector.take(mid, handed, content)
            if watched is not None:
                with trio.move_on_after(wait_s):
                    await watched.wait_attempts(deliveries)
        except ContentTooLarge:
            raise too_large(self.max_message_size_bytes) from None
        except NotTaken as problem:
            status, code = (503, Code.NOT_NOW) if problem.is_passing else (422, Code.REFUSED)
            raise Problem(status, code, problem.what, why=problem.why, remedy=problem.remedy) from None
        finally:
            self.outcomes.forget(mid)
        attempts = watched.attempts if watched else ()
        return Injected(mid=str(mid), deliveries=deliveries, outcomes=tuple(map(_outcome, attempts)))

    # Closed at once by the one caller, which has it in `aclosing`.
    async def _content(self, call: Call[InjectQuery, Injection]) -> AsyncGenerator[bytes, None]:  # noqa: ASYNC900
        if media_type(call.request.fields) == MESSAGE:
            async with aclosing(call.request.content.blocks(self.max_message_size_bytes)) as blocks:
                async for block in blocks:
                    yield block  # noqa: ASYNC119
            return
        await trio.lowlevel.checkpoint()
        said = call.content
        if said.content is not None:
            yield said.content.encode()  # noqa: ASYNC119
            return
        yield plain_message(  # noqa: ASYNC119
            author=said.sender or "MAILER-DAEMON",
            recipients=said.to,
            subject=said.subject or "",
            text=said.text or "",
        )


def _envelope(call: Call[InjectQuery, Injection]) -> tuple[str, tuple[str, ...]]:
    query = call.query
    if media_type(call.request.fields) == MESSAGE:
        return query.sender or "", query.to
    if query.sender is not None or query.to:
        raise _refused("the envelope stands in the query", "with JSON it stands in the content")
    said = call.content
    if said.content is not None and (said.text is not None or said.subject is not None):
        raise _refused("there are both content and text or subject", "content brings its own header and text")
    if said.content is None and any(sign in path for path in (said.sender, *said.to) for sign in "\r\n"):
        raise _refused("an address has a line end", "it could begin a header field of its own")
    return said.sender, said.to


def _wait_s(text: str | None) -> float:
    if text is None:
        return 0.0
    try:
        return min(parse_duration(text), MAX_WAIT_S)
    except UnitError as error:
        raise _refused(f"wait is no duration: {error}", "it is written like 10s") from None


def _refused(what: str, why: str) -> Problem:
    return Problem(422, Code.CONTENT, what, why=why, remedy="see /api/v1/openapi.json; nothing was taken")


def _outcome(fact: DeliveryAttempted) -> InjectOutcome:
    outcome = fact.outcome
    if isinstance(outcome, Delivered):
        return _told(fact, "delivered", str(outcome.reply), outcome.host)
    diagnosis = outcome.diagnosis
    reply = str(diagnosis.reply) if diagnosis.reply is not None else diagnosis.text
    return _told(fact, "deferred" if isinstance(outcome, Deferred) else "bounced", reply, diagnosis.host)


def _told(
    fact: DeliveryAttempted, outcome: Literal["delivered", "deferred", "bounced"], reply: str, host: str | None
) -> InjectOutcome:
    return InjectOutcome(
        recipient=str(fact.recipient),
        outcome=outcome,
        reply=reply,
        host=host,
        took_s=fact.took_s,
        waited_s=fact.waited_s,
        stages_s=dict(fact.way + fact.stages),
        tls=fact.tls_version,
        tls_verified=fact.tls_verified,
        next_attempt=fact.next_attempt,
    )
