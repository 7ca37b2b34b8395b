"""Watching the daemon as it works: a websocket at ``/api/v1/live`` with the subprotocol ``empath.live.v1``.

A *viewer* is one connection. He *subscribes* to *topics*. A topic is a *table* (``stats``, ``queue``, ``lanes``,
``breakers``, ``rules``, ``health``, ``jobs``), which is sent as it is and then as it changes; or it is *events* (audit
records and what happens to lanes), the *log*, or a *trace* of what is said in SMTP (`dialogues`), whose records are
sent as they come. ``docs/live.rst`` describes the protocol.

Watching must not slow delivery down, so the two kinds have each its own way to fall behind:

- Tables are built by the one task of the `Hub`, at most once a second, from the read model (`sources`,
  `empath.ops.views`), and encoded once for all who have made the same choice of rows (`choosing`, `feed`). A viewer who
  reads slowly is sent the difference between what he saw last and what is the case now (`tables`): fewer frames, and
  never an old one.
- Events go through rings that drop the oldest (`ring`, `events`, `log_lines`). The viewer is told how many are missing.

With no viewer nothing is built. The observer then keeps the latest facts as they are, for ``GET /api/v1/events``.

`protocol` has the words, `viewer` and `subscription` who is sent what, `websocket` the connection with its limits: a
frame that is not taken within ``api.live.send_timeout`` ends it.

Why not server-sent events: a viewer would need a connection for each choice, and browsers allow six. Why not dirty
marks on each row: whoever changes a lane would have to know who watches.

RFC 6455 (websockets).
"""

from empath.ops.live.choosing import Choice, Filter
from empath.ops.live.hub import Hub
from empath.ops.live.protocol import SUBPROTOCOL
from empath.ops.live.websocket import Live

__all__ = ["SUBPROTOCOL", "Choice", "Filter", "Hub", "Live"]
