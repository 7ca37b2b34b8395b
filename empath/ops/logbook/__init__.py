"""The log: what happened, one line for each fact that an operator may ask about, for people or for programs.

A line is a *sentence*: a part of Empath (``reception``, ``delivery``, ``lanes``, ``operators``, ``reports``), an event,
and pairs of key and value, of which ``mid`` or ``session`` is the first::

    2025-11-10T11:15:09.913Z info delivery deferred mid=6911c5b5-2a to=ann@example.org lane=example.org code=451 ...

Rooms: ``sentences`` (a fact as a sentence), ``observer`` (which of them are written), ``similar`` (a host that says the
same to a thousand messages is not quoted a thousand times), ``formats`` (a line for people, for the journal, for
programs), ``writer`` (how lines get to standard error) and ``levels`` (what is written for a while only).

It goes through `logging`, so that a level of the logger ``empath.delivery`` holds for the facts of deliveries as well
as for what the modules there have to say, and so that a program that embeds Empath sends all of it where it likes.

Why not a call of `logging` for each fact: a message that is relayed has two lines, and at a thousand messages a second
the record that `logging` makes of a call costs more than the parsing of what the client has said.
"""

from empath.ops.logbook.formats import JsonFormatter, formatter
from empath.ops.logbook.levels import Levels
from empath.ops.logbook.observer import Logbook
from empath.ops.logbook.writer import LineWriter, leave_out_what_no_line_shows

__all__ = ["JsonFormatter", "Levels", "LineWriter", "Logbook", "formatter", "leave_out_what_no_line_shows"]
