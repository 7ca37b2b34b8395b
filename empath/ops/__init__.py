"""Observers: those who watch the facts and never hold up the work.

A *fact* (`empath.mail.facts`) is said after the thing is true, by whoever did it. An *observer* is a function that
takes a fact. It must be quick, since it runs in the middle of the work; it must not wait, and must not fail. Nobody who
does the work depends on who listens, so an observer can be added or left out without any other change.

Today there is the log, ``log_fact``: one line for each fact that an operator may ask about, under the logger
``empath.mail``. A line begins with the name of the delivery, message or session that it is about, as replies, Received
fields and reports have it, so that one name finds the whole story of a message. Texts of peers were made printable when
they were read, so a line is a line, whatever a host says.

Why facts and not logging calls in the work: what happened is a value, which a log, a metric, an audit and the checks of
a simulation each read in their own way, and none of them can drift from the others.
"""

from empath.ops.log import log_fact

__all__ = ["log_fact"]
