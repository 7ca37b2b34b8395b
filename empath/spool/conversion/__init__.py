"""Moving a spool from one backend to another, message by message, by what every store can do.

A message is durable in the target before it goes from the source, so at each moment each message is in one of the two,
or in both, and then it is the same. Cut off at any point and begun again, it goes on: what is in the target already is
known by its name, and only goes from the source.

Between the first message and the last neither of the two is all of the spool, and a daemon that ran on one of them
could send what the other has as well, and would take the other's bodies for rubbish. So both sides have a mark
(``belonging.CONVERTING``) that keeps daemons away until the last message has moved.

What moves: envelope and body, octet for octet; what became of each delivery, with its attempts, its moments and its
notes; what is held, has failed or expired, was deleted, or is in quarantine; rules. What was set aside for a site is
due at once, and set aside again if its site is still down. A message that is damaged itself stays in the source and is
named. Fingerprints stay behind.

Rooms: ``moved`` (a message with all that became of it, as it is written into another store), ``bodies`` (copying a
large body) and ``moving`` (the order of it all).
"""

from empath.spool.conversion.moving import Conversion, Side

__all__ = ["Conversion", "Side"]
