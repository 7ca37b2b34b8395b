"""What the server machine answers by itself, and when: the judgement on a command before anybody is asked.

Each function returns the ``Refused`` to hand out, or None. Texts say what to do instead; none repeats what the client
sent, which need not be fit to print.
"""

from __future__ import annotations

from typing import Final

from empath.smtp.events import BodyFault, Refused
from empath.smtp.extensions import Extensions
from empath.smtp.facts import Facts
from empath.smtp.reply import Reply
from empath.smtp.session import ENDS_GROUP, State, Verb

EXTENSION_OF: Final = {
    Verb.BDAT: "CHUNKING",
    Verb.BDAT_LAST: "CHUNKING",
    Verb.STARTTLS: "STARTTLS",
    Verb.AUTH: "AUTH",
    Verb.XCLIENT: "XCLIENT",
}
"""The verbs that exist only where an extension is offered."""

SYNTAX_ERROR: Final = Reply(501, "syntax error", "5.5.2")

_BODIES: Final = (
    (BodyFault.LONE_CR | BodyFault.LONE_LF, Reply(554, "a line in the message ends with CR or LF alone", "5.6.0")),
    (BodyFault.LONG_LINE, Reply(554, "a line in the message is too long", "5.6.0")),
    (BodyFault.TOO_BIG, Reply(552, "the message is larger than this server takes", "5.3.4")),
)

_OUT_OF_ORDER: Final = {
    State.REFUSED: "nothing but QUIT here",
    State.GREETED: "say EHLO first",
    State.READY: "say MAIL first",
    State.MAIL: "no valid recipients: say RCPT first",
    State.RCPT: "a transaction is open: end it with DATA or RSET",
    State.CHUNK: "a message is being sent in chunks: go on with BDAT or RSET",
}


def refusal_of_body(fault: BodyFault) -> Reply | None:
    """The reply to the end of a body; None if nothing is wrong with it. A stray CR or LF outweighs the rest."""
    return next((reply for flags, reply in _BODIES if fault & flags), None)


def too_many_errors(verb: Verb) -> Refused:
    """RFC 5321 4.3.2 lets a server end a session that leads nowhere."""
    return Refused(verb, Reply(421, "too many errors, closing", "4.7.0"), closes=True)


def unterminated(verb: Verb) -> Refused:
    """A bare LF (RFC 5321 2.3.8). What follows it may be the rest of a line to the sender, so the session ends."""
    return Refused(verb, Reply(500, "a line ends with CRLF, not with LF alone", "5.5.2"), closes=True)


def too_long(verb: Verb) -> Refused:
    """RFC 5321 4.2.2 and 4.5.3.1.4; for AUTH RFC 4954 4 has a code of its own."""
    return Refused(verb, Reply(500, "line too long", "5.5.6" if verb in (Verb.AUTH, Verb.RESPONSE) else "5.5.2"))


def unknown(*, control: bool) -> Refused:
    """RFC 5321 4.2.4. The verb it is filed under matters to nobody: a refusal leaves every state alone."""
    text = "a command holds no control characters" if control else "command not known here"
    return Refused(Verb.NOOP, Reply(500, text, "5.5.2"))


def control_character(verb: Verb) -> Refused:
    """RFC 5321 4.1.2: and no truncation at a NUL either."""
    return Refused(verb, Reply(501, "a command holds no control characters", "5.5.4"))


def wrong_hello(verb: Verb, *, lmtp: bool) -> Refused | None:
    """LMTP has LHLO in the place of HELO and EHLO (RFC 2033 4.1)."""
    if lmtp and verb in (Verb.HELO, Verb.EHLO):
        return Refused(verb, Reply(500, "this is LMTP: say LHLO", "5.5.1"))
    if not lmtp and verb is Verb.LHLO:
        return Refused(verb, Reply(500, "this is SMTP: say EHLO", "5.5.1"))
    return None


def misplaced(verb: Verb, state: State) -> Refused:
    """RFC 5321 4.1.4: the order of commands. No recipient is 554 there and in RFC 2920 3.1, the rest 503."""
    code = 554 if state is State.MAIL and verb in (Verb.DATA, Verb.BDAT, Verb.BDAT_LAST) else 503
    if verb in (Verb.STARTTLS, Verb.AUTH, Verb.XCLIENT) and state is not State.GREETED:
        return Refused(verb, Reply(503, "not within a transaction: say RSET first", "5.5.1"))
    return Refused(verb, Reply(code, _OUT_OF_ORDER[state], "5.5.1"))


def not_offered(verb: Verb, facts: Facts, offers: Extensions) -> Refused | None:
    """An extension's verb where the extension is not in force, and which reason there is for it."""
    keyword = EXTENSION_OF[verb]
    if keyword in facts.in_force:
        return None
    if keyword not in offers:
        return Refused(verb, Reply(502, "not available here", "5.5.1"))
    if verb is Verb.AUTH and facts.authenticated:
        return Refused(verb, Reply(503, "already authenticated", "5.5.1"))  # RFC 4954 4
    if verb is Verb.STARTTLS and facts.tls:
        return Refused(verb, Reply(503, "TLS is active already", "5.5.1"))
    if verb is Verb.AUTH and not facts.tls:
        return Refused(verb, Reply(538, "say STARTTLS first", "5.7.11"))  # RFC 4954 6
    return Refused(verb, Reply(503, "say EHLO first", "5.5.1"))


def too_early(verb: Verb, *, pipelining: bool) -> Refused | None:
    """Something follows a command that must end its group (RFC 2920 3.1), or pipelining was never offered.

    QUIT is spared: whatever follows is thrown away with the session. BDAT is followed by its chunk. Behind DATA,
    STARTTLS, AUTH and XCLIENT may come what are no commands, so to go on reading commands there would be to obey
    whoever wrote the content: the session ends.
    """
    if verb in (Verb.QUIT, Verb.BDAT, Verb.BDAT_LAST) or (pipelining and verb not in ENDS_GROUP):
        return None
    closes = verb in (Verb.DATA, Verb.STARTTLS, Verb.AUTH, Verb.RESPONSE, Verb.XCLIENT)
    return Refused(verb, Reply(503, "wait for the reply before sending more", "5.5.0"), closes=closes)


def cancelled() -> Refused:
    """RFC 4954 4: an exchange that the client cancels is answered with 501."""
    return Refused(Verb.RESPONSE, Reply(501, "authentication cancelled", "5.7.0"))


def too_big(verb: Verb) -> Refused:
    """RFC 1870 6.1: MAIL declares a size over the limit."""
    return Refused(verb, Reply(552, "the message is larger than this server takes", "5.3.4"))


def no_mechanism(verb: Verb) -> Refused:
    """RFC 4954 4: the mechanism is not among those offered."""
    return Refused(verb, Reply(504, "mechanism not offered", "5.5.4"))
