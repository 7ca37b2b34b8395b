"""Scheduling: which message of a lane goes next, and which limit it waits for.

- A *class* (`empath.mail.priority`) is how urgent a message is. ``classing`` decides it, ``shares`` divides a lane
  among the classes, by weight and without ever starving one.
- A *flow* is all that one sender has waiting. Inside a class flows take turns, by deficit round robin (``fair_queue``).
- A *backlog* puts these together for one lane, and bounds the share of retries.
- A *limit* is a token bucket and what it counts. One that a whole lane waits for stops the lane until its moment; what
  waits for a limit of its own (a sender's, a domain's) is *delayed* and lets others pass.
- *Ages* tell the oldest of a lane to who watches it.

RFC 6710 (MT-PRIORITY). Weighted shares: Waldspurger and Weihl, 1995; fairness of flows: Shreedhar and Varghese, 1995.

Why not strict priorities: whoever can send much of the highest class would stop all other mail. Why not one heap of all
that waits: its order would have to be made anew whenever a sender's turn changes.
"""

from empath.policy.scheduling.ages import Age, Ages
from empath.policy.scheduling.backlog import Backlog, Standing, Weights
from empath.policy.scheduling.classing import Classing, HeaderRule, class_of_mt_priority, header_class
from empath.policy.scheduling.delayed import Delayed
from empath.policy.scheduling.fair_queue import FairQueue
from empath.policy.scheduling.shares import Shares

__all__ = [
    "Age",
    "Ages",
    "Backlog",
    "Classing",
    "Delayed",
    "FairQueue",
    "HeaderRule",
    "Shares",
    "Standing",
    "Weights",
    "class_of_mt_priority",
    "header_class",
]
