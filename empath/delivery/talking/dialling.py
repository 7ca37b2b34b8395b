"""Dialling: from an address to a hop that is greeted, introduced, encrypted as it must be, and logged in.

What the host must show is known before it is connected to, and nothing of an envelope is said before it has shown it.
"""

from __future__ import annotations

import logging

import trio
from attrs import evolve, field, frozen

from empath.config.schema import TimeoutSettings
from empath.delivery.finding.demands import Demands, HostUnfit, Wanted, needs_tls
from empath.delivery.talking.hop import Hop
from empath.delivery.talking.login import Login
from empath.delivery.talking.within import within
from empath.delivery.telling.witness import Witness
from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.dialogue import Talk, Tap
from empath.mail.failure import Failure, SystemFailure, SystemKind, failure_of, judge
from empath.policy.encryption.broken_tls import BrokenTls
from empath.policy.encryption.demand import Demand, unmet
from empath.policy.encryption.tls import Situation, Step, refusal, step
from empath.policy.route import Target
from empath.policy.tlsrpt.results import ResultType
from empath.smtp import Bounds, ClientConnection, Ehlo, Helo, StartTls
from empath.world.endpoint import TcpEndpoint
from empath.world.errors import CertificateUnusable
from empath.world.handshake import start_tls
from empath.world.ports import Clock, Network
from empath.world.sending_contexts import SendingContexts
from empath.world.tls import TlsContext

_LOG = logging.getLogger(__name__)

_BOUNDS = Bounds(reply_line=4096)
"""RFC 5321 4.5.3.1.5 allows 512 octets in a reply line; real hosts write whole paragraphs into theirs."""
_APPROVED_S = 60.0
"""For how long a connection that has shown enough is not looked at again. Less than what DNS is mostly kept for."""


