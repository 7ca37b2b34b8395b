"""What we say to clients. Texts are plain and tell nothing about what is behind this host."""

from __future__ import annotations

from typing import Final

from empath.smtp import Reply, Verb

ANSWERS: Final = {
    Verb.RSET: Reply(250, "OK", "2.0.0"),
    Verb.NOOP: Reply(250, "OK", "2.0.0"),
    Verb.HELP: Reply(214, "commands as in RFC 5321", "2.0.0"),
    # RFC 5321 3.5.3: neither yes nor no, so that nobody learns here which addresses there are
    Verb.VRFY: Reply(252, "send a message and see", "2.5.0"),
    Verb.EXPN: Reply(502, "not available here", "5.5.1"),
    Verb.QUIT: Reply(221, "goodbye", "2.0.0"),
    Verb.STARTTLS: Reply(220, "go ahead", "2.0.0"),
    Verb.DATA: Reply(354, "go ahead, and end with a dot on a line of its own"),
}
"""The answers in which nothing is decided."""
MAIL_OK: Final = Reply(250, "OK", "2.1.0")
RCPT_OK: Final = Reply(250, "OK", "2.1.5")
CHUNK_OK: Final = Reply(250, "OK", "2.0.0")
TOO_MANY_RECIPIENTS: Final = Reply(452, "too many recipients, send the rest in a further transaction", "4.5.3")
"""RFC 5321 4.5.3.1.10."""
LOOPING: Final = Reply(554, "the message has passed too many hosts: it is going round in circles", "5.4.6")
"""RFC 5321 6.3."""
NOT_NOW: Final = Reply(451, "cannot keep the message now, try again later", "4.3.0")
NO_ROOM: Final = Reply(452, "no room for the message now, try again later", "4.3.1")
TOO_FAST: Final = Reply(450, "too many messages in a short time, try again later", "4.7.0")
TOO_MANY_NOW: Final = Reply(450, "too many recipients in a short time, try again later", "4.7.0")
NO_END: Final = Reply(421, "too many recipients, and no end of them", "4.5.3")
IDLE_TALK: Final = Reply(421, "too many commands and no message", "4.7.0")
TOO_SOON: Final = Reply(554, "a client waits for the greeting before it says anything", "5.5.1")
"""RFC 5321 3.1: a session may be refused with 554; and 4.3.1: the client waits."""
LOGIN_OK: Final = Reply(235, "welcome", "2.7.0")
LOGIN_WRONG: Final = Reply(535, "login or password is wrong", "5.7.8")
LOGIN_NOT_NOW: Final = Reply(454, "cannot check the password now, try again later", "4.7.0")
LOGIN_MALFORMED: Final = Reply(501, "this is no answer to the challenge", "5.5.2")
TOO_MANY_LOGINS: Final = Reply(421, "too many failed logins, try again later", "4.7.0")
LOGIN_NEEDED: Final = Reply(530, "log in first", "5.7.0")
"""RFC 4954 6, for both."""
TLS_NEEDED: Final = Reply(530, "say STARTTLS and log in first", "5.7.0")
SENDER_NOT_YOURS: Final = Reply(550, "your login may not use this sender", "5.7.1")
"""RFC 6409 6.1."""
DRAINING: Final = Reply(421, "closing, come back later", "4.3.2")
TOO_SLOW: Final = Reply(421, "waited too long", "4.4.2")


def greeting(hostname: str) -> Reply:
    """The opening of a session (RFC 5321 4.2)."""
    return Reply(220, f"{hostname} ESMTP")
