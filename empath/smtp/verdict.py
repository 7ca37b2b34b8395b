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
    (BodyFault.NUL, Reply(554, "the message holds a NUL octet", "5.6.0")),
    (BodyFault.LONG_LINE, Reply(554, "a line in the message is too long", "5.6.0")),
    (BodyFault.TOO_BIG, Reply(552, "the message is larger than this server takes", "5.3.4")),
)

# RFC 9110 9.3 and RFC 5789; PRI begins HTTP/2 (RFC 9113 3.4). None is a command of any SMTP.
_HTTP_METHODS: Final = frozenset(b"GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI".split())

_OUT_OF_ORDER: Final = {
    State.REFUSED: "nothing but QUIT here",
    State.READY: "say MAIL first",
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
    """RFC 5321 4.2.2 and 4.5.3.1.4; for AUTH RFC 4954 4 has a code of its own. Behind a BDAT stands its chunk."""
    enhanced = "5.5.6" if verb in (Verb.AUTH, Verb.RESPONSE) else "5.5.2"
    return Refused(verb, Reply(500, "line too long", enhanced), closes=verb is Verb.BDAT)


def unknown(word: bytes, *, control: bool) -> Refused:
    """RFC 5321 4.2.4. The verb it is filed under matters to nobody: a refusal leaves every state alone.

    After a request of HTTP the session ends: a web browser can be made to send commands in the body of one.
    """
    if word in _HTTP_METHODS:
        return Refused(Verb.NOOP, Reply(500, "this is SMTP, not HTTP", "5.5.1"), closes=True)
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


def misplaced(verb: Verb, state: State, *, lmtp: bool) -> Refused:
    """RFC 5321 4.1.4: the order of commands. No recipient is 554 in 3.3 and RFC 2920 3.1, and 503 in RFC 2033 4.2."""
    code = 503
    match state, verb:
        case State.GREETED, _:
            text = f"say {'LHLO' if lmtp else 'EHLO'} first"
        case ((State.MAIL | State.RCPT), Verb.MAIL):
            text = "a transaction is open: end it with DATA or RSET"
        case ((State.MAIL | State.RCPT | State.CHUNK), (Verb.STARTTLS | Verb.AUTH | Verb.XCLIENT)):
            text = "not within a transaction: say RSET first"
        case State.MAIL, _:
            code, text = 503 if lmtp else 554, "no valid recipients: say RCPT first"
        case _:
            text = _OUT_OF_ORDER[state]
    return Refused(verb, Reply(code, text, "5.5.1"))


def not_offered(verb: Verb, facts: Facts, offers: Extensions, *, tls_needed: bool) -> Refused | None:
    """An extension's verb where the extension is not in force, and which reason there is for it."""
    keyword = EXTENSION_OF[verb]
    if verb is Verb.AUTH and facts.authenticated:
        return Refused(verb, Reply(503, "already authenticated", "5.5.1"))  # RFC 4954 4
    if keyword in facts.in_force:
        return None
    if verb is Verb.XCLIENT and keyword not in offers:
        # Postfix's code for those who are not on its list; to tell them whether there is a list helps nobody.
        return Refused(verb, Reply(550, "not for you", "5.7.0"))
    if keyword not in offers:
        return Refused(verb, Reply(502, "not available here", "5.5.1"))
    if verb is Verb.STARTTLS and facts.tls:
        return Refused(verb, Reply(503, "TLS is active already", "5.5.1"))
    if tls_needed:
        return Refused(verb, Reply(538, "encryption is needed: say STARTTLS first", "5.7.11"))  # RFC 4954 6
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
