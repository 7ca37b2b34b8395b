"""The certificates that a peer has shown, whether or not anybody has verified them.

From Python 3.13 on `ssl` hands them out; before, they can only be had from the object that it wraps, which has them in
all versions alike. This is the only module that reaches for it.
"""

from __future__ import annotations

import ssl
from typing import Protocol, cast

_DER = 2
"""``_ssl.ENCODING_DER``, which is not in the type stubs."""


class _Certificate(Protocol):
    def public_bytes(self, encoding: int) -> bytes: ...


class _Machine(Protocol):
    def get_unverified_chain(self) -> list[_Certificate] | None: ...


def presented_chain(session: ssl.SSLObject) -> tuple[bytes, ...]:
    """Return the chain in DER form as it was sent, the peer's own certificate first; nothing if it sent none.

    For the client's side, once the handshake is done.
    """
    machine = cast("_Machine", getattr(session, "_sslobj"))  # noqa: B009 - see the module
    return tuple(one.public_bytes(_DER) for one in machine.get_unverified_chain() or ())
