"""The backend ``postgres``: a queue in a database of a PostgreSQL server, for one daemon at a time.

One connection writes: it holds an advisory lock, which keeps a second daemon out, and does the transactions of the
group commit (``tables``, ``store``, ``listing`` with ``lookups``, ``care``). When it breaks, the next batch makes
another one (``link``, ``lease``). Large bodies are chunk rows, which other connections write and read (``bodies``). One
more listens (``news``).

Words, besides those of ``empath.spool``:

- *node*: a daemon with a queue; there is one. *epoch*: the number of its lease. Each daemon that gets the lock begins a
  new one, and gives back what was claimed in earlier ones.
- *doubt*: what a transaction has done whose COMMIT was sent and never answered.

The states of the package hold here, with these differences. ``accept``, ``record`` and ``claim`` are durable, all of
them, so E is F. A body is durable (B) when the row of its file says how long it is. What survives is what the server
promises with ``synchronous_commit = on``: a crash of it, or of its host, undoes nothing that was answered for. A
standby that is promoted may lack what it had not been sent; with ``synchronous_standby_names`` it has all of it.

Why one connection and not many: the queue has one writer in any case, whose batches share a flush, and a lock that
ends with the connection that writes needs no clock to be safe. Why no ``pg_xact_status`` to settle a doubt: it needs a
server that is there, and who waits for an answer is told earlier that there is none.

It needs ``psycopg`` (the extra ``empath-mta[postgres]``), so nothing outside of this room imports it unless a queue is
to be opened. RFCs: 5321 4.2.5 and 6.1 (what 250 means).
"""

from empath.spool.postgres.lease import SpoolLost
from empath.spool.postgres.open import open_postgres
from empath.spool.postgres.server import Server

__all__ = ["Server", "SpoolLost", "open_postgres"]
