r"""The one table of the protocol: State x Verb x ReplyClass -> State.

SMTP moves when a verb has met its reply. A server applies the table when it sends a reply, a client when it receives
one, so both ends hold the same state after every reply. This file does not know which end it serves. It also knows
nothing of the facts beside the state (TLS, identity, extensions, recipients): those live in the two connections.

The rules that hold in every state are not repeated in the rows:

- A refusal (4yz or 5yz) leaves the state alone, whatever the verb, unless a row says otherwise.
- 421 closes, at any time and even unasked (RFC 5321 3.8).

Some cells are lenient and meant so (``TOLERATED``). When all recipients were refused, a server may still answer a
pipelined DATA with 354, and the client then sends the lone dot (RFC 2920 3.1); BDAT likewise. Such an answer is
understood, but neither is it hoped for nor does our own server ever give it.

The table, drawn by ``diagram()``. A cell names the state that follows, ``=`` is the same state again, and an empty
cell is a reply that nobody may give there; refusals are drawn only where they move.

::

    verb      reply  CONNECTED REFUSED   GREETED   READY     MAIL      RCPT      DATA      CHUNK     AUTH      TLS
    GREETING  2yz    GREETED
    GREETING  4yz    REFUSED
    GREETING  5yz    REFUSED
    HELO      2yz                        READY     =         READY     READY               READY
    EHLO      2yz                        READY     =         READY     READY               READY
    LHLO      2yz                        READY     =         READY     READY               READY
    MAIL      2yz                                  MAIL
    RCPT      2yz                                            RCPT      =
    DATA      3yz                                  DATA      DATA      DATA
    END       2yz                                                                READY
    END       4yz                                                                READY
    END       5yz                                                                READY
    BDAT      2yz                                            CHUNK     CHUNK               =
    BDAT      4yz                                                      READY               READY
    BDAT      5yz                                                      READY               READY
    BDAT_LAST 2yz                                            READY     READY               READY
    BDAT_LAST 4yz                                                      READY               READY
    BDAT_LAST 5yz                                                      READY               READY
    RSET      2yz                        =         =         READY     READY               READY
    NOOP      2yz                        =         =         =         =                   =
    VRFY      2yz                        =         =         =         =                   =
    EXPN      2yz                        =         =         =         =                   =
    HELP      2yz                        =         =         =         =                   =
    QUIT      2yz              CLOSED    CLOSED    CLOSED    CLOSED    CLOSED              CLOSED
    STARTTLS  2yz                                  TLS
    HANDSHAKE 2yz                                                                                              GREETED
    AUTH      2yz                                  =
    AUTH      3yz                                  AUTH
    RESPONSE  2yz                                                                                    READY
    RESPONSE  3yz                                                                                    =
    RESPONSE  4yz                                                                                    READY
    RESPONSE  5yz                                                                                    READY
    XCLIENT   2yz                                  GREETED

Sources: RFC 5321 4.1.4 (order of commands) and 3.1 (a refused greeting leaves only QUIT), RFC 3030 2 (BDAT), RFC 3207
4.2 (TLS starts over), RFC 4954 4 (AUTH), RFC 2033 (LMTP). A chunk that was refused ends the transaction here: RFC 3030
calls its state indeterminate, and a definite one is safer.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from empath.smtp.reply import ReplyClass


class State(Enum):
    """Where a session stands, as both ends see it after the last reply."""

    CONNECTED = "CONNECTED"
    """The connection is open; the greeting has not been sent."""
    REFUSED = "REFUSED"
    """The greeting was a refusal: only QUIT is left."""
    GREETED = "GREETED"
    """Greeted, or TLS has just begun: the client has not said who it is."""
    READY = "READY"
    """Introduced; no transaction is open."""
    MAIL = "MAIL"
    """A transaction is open and has no recipient yet."""
    RCPT = "RCPT"
    """A transaction is open and has at least one recipient."""
    DATA = "DATA"
    """354 was said: the body is on its way, the dot ends it."""
    CHUNK = "CHUNK"
    """At least one BDAT chunk was taken and the last one was not."""
    AUTH = "AUTH"
    """A challenge was sent: the client's response is on its way."""
    TLS = "TLS"
    """220 was said to STARTTLS: the handshake is on its way, nothing else."""
    CLOSED = "CLOSED"
    """Nothing more will be said."""

    # States and verbs are keys in the hot path. Members are singletons: identity serves, and Enum would hash names.
    __hash__ = object.__hash__


class Verb(Enum):
    """What a reply answers: the commands, and four things that are answered without being one."""

    GREETING = "GREETING"
    """Not a command: the opening of the connection, answered by the greeting."""
    HELO = "HELO"
    EHLO = "EHLO"
    LHLO = "LHLO"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    END = "END"
    """Not a command: the final dot."""
    BDAT = "BDAT"
    BDAT_LAST = "BDAT_LAST"
    RSET = "RSET"
    NOOP = "NOOP"
    VRFY = "VRFY"
    EXPN = "EXPN"
    HELP = "HELP"
    QUIT = "QUIT"
    STARTTLS = "STARTTLS"
    HANDSHAKE = "HANDSHAKE"
    """Not a command: the TLS handshake; its success counts as a positive reply."""
    AUTH = "AUTH"
    RESPONSE = "RESPONSE"
    """Not a command: the client's line in an AUTH exchange."""
    XCLIENT = "XCLIENT"

    __hash__ = object.__hash__


