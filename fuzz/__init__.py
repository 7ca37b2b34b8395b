"""Fuzzing: a search for octets that make ``empath.smtp`` break a promise.

A *target* is a module with one function, ``fuzz(data: bytes) -> None``. The first sentence of its docstring is the
*invariant* that it checks, and the rest says how it reads its octets. It returns when the invariant holds for ``data``
and raises when it does not: there is no other result. The errors that the package documents are the only ones that a
target lets pass, and where two ways to the same answer exist, such as a machine and a few plain lines of a *reference*,
both are taken and compared.

==========  =========================================================================
target      what is searched
==========  =========================================================================
server      ``ServerConnection`` with a whole session before it; ``session`` drives it
client      ``ClientConnection`` between a driver and a server that both do as they like
body        the DATA codec, the chunk counter, the line rules
address     mailboxes, paths, domains, literals
reply       the reader of replies and the encoder
params      what stands behind the path in MAIL and RCPT, xtext
proxy       the header that a proxy puts before a session
==========  =========================================================================

``corpus/TARGET/`` holds the *seeds*: small inputs, each named for what it is about, among them every known way to
smuggle a message. ``cuts`` makes other segments of the same octets. ``tokens.dict`` has the words of SMTP in the form
that libFuzzer reads.

Who runs a target:

- The ordinary test run (``tests/fuzz``) replays the seeds, and lets Hypothesis make up octets, words and dialogues.
- ``just fuzz TARGET SECONDS`` searches with atheris, which sees the branches that an input takes and changes it to
  reach others (Linux, Python 3.11). It begins with the seeds; findings go to ``findings/``, which is not committed.

A finding becomes a seed with a name and a test in ``tests/fuzz/test_regressions.py`` before it is repaired.

Why no structured input such as FuzzedDataProvider: a seed that is nearly what goes over the wire can be read, and
written by hand.
"""

from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
TARGETS: Final = ("server", "client", "body", "address", "reply", "params", "proxy")
