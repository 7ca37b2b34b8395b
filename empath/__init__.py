"""Empath, a mail transfer agent on Trio: it takes responsibility for a message and keeps it until the message is
delivered, or its sender has been told that it was not (RFC 5321 section 6.1).

The packages, each of which imports only what stands above it; ``tests/shape/test_layers.py`` holds the exact rule:

- `empath.smtp`, the protocol: one sans-IO machine for both ends of a session.
- `empath.mail`, the values: identifiers, envelopes, outcomes, reports.
- `empath.policy`, the decisions: when, where and how fast, with time and chance as arguments.
- `empath.world`, the doors: the only code that touches the operating system.
- `empath.config`, what the operator said, checked as a whole before any of it is used.
- `empath.spool`, what was promised to be kept: messages, and the fate of each recipient.
- `empath.ingress` receives and `empath.delivery` sends; they meet in the spool and nowhere else.
- `empath.ops`, what an operator sees; `empath.capture`, a peer that keeps mail for inspection.
- `empath.app`, the tree of nurseries; `empath.sim`, the same world in memory.
- `empath.cli`, the commands ``empath`` and ``empathctl``.

A package of this list that is not in the tree is not written yet. The version below is the only one; the build reads
it.
"""

__version__ = "0.1.0"