@frozen(kw_only=True)
class Dialling:
    """How connections for a recipient domain are made."""

    domain: str
    network: Network
    clock: Clock
    hostname: str
    timeouts: TimeoutSettings
    demands: Demands
    contexts: SendingContexts
    broken: BrokenTls
    login: Login | None = None
    """As whom to log in; None: as nobody."""
    implicit_tls: bool = field(default=False)
    """Whether the connection is inside TLS from its first octet (RFC 8314 3.3)."""
    tap: Tap = field(factory=Tap)
    """Who is told what is said."""
    witness: Witness | None = None
    """Who counts what comes of TLS, for reports to the domain (RFC 8460); None: nobody does."""

    async def suits(self, hop: Hop, *, requiretls: bool = False, tls_optional: bool = False) -> bool:
        """Whether a connection that stands may carry mail for this domain: it has shown what a new one would have to.

        ``requiretls``, ``tls_optional``: see `Demands.of`.
        """
        if hop.login != self.login:
            return False
        approved_at = hop.approved.get((self.domain, requiretls))
        if approved_at is not None and trio.current_time() - approved_at < _APPROVED_S:
            return True
        try:
            wanted = await self.demands.of(self.domain, hop.target, requiretls=requiretls, tls_optional=tls_optional)
        except Failure:
            return False  # a new connection would meet the same, and then it is told
        if unmet(wanted.demand, hop.shown, now=self.clock.now()) is not None:
            return False
        if not tls_optional:
            hop.approved[self.domain, requiretls] = trio.current_time()
        return True

    async def open(self, host: Target, *, requiretls: bool = False, tls_optional: bool = False) -> Hop:
        """Connect, read the greeting, introduce ourselves, encrypt and log in. Raises Failure and SystemFailure."""
        try:
            wanted = await self.demands.of(self.domain, host, requiretls=requiretls, tls_optional=tls_optional)
            hop = await self._try_out(host, wanted)
        except Failure as problem:
            if self.tap.listener is not None and problem.diagnosis.phase is Phase.CONNECT:
                self._tell_unreached(host, problem)
            if self.witness is not None and isinstance(problem, HostUnfit):
                self.witness.refused(self.domain, problem, host)
            if requiretls and problem.diagnosis.phase is Phase.STARTTLS:
                # The message asks for more than others: that must not be held against the site.
                text = f"the sender asks for TLS all the way: {problem.diagnosis.text}"
                raise needs_tls(host.host, text) from problem
            raise
        if not tls_optional:
            hop.approved[self.domain, requiretls] = trio.current_time()
        return hop

    async def _try_out(self, host: Target, wanted: Wanted) -> Hop:
        """Connect as a policy in testing has it; and if that does not work, as if there were none (RFC 8461 5)."""
        if wanted.trial is None or self.witness is None:
            return await self._approach(host, wanted)
        try:
            return await self._open(host, wanted, wanted.trial, encrypt=True)
        except Failure as problem:
            if problem.diagnosis.phase is not Phase.STARTTLS:
                raise
        return await self._approach(host, Wanted(demand=wanted.demand))

    async def _approach(self, host: Target, wanted: Wanted) -> Hop:
        """Connect; and where the policy lets broken TLS be no obstacle, once more in clear."""
        place, demand = (host.address, host.port), wanted.demand
        lenient = step(demand.policy, Situation.HANDSHAKE_FAILED) is Step.AGAIN_IN_CLEAR and not self.implicit_tls
        if lenient and self.broken.has(place, trio.current_time()):
            broken = evolve(wanted, trouble=ResultType.VALIDATION_FAILURE)
            return await self._open(host, broken, demand, encrypt=False)
        try:
            return await self._open(host, wanted, demand, encrypt=True)
        except Failure as problem:
            if not lenient or problem.diagnosis.phase is not Phase.STARTTLS or problem.diagnosis.reply is not None:
                raise
            trouble = problem.diagnosis.text
        hop = await self._open(host, Wanted(demand=demand), demand, encrypt=False)
        self.broken.remember(place, trio.current_time())
        _LOG.info("TLS is broken at %s (%s); mail goes there in clear", host.host, trouble)
        return hop

    async def _open(self, host: Target, wanted: Wanted, demand: Demand, *, encrypt: bool) -> Hop:
        """``demand`` is that of ``wanted``, or what it would be; the rest is for the report."""
        context = await self._context(demand)
        with within(self.timeouts.connect_s, Phase.CONNECT, host.host):
            began = trio.current_time()
            connection = await self.network.connect(TcpEndpoint(host.address, host.port), source=host.source)
        client = ClientConnection(bounds=_BOUNDS, check_bodies=False, tls=self.implicit_tls)
        hop = Hop(host, self.timeouts, client, connection, tap=self.tap, domain=self.domain)
        if self.tap.listener is not None:
            hop.talk.note("connected")
        hop.stages.append(("connect", trio.current_time() - began))
        try:
            if self.implicit_tls:
                await self._shake_hands(hop, demand, context)
            await self._greet(hop)
            if encrypt and not self.implicit_tls:
                await self._encrypt(hop, demand, context)
            if self.login is not None:
                await self.login.enter(hop)
        except BaseException as problem:
            if self.witness is not None and isinstance(problem, Failure):
                self.witness.failed(self.domain, wanted, hop, problem, by_name=not demand.records)
            if self.tap.listener is not None:
                hop.talk.close(f"given up: {problem}" if str(problem) else "given up")
            await trio.aclose_forcefully(hop.stream)
            raise
        if self.witness is not None:
            self.witness.opened(self.domain, wanted, hop)
        return hop

    def _tell_unreached(self, host: Target, problem: Failure) -> None:
        peer = f"{host.address}:{host.port}"
        Talk(self.tap, is_incoming=False, peer=peer, host=host.host, domain=self.domain).close(f"given up: {problem}")

    async def _context(self, wanted: Demand) -> TlsContext:
        if not wanted.names:
            return self.contexts.opportunistic
        try:
            return await self.contexts.trusting()
        except CertificateUnusable as problem:
            raise SystemFailure(SystemKind.CERTIFICATE, str(problem)) from problem

    async def _greet(self, hop: Hop) -> None:
        with within(self.timeouts.greeting_s, Phase.GREETING, hop.target.host):
            greeting = (await hop.replies(1))[0].reply
        if not greeting.positive:
            raise judge(greeting, Phase.GREETING, host=hop.target.host)
        await self._introduce(hop)

    async def _introduce(self, hop: Hop) -> None:
        """Say EHLO with our own name, or HELO to a host that knows no EHLO (RFC 5321 3.2)."""
        answer = await hop.ask(Ehlo(self.hostname), self.timeouts.command_s)
        if answer.reply.code >= 500:
            answer = await hop.ask(Helo(self.hostname), self.timeouts.command_s)
        if not answer.reply.positive:
            raise judge(answer.reply, Phase.HELLO, host=hop.target.host)

    async def _encrypt(self, hop: Hop, wanted: Demand, context: TlsContext) -> None:
        """Say STARTTLS if the policy has us do so here, and be told why not to go on if it does not."""
        offered = "STARTTLS" in hop.client.facts.in_force
        situation = Situation.OFFERED if offered else Situation.NOT_OFFERED
        reply = None
        if step(wanted.policy, situation) is Step.START:
            reply = (await hop.ask(StartTls(), self.timeouts.command_s)).reply
            if reply.positive:
                await self._shake_hands(hop, wanted, context)
                return
            situation = Situation.REFUSED
        if step(wanted.policy, situation) is Step.DEFER:
            raise refusal(situation, host=hop.target.host, reply=reply)
        if reply is not None and reply.code == 421:
            # It has ended the session: what is left is to come again, and not to ask for TLS (RFC 5321 3.8).
            text = f"it answered STARTTLS with {reply}"
            raise failure_of(Diagnosis(kind=Kind.BUSY, phase=Phase.STARTTLS, host=hop.target.host, text=text))

    async def _shake_hands(self, hop: Hop, wanted: Demand, context: TlsContext) -> None:
        """Encrypt, and look at what the host has shown before another word is said to it."""
        began = trio.current_time()
        with within(self.timeouts.command_s, Phase.STARTTLS, hop.target.host):
            stream = await start_tls(hop.stream, context, host=wanted.server_name)
            if not self.implicit_tls:
                hop.client.tls_established()
        hop.stream, hop.tls = stream, stream.summary
        if self.tap.listener is not None:
            hop.talk.note(f"{stream.summary.version} {stream.summary.cipher}")
        missing = unmet(wanted, hop.shown, now=self.clock.now())
        if missing is not None:
            raise refusal(Situation.UNTRUSTED, host=hop.target.host, text=missing)
        hop.verified = bool(wanted.names or wanted.records)
        hop.stages.append(("tls", trio.current_time() - began))
        if not self.implicit_tls:
            await self._introduce_again(hop)

    async def _introduce_again(self, hop: Hop) -> None:
        """Say EHLO inside TLS (RFC 3207 4.2).

        What a host of TLS 1.3 does not like about us it tells after our last word of the handshake (RFC 8446 2), so a
        connection that breaks now counts like one that broke before.
        """
        try:
            await self._introduce(hop)
        except Failure as problem:
            if problem.diagnosis.kind is not Kind.CONNECTION_LOST:
                raise
            raise failure_of(evolve(problem.diagnosis, phase=Phase.STARTTLS)) from problem
