"""What the answers of hosts are about, and what is to be done about them: rules over code, words, phase and host.

A *rule* says which replies it means: beginnings of the reply code, the enhanced code, how far the attempt had come,
what the words say, which host said it. It has a *class*, which says what such a failure is about (for people, for
reports, for the schedule of retries), or a *reaction*, which says what the lane is to do: go slower, leave the site
alone for a time, have fewer connections. Of the rules with a class the first that fits decides; so it is with those
that have a reaction, and the two do not know of each other.

Every rule has examples: replies for which it decides, and replies that it must not fit. They are tried whenever a file
is read, so a rule that does something else than its author meant is refused, and not found out in a year.

Rooms: ``rule`` (one rule, and what it fits), ``reading`` (rules from TOML, tried out), ``reaction`` and ``reactions``
(what a lane is to do), ``classes`` (what a failure is about), ``shipped`` (the rules that come with Empath:
``classes.toml``, and ``providers.toml`` with what large providers ask for).

Why two files: what a reply is about is the same wherever it comes from, and is asked for every failure. What to do
about it depends on who says it: a provider that asks for patience by a code of its own means its own doors.
"""

from empath.policy.replies.classes import ReplyClasses
from empath.policy.replies.reaction import Reaction
from empath.policy.replies.reactions import Reactions
from empath.policy.replies.reading import parse, read_tables
from empath.policy.replies.rule import ReplyRule, RulesFault, example
from empath.policy.replies.shipped import classes_after, reactions_after, shipped

__all__ = [
    "Reaction",
    "Reactions",
    "ReplyClasses",
    "ReplyRule",
    "RulesFault",
    "classes_after",
    "example",
    "parse",
    "reactions_after",
    "read_tables",
    "shipped",
]