_OK: Final = ReplyClass.POSITIVE
_MORE: Final = ReplyClass.INTERMEDIATE
_NO: Final = (ReplyClass.TRANSIENT, ReplyClass.PERMANENT)
_OPEN: Final = (State.MAIL, State.RCPT, State.CHUNK)
_HELLO: Final = (Verb.HELO, Verb.EHLO, Verb.LHLO)
_SIDE: Final = (Verb.NOOP, Verb.VRFY, Verb.EXPN, Verb.HELP)

_Row = tuple[tuple[Verb, ...], tuple[State, ...], tuple[ReplyClass, ...], State | None]

# (verbs, in these states, on these replies, next state; None: the same state)
_ROWS: Final[tuple[_Row, ...]] = (
    ((Verb.GREETING,), (State.CONNECTED,), (_OK,), State.GREETED),
    ((Verb.GREETING,), (State.CONNECTED,), _NO, State.REFUSED),
    (_HELLO, (State.GREETED, State.READY, *_OPEN), (_OK,), State.READY),
    ((Verb.MAIL,), (State.READY,), (_OK,), State.MAIL),
    ((Verb.RCPT,), (State.MAIL, State.RCPT), (_OK,), State.RCPT),
    ((Verb.DATA,), (State.READY, State.MAIL, State.RCPT), (_MORE,), State.DATA),
    ((Verb.END,), (State.DATA,), (_OK, *_NO), State.READY),
    ((Verb.BDAT,), (State.MAIL, State.RCPT, State.CHUNK), (_OK,), State.CHUNK),
    ((Verb.BDAT_LAST,), (State.MAIL, State.RCPT, State.CHUNK), (_OK,), State.READY),
    ((Verb.BDAT, Verb.BDAT_LAST), (State.RCPT, State.CHUNK), _NO, State.READY),
    ((Verb.RSET,), (State.READY, *_OPEN), (_OK,), State.READY),
    ((Verb.RSET,), (State.GREETED,), (_OK,), None),
    (_SIDE, (State.GREETED, State.READY, *_OPEN), (_OK,), None),
    ((Verb.QUIT,), (State.REFUSED, State.GREETED, State.READY, *_OPEN), (_OK,), State.CLOSED),
    ((Verb.STARTTLS,), (State.READY,), (_OK,), State.TLS),
    ((Verb.HANDSHAKE,), (State.TLS,), (_OK,), State.GREETED),
    ((Verb.AUTH,), (State.READY,), (_OK,), None),
    ((Verb.AUTH,), (State.READY,), (_MORE,), State.AUTH),
    ((Verb.RESPONSE,), (State.AUTH,), (_OK, *_NO), State.READY),
    ((Verb.RESPONSE,), (State.AUTH,), (_MORE,), None),
    ((Verb.XCLIENT,), (State.READY,), (_OK,), State.GREETED),
)

TABLE: Final[dict[tuple[State, Verb, ReplyClass], State]] = {
    (state, verb, kind): state if goal is None else goal
    for verbs, states, kinds, goal in _ROWS
    for verb in verbs
    for state in states
    for kind in kinds
}

TOLERATED: Final = frozenset(
    {(State.READY, Verb.DATA), (State.MAIL, Verb.DATA), (State.MAIL, Verb.BDAT), (State.MAIL, Verb.BDAT_LAST)}
)
"""Where a positive answer is understood although the verb is out of place."""

EXPECTED: Final[dict[Verb, ReplyClass]] = {verb: _MORE if verb is Verb.DATA else _OK for verb in Verb}
"""The reply that a verb hopes for, and that a pipelining client reckons with."""

_HOPED: Final = {
    (state, verb): goal
    for (state, verb, kind), goal in TABLE.items()
    if kind is EXPECTED[verb] and (state, verb) not in TOLERATED
}

ENDS_GROUP: Final = frozenset(
    {Verb.EHLO, Verb.HELO, Verb.LHLO, Verb.DATA, Verb.VRFY, Verb.EXPN, Verb.NOOP}  # RFC 2920 3.1
    | {Verb.QUIT, Verb.STARTTLS, Verb.AUTH, Verb.RESPONSE, Verb.XCLIENT}  # RFC 2920 3.1, 3207 4, 4954 4
)
"""The verbs behind which a client must wait for the reply before it says anything more."""


def after(state: State, verb: Verb, kind: ReplyClass) -> State | None:
    """The state after ``verb`` has met a reply of class ``kind``; None: nobody may answer so here."""
    if kind is ReplyClass.CLOSING:
        return State.CLOSED
    goal = TABLE.get((state, verb, kind))
    if goal is None and kind in _NO and state is not State.CLOSED:
        return state
    return goal


def hoped(state: State, verb: Verb) -> State | None:
    """The state after ``verb`` has met the reply it hopes for; None: the verb is out of place in ``state``."""
    return _HOPED.get((state, verb))


def diagram() -> str:
    """The table as text, in the form that stands in the docstring of this module."""
    states = [state for state in State if state is not State.CLOSED]
    lines = ["verb      reply  " + "".join(state.value.ljust(10) for state in states)]
    for verb in Verb:
        for kind in (_OK, _MORE, *_NO):
            goals = [TABLE.get((state, verb, kind)) for state in states]
            if any(goals):
                pairs = zip(states, goals, strict=True)
                cells = ["=" if goal is state else goal.value if goal else "" for state, goal in pairs]
                lines.append(f"{verb.value:<10}{kind.value}yz    " + "".join(cell.ljust(10) for cell in cells))
    return "\n".join(line.rstrip() for line in lines)
