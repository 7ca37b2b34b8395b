"""From a line to an event: the server's reading of commands, and its judgement on them.

A command passes these gates in this order, and the first that it does not pass answers it: errors so far, line end,
length, known verb, place in the session, extension in force, pipelining, grammar of the argument, declared limits.
"""

from __future__ import annotations

from typing import Final

from attrs import define, evolve, field

from empath.smtp import command, grammar, verdict
from empath.smtp.bounds import Bounds, command_limits
from empath.smtp.buffer import ReceiveBuffer
from empath.smtp.errors import RemoteProtocolError
from empath.smtp.events import Auth, AuthResponse, Bdat, Command, Mail, Refused
from empath.smtp.extensions import Extensions
from empath.smtp.facts import Facts
from empath.smtp.session import State, Verb, hoped

_ALWAYS_STRICT: Final = frozenset({Verb.DATA, Verb.STARTTLS, Verb.AUTH, Verb.RESPONSE, Verb.XCLIENT})


@define
class CommandReader:
    """Takes commands out of a buffer. It holds no state of the session: that is shown to it each time."""

    _offers: Extensions
    _bounds: Bounds
    _lmtp: bool
    _strict: bool
    _auth_in_clear: bool
    _limits: dict[Verb, int] = field(init=False)
    _longest: int = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Work out once how long each command may be."""
        self._limits = command_limits(self._bounds, self._offers)
        self._longest = max(self._limits.values())

    def read(self, buffer: ReceiveBuffer, state: State, facts: Facts, errors: int) -> Command | Refused | None:
        """The next command, or why it is refused; None when its line has not come to its end."""
        line = buffer.line(self._longest)
        if line is None:
            return None
        truncated, buffer.truncated = buffer.truncated, False
        text = line[:-2].rstrip(b" \t")
        word, _, argument = text.partition(b" ")
        verb = command.VERBS.get(word.upper())
        if errors >= self._bounds.errors:
            return verdict.too_many_errors(verb or Verb.NOOP)
        if not line.endswith(b"\r\n"):
            return verdict.unterminated(verb or Verb.NOOP)
        if truncated or len(line) > self._limits.get(verb or Verb.NOOP, self._bounds.command_line):
            return verdict.too_long(verb or Verb.NOOP)
        control = grammar.CONTROL.search(text) is not None
        if verb is None:
            return verdict.unknown(word, control=control)
        objection = self._objection(verb, buffer, state, facts)
        if control:
            objection = objection or verdict.control_character(verb)
        return self._parse(verb, argument.strip(b" "), facts, objection)

    def _objection(self, verb: Verb, buffer: ReceiveBuffer, state: State, facts: Facts) -> Refused | None:
        """What speaks against ``verb`` here and now, whatever its argument."""
        if refused := verdict.wrong_hello(verb, lmtp=self._lmtp):
            return refused
        if hoped(state, verb) is None:
            return verdict.misplaced(verb, state, lmtp=self._lmtp)
        if verb in verdict.EXTENSION_OF:
            tls_needed = verb is Verb.AUTH and not (facts.tls or self._auth_in_clear)
            if refused := verdict.not_offered(verb, facts, self._offers, tls_needed=tls_needed):
                return refused
        if buffer and (self._strict or verb in _ALWAYS_STRICT):
            return verdict.too_early(verb, pipelining="PIPELINING" in facts.in_force)
        return None

    def _parse(self, verb: Verb, argument: bytes, facts: Facts, objection: Refused | None) -> Command | Refused:
        if objection is not None and verb is not Verb.BDAT:
            return objection
        try:
            event = command.parse(verb, argument, facts.usable if verb is Verb.RCPT else facts.in_force)
        except RemoteProtocolError as problem:
            # Behind a BDAT that cannot be read stands a chunk of unknown length.
            return Refused(verb, problem.reply or verdict.SYNTAX_ERROR, closes=verb is Verb.BDAT)
        if isinstance(event, Bdat) and objection is not None:
            return evolve(objection, verb=event.verb, skip_octets=event.size_octets)
        if isinstance(event, Mail) and (event.params.size or 0) > (self._offers.size or float("inf")):
            return verdict.too_big(verb)
        if isinstance(event, Auth) and event.mechanism not in facts.in_force.mechanisms:
            return verdict.no_mechanism(verb)
        return event

    def read_response(self, buffer: ReceiveBuffer) -> AuthResponse | Refused | None:
        """The next line of an AUTH exchange (RFC 4954 4), or why it is refused; None when more octets are needed."""
        line = buffer.line(self._bounds.auth_line)
        if line is None:
            return None
        truncated, buffer.truncated = buffer.truncated, False
        if not line.endswith(b"\r\n"):
            return verdict.unterminated(Verb.RESPONSE)
        if truncated:
            return verdict.too_long(Verb.RESPONSE)
        if buffer and (refused := verdict.too_early(Verb.RESPONSE, pipelining=True)):
            return refused
        if line == b"*\r\n":
            return verdict.cancelled()
        try:
            return AuthResponse(command.decode_base64(line[:-2]))
        except RemoteProtocolError as problem:
            return Refused(Verb.RESPONSE, problem.reply or verdict.SYNTAX_ERROR)
