"""How a store with tables finds what people ask for: by whatever index spares most, and never many rows at a time.

A look goes through some hundred deliveries in the order of their keys, beginning behind a *place*, and says how far it
came; so a search through a million of them is many looks, between which mail has its turn. What it goes through are the
deliveries that one *condition* of the selector is met by, which an index knows. The selector decides about each.

Words:

- *condition*: a column and a value, by which rows are looked up; the rooms of each store have a statement for each.
- *listed*: a row that the indexes for people know. In SQLite a row is entered there after it has waited for a while;
  behind the latest message that is listed, rows are found by going through them.
- *ages*: for each run of messages the first and last moment at which one of them came. Messages come in the order of
  their numbers, or nearly, so a search by age passes over all runs but a few, and needs no index.

Why replies are looked up one by one: a pattern such as ``*greylisted*`` is no range of an index. But hosts say the same
thing to many messages, so there are few different replies, which an index tells without a look at the rows behind
them. With more of them than `replies.MOST` all rows are gone through.

Rooms: ``conditions`` (which one spares most), ``looking`` (going through rows), ``ages``, ``replies``, and ``database``
(the statements of SQLite).
"""

from empath.spool.finding.ages import Ages
from empath.spool.finding.conditions import By, Condition
from empath.spool.finding.database import DatabaseLookups
from empath.spool.finding.looking import Columns, Finder, Place

__all__ = ["Ages", "By", "Columns", "Condition", "DatabaseLookups", "Finder", "Place"]
