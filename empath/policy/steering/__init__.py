"""Steering: what holds for a lane besides its configuration, since an operator wants it or a host has asked for it.

- A *rule* is a decision of an operator, with who, why and until when: a suspension, an overlay over limits, a breaker
  that is kept open, the freeze of the whole node or its drain. It is for a *scope*: a lane, a domain, a sender, or all
  of them.
- The *book* has all rules that are in force, and says what they come to for one site: its *orders*.
- What hosts ask for (`empath.policy.replies`) is remembered by the *steering* of each lane, and expires by itself: a
  stop, a cap on connections, and a *pace*, which is a rate that was found to be borne.
- ``record`` has rules as bytes, for the spool.

A lane without any of this has no steering at all, and pays nothing for it.

Which clock: a rule says until when by the wall clock, since it outlives the process; in memory its end lies on the
monotonic clock, no further away than the rule was meant to last. So a clock that is set back prolongs nothing beyond
that.

Why orders replace limits and do not only lower them: who raises a limit for an hour knows something that the
configuration does not. What a host asks for, in contrast, only ever lowers.
"""

from empath.policy.steering.book import Orders, RuleBook
from empath.policy.steering.pace import Pace
from empath.policy.steering.record import decode_rule, encode_rule
from empath.policy.steering.rule import OperatorRule, RuleKind, Scope
from empath.policy.steering.steering import Asked, Steering, Stop

__all__ = [
    "Asked",
    "OperatorRule",
    "Orders",
    "Pace",
    "RuleBook",
    "RuleKind",
    "Scope",
    "Steering",
    "Stop",
    "decode_rule",
    "encode_rule",
]
