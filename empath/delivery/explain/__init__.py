"""Explain: why a message has not gone, what a lane waits for, and what one can do about it, as values.

Nothing here decides anything, and nothing is guessed: what is told was recorded where the decision was taken. A lane
keeps what holds it up, a line of messages the limit that it waits for, a sender what it does for a message that is not
with a host yet, and whoever writes to the spool that there is no room. So it cannot disagree with what happens.

- A *wait* is the one reason why a delivery does not go (`empath.mail.Wait`). Of several that hold at once it is the one
  that ends last: when that one is over, the delivery goes.
- A *gate* is one thing that may hold a delivery up, with what is used of it and its limit, be it open or shut.
- A *row* is what a table of lanes shows of one.
- A *tally* is what the latest attempts at a site came to: counts of a quarter of an hour, times, the latest reply. It
  is kept when the lane is forgotten, so that a table does not go blank when mail has gone.

Rooms: ``tally`` (what came of attempts), ``reasons`` (waits), ``gates``, ``rows`` (lanes), ``stories`` (deliveries and
addresses), ``explainer`` (who is asked), ``census`` (how many wait for what).

Why not a reason in every row of the spool: a site whose breaker opens would cost a write for each of its messages, and
another one when it closes. What a lane waits for is known once, in the lane.
"""

from empath.delivery.explain.census import Census, Count
from empath.delivery.explain.explainer import Explainer
from empath.delivery.explain.gates import Gate
from empath.delivery.explain.rows import LaneRow
from empath.delivery.explain.stories import AddressExplanation, DeliveryExplanation, LaneExplanation, Stop, Way
from empath.delivery.explain.tally import Past, Seal, Tallies, Tally
from empath.delivery.talking.pool import Pooled

__all__ = [
    "AddressExplanation",
    "Census",
    "Count",
    "DeliveryExplanation",
    "Explainer",
    "Gate",
    "LaneExplanation",
    "LaneRow",
    "Past",
    "Pooled",
    "Seal",
    "Stop",
    "Tallies",
    "Tally",
    "Way",
]
