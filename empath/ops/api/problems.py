"""Why a request is not answered as asked: what, why, what to try, and a code that never changes its meaning."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from attrs import define, field

from empath.ops.http import Response, problem


class Code(StrEnum):
    """What went wrong, for those who look it up."""

    NAMELESS = "API001"
    """Nobody knows who asks: no token, or one that is not in the file."""
    SCOPE = "API002"
    """The token does not have the scope that this needs."""
    ORIGIN = "API003"
    """A page of another site has asked."""
    HOST = "API004"
    """The Host field names another machine."""
    TOO_FAST = "API005"
    """More requests than ``api.rate_limit`` allows."""
    NO_PATH = "API006"
    """There is no such path."""
    METHOD = "API007"
    """The path does not know this method."""
    QUERY = "API008"
    """A parameter of the query is missing, unknown or not what it must be."""
    CONTENT = "API009"
    """The content is not what this takes."""
    MEDIA_TYPE = "API010"
    """The content is of another type than this takes."""
    TOO_LARGE = "API011"
    """There is too much content."""
    STRANGER = "API012"
    """The user at the other end of the control socket may not control this daemon."""
    SPOOL = "API014"
    """The spool does not answer."""
    LOGIN_CODE = "API015"
    """The code for a login is not known, was used, or has ended."""
    TOKENS = "TOK002"
    """The file of tokens cannot be changed by the daemon."""
    NO_SUCH_NAME = "TOK003"
    """The file of tokens has no such name."""
    BACKUP = "SPO001"
    """The backup was not made."""
    NO_MESSAGE = "MSG001"
    """There is no such message."""
    REFUSED = "MSG002"
    """The message is not taken, and would not be later."""
    NOT_NOW = "MSG003"
    """The message is not taken now."""
    SETTLED = "MSG004"
    """What is asked for cannot be done to the message as it is now."""
    EMPTY_SELECTOR = "SEL001"
    """Nothing was selected, which never means everything."""
    SELECTOR = "SEL002"
    """The selector cannot be understood."""
    COUNT = "SEL003"
    """What is selected is not as much as was expected."""
    NO_JOB = "JOB001"
    """There is no such job."""
    JOB_OVER = "JOB002"
    """The job cannot be cancelled or undone any more."""
    NO_UPGRADE = "LIVE001"
    """This path speaks a websocket, and only its own subprotocol."""
    TOO_MANY_VIEWERS = "LIVE002"
    """As many watch as ``api.live.max_viewers`` allows."""
    NO_LANE = "LAN001"
    """There is no such lane, breaker, suspension or overlay."""
    RULE = "LAN002"
    """The rule cannot be made as asked."""
    NO_AUDIT = "AUD001"
    """There is no audit log."""
    AUDIT_UNREADABLE = "AUD002"
    """The audit log cannot be read."""
    CONFIG = "CFG090"
    """The configuration that was read cannot be used."""
    OUTDATED = "CFG091"
    """Another configuration runs than the one that If-Match names."""


@define(eq=False)
class Problem(Exception):
    """Ends a request. `Api` answers with it, as RFC 9457 has it."""

    status: int
    code: Code
    what: str
    why: str = field(kw_only=True)
    remedy: str = field(kw_only=True)
    fields: Mapping[str, str] = field(kw_only=True, factory=dict)
    """Further header fields of the answer."""

    def response(self) -> Response:
        """Return it as an answer."""
        return problem(
            self.status, code=self.code, what=self.what, why=self.why, remedy=self.remedy, fields=self.fields
        )
