"""One attempt: one transaction over a hop, and an outcome for each recipient. It returns values and raises no Failure.

With PIPELINING the whole envelope and DATA leave in one write (RFC 2920); without it, one command at a time. Each reply
is attributed to its command by the machine. A recipient that is refused costs the others nothing; a message that is
refused is refused for all that were accepted; and when the connection breaks, those that nobody has judged are
deferred. Once the final dot is on its way nobody but the host knows what became of the message (RFC 1047).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager, aclosing

import trio
from attrs import define, field, frozen

from empath.delivery.hop import Hop, within
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.envelope import Envelope
from empath.mail.failure import Failure, failure_of, judge
from empath.mail.outcome import Delivered, Outcome, outcome_of
from empath.smtp import (
    BodyData,
    BodyEnd,
    Command,
    Data,
    Extensions,
    Mail,
    MailParams,
    Rcpt,
    Reply,
    ReplyReceived,
    State,
)
from empath.smtp.params import NO_RCPT_PARAMS

Shield = Callable[[], AbstractContextManager[trio.CancelScope]]
"""Makes the shield around the wait for the reply to a final dot."""


@frozen(kw_only=True)
class Shipment:
    """One message for some of its recipients, all of them behind the same next hop."""

    envelope: Envelope
    ordinals: tuple[int, ...]
    """Which recipients of the envelope."""
    size_bytes: int
    content: Callable[[], AsyncGenerator[bytes, None]] | bytes = field(repr=False)
    """The content itself, or how to read it in blocks."""


@define(eq=False)
class Attempt:
    """See the module. ``run`` is called once."""

    _hop: Hop
    _shipment: Shipment
    _shield: Shield
    _outcomes: dict[int, Outcome] = field(init=False, factory=dict)

    async def run(self) -> dict[int, Outcome]:
        """Try, and say what came of it for each recipient of the shipment, by ordinal."""
        self._hop.transactions += 1
        try:
            mail = adapt_mail(self._shipment, self._hop.client.facts.in_force)
            group: list[Command] = [mail, *self._rcpts(), Data()]
            accepted = await (self._at_once(group) if self._hop.client.pipelining else self._step_by_step(group))
            if self._hop.client.state is State.DATA:
                await self._send_content(accepted)
        except Failure as problem:
            self._settle(self._shipment.ordinals, outcome_of(problem))
        return self._outcomes

    def _rcpts(self) -> list[Rcpt]:
        dsn = "DSN" in self._hop.client.facts.in_force
        recipients = [self._shipment.envelope.recipients[ordinal] for ordinal in self._shipment.ordinals]
        return [Rcpt(one.address, one.params if dsn else NO_RCPT_PARAMS) for one in recipients]

    async def _at_once(self, group: list[Command]) -> list[int]:
        """The whole envelope in one write; the ordinals that were accepted."""
        hop, timeouts = self._hop, self._hop.timeouts
        with within(max(timeouts.command_s, timeouts.data_init_s), Phase.MAIL, hop.target.host):
            await hop.stream.send_all(hop.say(*group))
            answers = await hop.replies(len(group))
        return self._read_envelope(answers)

    async def _step_by_step(self, group: list[Command]) -> list[int]:
        """One command at a time, and none that has become pointless; the ordinals that were accepted."""
        hop, timeouts = self._hop, self._hop.timeouts
        answers = [await hop.ask(group[0], timeouts.command_s)]
        if answers[0].reply.positive:
            for rcpt in group[1:-1]:
                answers.append(await hop.ask(rcpt, timeouts.command_s))
                if hop.client.state is State.CLOSED:
                    break
            if hop.client.state is State.RCPT:
                answers.append(await hop.ask(group[-1], timeouts.data_init_s))
        return self._read_envelope(answers)

    def _read_envelope(self, answers: Sequence[ReplyReceived]) -> list[int]:
        """Settle what MAIL, RCPT and DATA were refused; the ordinals that DATA was granted for."""
        accepted: list[int] = []
        ordinals = iter(self._shipment.ordinals)
        for answer in answers:
            positive = answer.reply.code < 400
            if isinstance(answer.command, Rcpt):
                ordinal = next(ordinals)
                if positive:
                    accepted.append(ordinal)
                else:
                    self._refuse((ordinal,), answer.reply, Phase.RCPT, accepted_before=len(accepted))
            elif not positive:
                phase = Phase.MAIL if isinstance(answer.command, Mail) else Phase.DATA
                self._refuse(self._shipment.ordinals, answer.reply, phase)
        if self._hop.client.state is State.CLOSED:
            self._refuse(self._shipment.ordinals, answers[-1].reply, Phase.MAIL)
        return accepted

    async def _send_content(self, accepted: list[int]) -> None:
        """The body and the dot; only the dot if there is nobody left to send to (RFC 2920 3.1)."""
        hop, timeouts = self._hop, self._hop.timeouts
        wire = b""
        if accepted:
            wire = await self._write_content()
        with self._shield() as shield:
            with within(timeouts.data_reply_s, Phase.END, hop.target.host):
                await hop.stream.send_all(wire + hop.say(BodyEnd()))
                reply = (await hop.replies(1))[0].reply
            if reply.positive:
                self._settle(accepted, Delivered(reply, hop.target.host))
            else:
                self._refuse(accepted, reply, Phase.END)
        if shield.cancelled_caught:
            text = "stopped while the reply to the end of the message was awaited"
            raise failure_of(Diagnosis(kind=Kind.TIMEOUT, phase=Phase.END, host=hop.target.host, text=text))

    async def _write_content(self) -> bytes:
        """Send the body but for its last piece, which is to leave together with the dot.

        The time limit is for one block, not for the whole: RFC 5321 4.5.3.2.5.
        """
        content = self._shipment.content
        if isinstance(content, bytes):
            return self._hop.client.send(BodyData(content))
        last = b""
        async with aclosing(content()) as blocks:
            async for block in blocks:
                if last:
                    with within(self._hop.timeouts.data_s, Phase.DATA, self._hop.target.host):
                        await self._hop.stream.send_all(last)
                last = self._hop.client.send(BodyData(block))
        return last

    def _refuse(self, ordinals: Sequence[int], reply: Reply, phase: Phase, *, accepted_before: int = 0) -> None:
        problem = judge(reply, phase, host=self._hop.target.host, accepted_before=accepted_before)
        self._settle(ordinals, outcome_of(problem))

    def _settle(self, ordinals: Sequence[int], outcome: Outcome) -> None:
        """The first outcome of a recipient stands: what was judged is not judged again."""
        for ordinal in ordinals:
            self._outcomes.setdefault(ordinal, outcome)


def adapt_mail(shipment: Shipment, offered: Extensions) -> Mail:
    """MAIL with what of the sender's wishes this host understands. Raises Failure if the message cannot go there."""
    params = shipment.envelope.params
    if params.smtputf8 and "SMTPUTF8" not in offered:
        raise _unfit(Kind.NEEDS_SMTPUTF8, "the message needs SMTPUTF8, which the host does not offer")
    if offered.size is not None and shipment.size_bytes > offered.size:
        raise _unfit(Kind.TOO_LARGE, f"the message has {shipment.size_bytes} octets, the host takes {offered.size}")
    dsn = "DSN" in offered
    return Mail(
        shipment.envelope.reverse_path,
        MailParams(
            size=shipment.size_bytes if "SIZE" in offered else None,
            body=params.body if "8BITMIME" in offered else None,
            smtputf8=params.smtputf8,
            ret=params.ret if dsn else None,
            envid=params.envid if dsn else None,
        ),
    )


def _unfit(kind: Kind, text: str) -> Failure:
    return failure_of(Diagnosis(kind=kind, phase=Phase.MAIL, text=text))
