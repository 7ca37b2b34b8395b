"""Receiving: from a connection to a message that is on the disk.

A *listener* accepts connections (``Intake``). Each gets a *session* (``Session``), which is the task that moves octets
between the connection and `empath.smtp.ServerConnection`, and keeps time; what is answered, ``Answering`` decides, and
what is known of the other end stands in ``Client``. A *transaction* (``Transaction``) is one message from MAIL to the
end of its content; what has come of that so far is an ``Incoming``.
``Reception`` is all that the sessions of one listener share, ``Admission`` the count of sessions that all listeners
share.

What is promised:

- The positive reply to the end of a message comes after its commit, and never before (RFC 5321 6.1).
- Only who is in ``relay.from_networks`` may send to anybody; the others reach ``relay.domains`` and nothing else.
- A session holds no more than one read and ``spool.inline_body_limit`` of content; what is larger goes to a file.
- All replies to one group leave in one write (RFC 2920 3.2).
- A whole command has a deadline, however its octets drip in; so have a pause within a message, and the session.
- When the daemon stops, an idle client hears 421 at once and a busy one when its transaction has ended.
- Whatever goes wrong in a session ends that session and no other.

RFC 5321, with PIPELINING (2920), 8BITMIME (6152), SMTPUTF8 (6531), SIZE (1870), CHUNKING (3030), DSN (3461), LIMITS
(9422), enhanced status codes (2034), STARTTLS (3207) and TLS from the first octet (8314).

Why not one scope for each read, as most servers have it: a client that sends one octet a minute would never run into
its limit. Why not a message object that is whole before anything is decided: the content need not fit into memory, and
an envelope is judged before any content comes.
"""

from empath.ingress.admission import Admission
from empath.ingress.answering import Answering
from empath.ingress.client import Client
from empath.ingress.incoming import Incoming
from empath.ingress.listener import Intake
from empath.ingress.reception import Reception
from empath.ingress.session import Session
from empath.ingress.transaction import Transaction

__all__ = ["Admission", "Answering", "Client", "Incoming", "Intake", "Reception", "Session", "Transaction"]
