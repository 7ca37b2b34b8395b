"""One attempt: one transaction over a hop, and an outcome for each recipient. It returns values and raises no Failure.

Without PIPELINING there is one command at a time. With it the envelope leaves in one write (RFC 2920), together with
DATA, or with the whole message in one chunk if the host has CHUNKING too and the message is small (RFC 3030 4.2): then
there is one round trip. A chunk for which no recipient is left is refused by the host, and costs nothing but the
octets; a large one is therefore not sent before somebody is known to want it.

Each reply is attributed to its command by the machine. A recipient that is refused costs the others nothing; a message
that is refused is refused for all that were accepted; and when the connection breaks, those that nobody has judged are
deferred. Once the last octet is on its way nobody but the host knows what became of the message (RFC 1047).
"""

from __future__ import annotations

from collections.abc import Sequence

import trio
from attrs import define, evolve, field

from empath.delivery.talking.content import Sending, Shield, last_words
from empath.delivery.talking.fitting import fits, fitted, needs_smtputf8
from empath.delivery.talking.hop import Hop
from empath.delivery.talking.shipment import Shipment
from empath.delivery.talking.wishes import mail_for
from empath.delivery.talking.within import within
from empath.mail.diagnosis import Phase, phase_of
from empath.mail.failure import Failure, failure_of, judge
from empath.mail.outcome import Delivered, Outcome, outcome_of
from empath.smtp import Bdat, Command, Data, Mail, Rcpt, Reply, ReplyReceived, State
from empath.smtp.params import NO_RCPT_PARAMS


