"""Where mail goes in sandbox mode: an SMTP peer that takes everything, and keeps it for people to look at.

Delivery treats the peer as it treats any other host: it connects, speaks SMTP and believes the replies. So the whole
way of a message runs in the sandbox, and nothing leaves the machine. ``serve`` is the peer; it runs as a task beside
the rest and needs a network, an ``Archive`` and nothing else.

An *archive* is one directory with two files for each message. Its states::

    000017.eml.<token>.tmp    the message is on its way in
    000017.eml                it is whole, and nobody sees it yet
    000017.json               its *record* names it: it is captured
    000017.eml                it is being removed: the record goes first

So whoever reads sees a message as a whole or not at all, and needs no lock. What a crash leaves of the other states is
removed when the archive is opened the next time. ``.eml`` is what came over the wire, octet for octet, without
dot-stuffing; the record is one JSON object, the envelope and what is worth seeing in a list (``Captured``).

An archive has ``Caps``: when there are more messages or more octets, the oldest go. A message that alone is larger is
refused with 552. One program writes (the spool of the sandbox is locked, so there is one); any number may read with
``listing``, ``find`` and ``load``, which is what the commands, the API and the dashboard do.

Two local parts are refused, whatever the domain, so that retries and reports can be watched too: ``defer@`` with 451
and ``bounce@`` with 550.

Why not capture inside the delivery, as a transport of its own: the sandbox would then test another program than the
one that goes live. Why no TLS: the peer listens on this machine only.

RFC 5321, with the extensions that `empath.smtp` offers by itself, and SIZE (RFC 1870).
"""

from empath.capture.archive import Archive, Caps, Incoming, TooLarge
from empath.capture.directory import DIRECTORY, CapturedMessage, content_path, find, listing, load
from empath.capture.peer import serve
from empath.capture.record import SCHEMA, Captured

__all__ = [
    "DIRECTORY",
    "SCHEMA",
    "Archive",
    "Caps",
    "Captured",
    "CapturedMessage",
    "Incoming",
    "TooLarge",
    "content_path",
    "find",
    "listing",
    "load",
    "serve",
]
