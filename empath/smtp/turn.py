"""Whether it is the client's turn: what must not be said now although the table has a place for it."""

from __future__ import annotations

from empath.smtp.errors import LocalProtocolError
from empath.smtp.events import Auth, BodyEnd, Command, Hello, Lhlo
from empath.smtp.facts import Facts
from empath.smtp.session import ENDS_GROUP, Verb
from empath.smtp.verdict import EXTENSION_OF


def check_group(item: Command | BodyEnd, last: Verb, facts: Facts) -> None:
    """``last`` was sent and has no reply yet: may ``item`` follow it in one group (RFC 2920 3.1)?

    The final dot ends no group: with PIPELINING the next transaction may follow it at once.
    """
    if "PIPELINING" not in facts.in_force or last in ENDS_GROUP:
        raise LocalProtocolError(f"{item.verb.value} must wait for the reply to {last.value}")


def check_available(item: Command | BodyEnd, facts: Facts, *, lmtp: bool, auth_in_clear: bool) -> None:
    """Is ``item`` a command that this server has, on this connection?"""
    if isinstance(item, Hello) and lmtp != isinstance(item, Lhlo):
        raise LocalProtocolError("LMTP has LHLO, SMTP has HELO and EHLO")
    keyword = EXTENSION_OF.get(item.verb)
    if keyword is not None and keyword not in facts.in_force:
        raise LocalProtocolError(f"the server does not offer {keyword}")
    if not isinstance(item, Auth):
        return
    if facts.authenticated:
        raise LocalProtocolError("AUTH is said once in a session (RFC 4954 4)")
    if not (facts.tls or auth_in_clear):
        raise LocalProtocolError("AUTH is not said without TLS")
    if item.mechanism not in facts.in_force.mechanisms:
        raise LocalProtocolError(f"the server does not offer AUTH {item.mechanism}")