@define(eq=False)
class Attempt:
    """See the module. ``run`` is called once."""

    _hop: Hop
    _shipment: Shipment
    _shield: Shield
    _one_write_bytes: int
    """Up to what size a message leaves in one write with its envelope."""
    stages: list[tuple[str, float]] = field(init=False, factory=list)
    """How long ``mail``, ``rcpt`` and ``data`` took, in seconds. What left in one write counts as the last of it."""
    _outcomes: dict[int, Outcome] = field(init=False, factory=dict)
    _since: float = field(init=False, default=0.0)

    async def run(self) -> dict[int, Outcome]:
        """Try, and say what came of it for each recipient of the shipment, by ordinal."""
        self._hop.transactions += 1
        self._since = self._hop.busy_since = trio.current_time()
        try:
            if not fits(self._shipment, self._hop.client.facts.in_force):
                await self._fit()
            await self._transact()
        except Failure as problem:
            self._settle(self._shipment.ordinals, outcome_of(problem))
        return self._outcomes

    async def _fit(self) -> None:
        """Make of the shipment what the host can take. Raises Failure if that is nothing."""
        hop, shipment = self._hop, self._shipment
        most = hop.client.facts.in_force.limits.rcpt_max
        if most is not None and len(shipment.ordinals) > most:  # RFC 9422 4.2; the rest goes in a further transaction
            shipment = evolve(shipment, ordinals=shipment.ordinals[:most])
        self._shipment = fit = await fitted(shipment, hop)
        if fit.ordinals is not shipment.ordinals:
            left_out = [ordinal for ordinal in shipment.ordinals if ordinal not in fit.ordinals]
            self._settle(left_out, outcome_of(needs_smtputf8(hop.target.host, "the address is not ASCII")))

    async def _transact(self) -> None:
        client, content = self._hop.client, self._shipment.content
        chunking = "CHUNKING" in client.facts.in_force
        group: list[Command] = [self._mail(), *self._rcpts()]
        if chunking and client.pipelining and isinstance(content, bytes) and len(content) <= self._one_write_bytes:
            await self._in_one_write(group, content)
            return
        if not chunking:
            group.append(Data())
        accepted = await self._say_envelope(group)
        sending = Sending(self._hop, content, self._shield)
        if client.state is State.DATA:
            # Only the dot if there is nobody left to send to (RFC 2920 3.1).
            self._conclude(accepted, await (sending.by_data() if accepted else sending.end()), Phase.END)
            self._mark("data")
        elif client.state is State.RCPT and chunking:
            self._conclude(accepted, *await sending.by_chunks())
            self._mark("data")

    def _mail(self) -> Mail:
        shipment = self._shipment
        return mail_for(
            shipment.envelope,
            self._hop.client.facts.in_force,
            size_bytes=shipment.size_bytes,
            encrypted=self._hop.tls is not None,
            deliver_by=shipment.deliver_by,
        )

    def _rcpts(self) -> list[Rcpt]:
        dsn = "DSN" in self._hop.client.facts.in_force
        recipients = [self._shipment.envelope.recipients[ordinal] for ordinal in self._shipment.ordinals]
        return [Rcpt(one.address, one.params if dsn else NO_RCPT_PARAMS) for one in recipients]

    async def _in_one_write(self, group: list[Command], content: bytes) -> None:
        """Envelope and message at once.

        If that cannot be written to its end, the host has no whole message. From then on it may have taken the message,
        whatever it has not answered yet; so the reply to the envelope may take as long as that to the message.
        """
        hop = self._hop
        answers: list[ReplyReceived] = []
        with within(hop.timeouts.data_s, Phase.MAIL, hop.target.host):
            await hop.stream.send_all(hop.say(*group, Bdat(len(content), last=True)) + last_words(hop, content))
        try:
            with within(hop.timeouts.data_reply_s, Phase.END, hop.target.host) as scope, self._shield(scope):
                await hop.replies(len(group) + 1, answers)
        except Failure:
            self._read(answers)
            raise
        self._mark("data")
        accepted = self._read(answers)
        if len(answers) > len(group):
            self._conclude(accepted, answers[-1].reply, Phase.END)

    async def _say_envelope(self, group: list[Command]) -> list[int]:
        """All up to the content; the ordinals that were accepted."""
        answers: list[ReplyReceived] = []
        try:
            await (self._at_once(group, answers) if self._hop.client.pipelining else self._in_turn(group, answers))
        except Failure as problem:
            self._read(answers)
            # However much was sent at once, it failed at the first command that has no answer.
            phase = phase_of(group[min(len(answers), len(group) - 1)].verb)
            raise failure_of(evolve(problem.diagnosis, phase=phase)) from problem
        self._mark("rcpt")
        return self._read(answers)

    def _mark(self, stage: str) -> None:
        now = trio.current_time()
        self.stages.append((stage, now - self._since))
        self._since = now

    async def _at_once(self, group: list[Command], answers: list[ReplyReceived]) -> None:
        hop, timeouts = self._hop, self._hop.timeouts
        commands = len(group) - isinstance(group[-1], Data)
        with within(timeouts.command_s, Phase.MAIL, hop.target.host):
            await hop.stream.send_all(hop.say(*group))
            await hop.replies(commands, answers)
            hop.take_ready(answers)
        if len(answers) < len(group) and hop.client.state is not State.CLOSED:
            with within(timeouts.data_init_s, Phase.DATA, hop.target.host):
                await hop.replies(1, answers)

    async def _in_turn(self, group: list[Command], answers: list[ReplyReceived]) -> None:
        """One command at a time, and none that has become pointless."""
        hop = self._hop
        for command in group:
            pointless = isinstance(command, Data) and hop.client.state is not State.RCPT
            if pointless or (answers and hop.client.state in (State.READY, State.CLOSED)):
                return
            limit_s = hop.timeouts.data_init_s if isinstance(command, Data) else hop.timeouts.command_s
            answers.append(await hop.ask(command, limit_s))
            if isinstance(command, Mail):
                self._mark("mail")

    def _read(self, answers: Sequence[ReplyReceived]) -> list[int]:
        """Settle what was refused before the content; the ordinals that were accepted."""
        if len(answers) > len(self._shipment.ordinals) and all(answer.reply.code < 400 for answer in answers):
            return list(self._shipment.ordinals)
        accepted: list[int] = []
        ordinals = iter(self._shipment.ordinals)
        for answer in answers:
            reply, command = answer.reply, answer.command
            if isinstance(command, Rcpt):
                ordinal = next(ordinals)
                if reply.code < 400:
                    accepted.append(ordinal)
                elif reply.code != 421:
                    self._refuse((ordinal,), reply, Phase.RCPT, accepted_before=len(accepted))
            elif reply.code >= 400 and reply.code != 421:
                self._refuse(self._shipment.ordinals, reply, phase_of(command.verb) if command else Phase.MAIL)
        if answers and answers[-1].reply.code == 421:
            command = answers[-1].command
            self._refuse(self._shipment.ordinals, answers[-1].reply, phase_of(command.verb) if command else Phase.MAIL)
        return accepted

    def _conclude(self, accepted: list[int], reply: Reply, phase: Phase) -> None:
        """What the host says of the message holds for all whom it has accepted."""
        if reply.positive:
            offered = self._hop.client.facts.in_force
            minds_time = self._shipment.deliver_by is not None and "DELIVERBY" in offered
            self._settle(accepted, Delivered(reply, self._hop.target.host, "DSN" in offered, minds_time))
        else:
            self._refuse(accepted, reply, phase)

    def _refuse(self, ordinals: Sequence[int], reply: Reply, phase: Phase, *, accepted_before: int = 0) -> None:
        problem = judge(reply, phase, host=self._hop.target.host, accepted_before=accepted_before)
        self._settle(ordinals, outcome_of(problem))

    def _settle(self, ordinals: Sequence[int], outcome: Outcome) -> None:
        """The first outcome of a recipient stands: what was judged is not judged again."""
        for ordinal in ordinals:
            self._outcomes.setdefault(ordinal, outcome)
