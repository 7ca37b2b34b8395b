"""Receiving: from a connection to a message that is on the disk.

A *listener* accepts connections (``Intake``). Each gets a *session* (``Session``), which is the task that moves octets
between the connection and `empath.smtp.ServerConnection`, and keeps time; what is answered, ``Answering`` decides, and
what is known of the other end stands in ``Client``. A *transaction* (``Transaction``) is one message from MAIL to the
end of its content; whom it is for are the ``Addressees``, and what has come of it so far is an ``Incoming``.
``Login`` is the AUTH of a session, ``Users`` those who can log in.
Before anything is accepted, ``hooks`` asks those whom the configuration names (`empath.hooks`).
``TlsEntrance`` does the handshakes of a listener, ``CertificateStore`` has its certificates and reads them again.
A proxy says with a header whose connection it forwards (``preface``), a trusted client with XCLIENT for whom it speaks.
``Reception`` is all that the sessions of one listener share, ``Admission`` the count of sessions that all listeners
share. ``logins`` and ``limits`` are rooms of their own.

What is promised:

- The positive reply to the end of a message comes after its commit, and never before (RFC 5321 6.1).
- Only who is in ``relay.from_networks``, or has logged in, may send to anybody; the others reach ``relay.domains`` and
  nothing else.
- A handshake that fails ends the session; so does clear text behind STARTTLS (RFC 3207 4.2). Handshakes are computed
  in threads of their own. A certificate that changes on the disk is shown from the next handshake on, if its key fits.
- A password is asked for inside TLS only. It is checked in a thread, never kept, and no answer tells whether a login
  exists.
- A session holds no more than one read and ``spool.inline_body_limit`` of content, or a header section of
  ``smtp.limits.max_header_size`` if that is more; what is larger goes to a file.
- Content is kept as it came, but for the trace field on top and Return-Path fields, which go. On submission a missing
  Date or Message-ID is put above it, too.
- All replies to one group leave in one write (RFC 2920 3.2).
- A whole command has a deadline, however its octets drip in; so have a pause within a message, and the session.
  Content has to come at some rate (``Timing``).
- Whatever a client can have many of has a limit: sessions, messages, recipients, errors, idle commands. Over it the
  answer is 421, 450 or 452, in words that it can read (``Admission``, ``Quotas``, ``parting``).
- Nothing is read while replies wait to be taken, so that they cannot pile up.
- When the daemon stops, an idle client hears 421 at once and a busy one when its transaction has ended.
- Nobody's word about another client is taken but that of the networks in ``proxy_protocol_from`` and ``xclient_from``;
  a client whose address they do not tell is trusted with nothing.
- Whatever goes wrong in a session ends that session and no other.

RFC 5321, with PIPELINING (2920), 8BITMIME (6152), SMTPUTF8 (6531), SIZE (1870), CHUNKING (3030), DSN (3461), LIMITS
(9422), enhanced status codes (2034), STARTTLS (3207), TLS from the first octet (8314), AUTH (4954) with
PLAIN (4616) and SCRAM-SHA-256 (5802, 7677), and submission (6409).

Why not one scope for each read, as most servers have it: a client that sends one octet a minute would never run into
its limit. Why not a message object that is whole before anything is decided: the content need not fit into memory, and
an envelope is judged before any content comes.
"""

from empath.ingress.answering import Answering
from empath.ingress.certificates import CertificateStore, KeyPair
from empath.ingress.client import Client
from empath.ingress.entrance import TlsEntrance
from empath.ingress.incoming import Incoming
from empath.ingress.limits.admission import Admission
from empath.ingress.listener import Intake
from empath.ingress.logins.login import Login
from empath.ingress.logins.users import Users, UsersUnusable, make_users
from empath.ingress.reception import Reception
from empath.ingress.session import Session
from empath.ingress.transaction import Transaction

__all__ = [
    "Admission",
    "Answering",
    "CertificateStore",
    "Client",
    "Incoming",
    "Intake",
    "KeyPair",
    "Login",
    "Reception",
    "Session",
    "TlsEntrance",
    "Transaction",
    "Users",
    "UsersUnusable",
    "make_users",
]
