"""SCRAM-SHA-256 (RFC 5802, RFC 7677), by the library ``scramp``, which the extra ``scram`` brings.

A client proves here that it knows a password without saying it, and the server proves that it knows the user. Channel
binding (``-PLUS``) is not offered.

Without the library SCRAM is not offered either, and keys for it can be neither read nor made.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Protocol

from attrs import define, field, frozen

from empath.smtp import RemoteProtocolError, Reply

MECHANISM: Final = "SCRAM-SHA-256"
AVAILABLE: Final = find_spec("scramp") is not None
_LIBRARY: Final = import_module("scramp") if AVAILABLE else None

MIN_ITERATIONS: Final = 4096
"""RFC 7677 4."""
MAX_ITERATIONS: Final = 2_000_000
ITERATIONS: Final = 100_000
"""Of keys that we make: about the work of our Argon2id hashes, and the client's to do, not ours."""
MIN_SALT_BYTES: Final = 12


class Keys(Protocol):
    """What a server knows of a user."""

    @property
    def iterations(self) -> int:
        """How often the client has to hash."""

    @property
    def salt(self) -> bytes:
        """What it has to begin with."""

    @property
    def stored_key(self) -> bytes:
        """What its proof is checked with."""

    @property
    def server_key(self) -> bytes:
        """What the server proves itself with."""


@frozen
class Proof:
    """What came of an exchange: somebody claimed to be ``login``, and proved it or did not."""

    login: str
    right: bool
    final: bytes
    """The server's own proof: a challenge, whose answer is empty (RFC 4954 4). Nothing, if the client's was wrong."""


def make_keys(password: str, salt: bytes, iterations: int) -> tuple[bytes, bytes]:
    """StoredKey and ServerKey of RFC 5802 3. Takes long.

    A ValueError: SASLprep (RFC 4013) has no form of this password, or the library is missing.
    """
    if _LIBRARY is None:
        raise ValueError('SCRAM needs the extra: pip install "empath-mta[scram]"')
    try:
        _, stored_key, server_key, _ = _LIBRARY.ScramMechanism(MECHANISM).make_auth_info(password, iterations, salt)
    except _LIBRARY.ScramException as problem:
        raise ValueError(str(problem)) from problem
    return stored_key, server_key


@define(eq=False)
class ScramServer:
    """The server's side of one exchange, for `login`. To be made only if the library is `AVAILABLE`."""

    _keys_of: Callable[[str], Keys]
    """For everybody, and also for those who do not exist: then keys that no proof fits, and always the same salt."""
    _nonce: str
    _login: str = field(init=False, default="")
    # Any: the library has no types.
    _machine: Any = field(init=False, default=None)

    def step(self, response: bytes | None) -> bytes | Proof:
        """The next challenge, or how it ended. ``response`` is None at the start if there was no initial response.

        A RemoteProtocolError carries the 501 for a response that is not what the mechanism has here.
        """
        if response is None:
            return b""
        library: Any = _LIBRARY
        try:
            if self._machine is None:
                mechanism = library.ScramMechanism(MECHANISM)
                self._machine = mechanism.make_server(self._find, s_nonce=self._nonce)
                self._machine.set_client_first(response.decode())
                first: str = self._machine.get_server_first()
                return first.encode()
            self._machine.set_client_final(response.decode())
            final: str = self._machine.get_server_final()
            return Proof(self._login, right=True, final=final.encode())
        except UnicodeDecodeError:
            raise _malformed() from None
        except library.ScramException as problem:
            if problem.server_error is library.core.ServerError.INVALID_PROOF:
                return Proof(self._login, right=False, final=b"")
            raise _malformed() from problem

    def _find(self, login: str) -> tuple[bytes, bytes, bytes, int]:
        self._login, known = login, self._keys_of(login)
        return known.salt, known.stored_key, known.server_key, known.iterations


def _malformed() -> RemoteProtocolError:
    text = f"the response is not what {MECHANISM} has here"
    return RemoteProtocolError(text, Reply(501, text, "5.5.2"))
