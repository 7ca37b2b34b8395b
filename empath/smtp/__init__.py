"""SMTP as a pair of machines without I/O: one end of a session each, octets in, events out.

This package does the protocol and nothing else. It opens no sockets, reads no clock, starts no tasks, logs nothing, and
imports nothing from the rest of Empath: it can be used alone, from any framework or none. The shape is that of h11:

- ``ServerConnection`` and ``ClientConnection`` take what was read (``receive_data``), say what it means
  (``next_event``) and turn decisions into octets to write (``send``). LMTP is the same pair with ``lmtp=True``.
- Both move by one table, ``session.TABLE``, and are in the same ``State`` after every reply.
- Commands, body pieces and verdicts are the values of ``events``; answers are ``Reply``; what EHLO offers is
  ``Extensions``; what MAIL and RCPT add is ``MailParams`` and ``RcptParams``; addresses are ``Address``.
- What a peer does wrong is a ``Refused`` event on a server, which goes on, and a ``RemoteProtocolError`` on a client,
  which is the end of that connection. What the caller does wrong is a ``LocalProtocolError``.

Words: a *session* is one connection, a *transaction* one MAIL up to its end of data, a *group* what a client sends
without waiting for replies, a *verb* what a reply answers.

Rooms, from the wire inwards: ``buffer`` (octets), ``grammar``, ``xtext`` (text), ``address``, ``params`` and
``params_text``, ``reply``, ``extensions``, ``command`` (lines and values), ``body`` (content), ``sasl`` (AUTH), then
``session`` (the table), ``facts`` (what stands beside the state), ``reading`` and ``verdict`` (how a server judges),
``turn`` and ``writing`` (what a client may say, and how it sends a body), ``server`` and ``client``. ``bounds`` holds
every limit. Two rooms are for clients that speak for others: ``xclient`` (XCLIENT), and ``proxy`` (the header that a
proxy sends before the session begins).

RFCs: 5321 (SMTP), 2033 (LMTP), 1870 (SIZE), 2034 and 3463 (status codes), 2852 (DELIVERBY), 2920 (PIPELINING), 3030
(CHUNKING), 3207 (STARTTLS), 3461 and 6533 (DSN), 4865 (FUTURERELEASE), 4954 (AUTH), 6152 (8BITMIME), 6531 (SMTPUTF8),
6710 (MT-PRIORITY), 8689 (REQUIRETLS), 9422 (LIMITS).

Why no coroutines or callbacks: an event is a line of the caller's own control flow. Why no lenient mode for line ends:
where two programs disagree on where a message ends, one message becomes two.
"""

from empath.smtp.address import Address, AddressLiteral, Domain
from empath.smtp.bounds import Bounds
from empath.smtp.client import ClientConnection
from empath.smtp.errors import AddressError, LocalProtocolError, ProtocolError, RemoteProtocolError
from empath.smtp.events import (
    NEED_DATA,
    NEED_REPLY,
    Auth,
    AuthResponse,
    Bdat,
    BodyData,
    BodyEnd,
    BodyFault,
    ChunkEnd,
    ClientEvent,
    Command,
    ConnectionClosed,
    Data,
    Ehlo,
    Expn,
    Hello,
    Helo,
    Help,
    Lhlo,
    Mail,
    Noop,
    Pause,
    Quit,
    Rcpt,
    Refused,
    ReplyReceived,
    Rset,
    ServerEvent,
    StartTls,
    Vrfy,
    Xclient,
)
from empath.smtp.extensions import BASIC, EVERYTHING, NO_EXTENSIONS, Extensions, TransactionLimits
from empath.smtp.facts import Facts
from empath.smtp.params import (
    Body,
    ByMode,
    DeliverBy,
    MailParams,
    Notify,
    OriginalRecipient,
    RcptParams,
    Return,
)
from empath.smtp.proxy import ProxyHeader, ProxyReader
from empath.smtp.reply import EnhancedCode, Reply, ReplyClass
from empath.smtp.sasl import Credentials, client_exchange, server_exchange
from empath.smtp.server import ServerConnection
from empath.smtp.session import State, Verb
from empath.smtp.xclient import Introduction, introduce

__all__ = [
    "BASIC",
    "EVERYTHING",
    "NEED_DATA",
    "NEED_REPLY",
    "NO_EXTENSIONS",
    "Address",
    "AddressError",
    "AddressLiteral",
    "Auth",
    "AuthResponse",
    "Bdat",
    "Body",
    "BodyData",
    "BodyEnd",
    "BodyFault",
    "Bounds",
    "ByMode",
    "ChunkEnd",
    "ClientConnection",
    "ClientEvent",
    "Command",
    "ConnectionClosed",
    "Credentials",
    "Data",
    "DeliverBy",
    "Domain",
    "Ehlo",
    "EnhancedCode",
    "Expn",
    "Extensions",
    "Facts",
    "Hello",
    "Helo",
    "Help",
    "Introduction",
    "Lhlo",
    "LocalProtocolError",
    "Mail",
    "MailParams",
    "Noop",
    "Notify",
    "OriginalRecipient",
    "Pause",
    "ProtocolError",
    "ProxyHeader",
    "ProxyReader",
    "Quit",
    "Rcpt",
    "RcptParams",
    "Refused",
    "RemoteProtocolError",
    "Reply",
    "ReplyClass",
    "ReplyReceived",
    "Return",
    "Rset",
    "ServerConnection",
    "ServerEvent",
    "StartTls",
    "State",
    "TransactionLimits",
    "Verb",
    "Vrfy",
    "Xclient",
    "client_exchange",
    "introduce",
    "server_exchange",
]
