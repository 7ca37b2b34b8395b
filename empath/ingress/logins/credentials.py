"""What is kept of a password, and the file it is kept in. Nothing here touches a disk.

A *credential* is what a password can be checked against, and not the password. There are two kinds, both written as
one text without spaces:

- `PasswordHash`: Argon2id (RFC 9106) in the PHC form, ``$argon2id$v=19$m=19456,t=2,p=1$salt$hash``.
- `ScramKeys`: what SCRAM-SHA-256 needs (RFC 5802 5.1, RFC 7677), ``SCRAM-SHA-256$iterations:salt$stored:server``, the
  form of RFC 5803. A user who has these can log in by PLAIN and LOGIN too.

The file has a line ``login:credential`` for each user. Empty lines, and lines that begin with ``#``, say nothing.

To check a password takes as long as the credential asks for, tens of milliseconds: never do it on the event loop. What
a credential may ask for has a limit, lest a line of a file be able to take all the memory of the machine.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from hmac import compare_digest
from typing import Final

from attrs import field, frozen
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from empath.ingress.logins import scram
from empath.policy.reception.logins import parse_login

SALT_BYTES: Final = 16
# The lowest figures that OWASP's cheat sheet on password storage recommends: 19 MiB, two passes, one lane.
_MEMORY_KIB: Final = 19_456
_PASSES: Final = 2
_HASH_BYTES: Final = 32
_MAX_MEMORY_KIB: Final = 1 << 20
_MAX_PASSES: Final = 64
_MAX_LANES: Final = 16
_PHC: Final = re.compile(
    r"\$argon2id\$v=19\$m=([0-9]{1,9}),t=([0-9]{1,9}),p=([0-9]{1,9})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,171})"
)
_SCRAM: Final = re.compile(r"SCRAM-SHA-256\$([0-9]{4,8}):([^$:\s]+)\$([^$:\s]+):([^$:\s]+)")


def password_octets(password: str) -> bytes:
    """The octets that are hashed: of the composed form (RFC 8265 4.2.2), however a keyboard made it."""
    return unicodedata.normalize("NFC", password).encode()


@frozen
class PasswordHash:
    """Argon2id."""

    text: str = field(repr=False)
    """In the PHC form."""

    @classmethod
    def make(cls, password: str, salt: bytes) -> PasswordHash:
        """The credential of a password. ``salt``: `SALT_BYTES` that nobody else has."""
        kdf = Argon2id(salt=salt, length=_HASH_BYTES, iterations=_PASSES, lanes=1, memory_cost=_MEMORY_KIB)
        return cls(kdf.derive_phc_encoded(password_octets(password)))

    @classmethod
    def parse(cls, text: str) -> PasswordHash:
        """Read one; anything else is a ValueError that says why."""
        found = _PHC.fullmatch(text)
        if found is None:
            raise ValueError("it is no Argon2id hash of version 19")
        memory, passes, lanes = map(int, found.groups()[:3])
        if not (8 * lanes <= memory <= _MAX_MEMORY_KIB and 1 <= passes <= _MAX_PASSES and 1 <= lanes <= _MAX_LANES):
            raise ValueError(f"it asks for more than {_MAX_MEMORY_KIB} KiB, {_MAX_PASSES} passes or {_MAX_LANES} lanes")
        return cls(text)

    @property
    def kind(self) -> str:
        """What it is called in lists."""
        return "argon2id"

    @property
    def decoy(self) -> PasswordHash:
        """A credential that no known password fits and that takes as long to check."""
        head, _, _ = self.text.rpartition("$")
        cost, _, _ = head.rpartition("$")
        return PasswordHash(f"{cost}${'A' * 22}${'A' * 43}")

    def fits(self, password: str) -> bool:
        """Whether it was made of this password. Takes long."""
        try:
            Argon2id.verify_phc_encoded(password_octets(password), self.text)
        except InvalidKey:
            return False
        return True


@frozen
class ScramKeys:
    """SCRAM-SHA-256."""

    iterations: int
    salt: bytes
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    @classmethod
    def make(cls, password: str, salt: bytes) -> ScramKeys:
        """As `PasswordHash.make`. A ValueError: SASLprep (RFC 4013) has no form of this password."""
        return cls(scram.ITERATIONS, salt, *scram.make_keys(password, salt, scram.ITERATIONS))

    @classmethod
    def parse(cls, text: str) -> ScramKeys:
        """Read them; anything else is a ValueError that says why."""
        found = _SCRAM.fullmatch(text)
        if found is None:
            raise ValueError("it has not the form of SCRAM-SHA-256 keys")
        try:
            salt, stored, server = (base64.b64decode(part, validate=True) for part in found.groups()[1:])
        except binascii.Error:
            raise ValueError("its base64 is broken") from None
        iterations = int(found[1])
        if len(salt) < scram.MIN_SALT_BYTES or len(stored) != 32 or len(server) != 32:
            raise ValueError("its keys or its salt are too short or too long")
        if not scram.MIN_ITERATIONS <= iterations <= scram.MAX_ITERATIONS:
            raise ValueError(f"it has not {scram.MIN_ITERATIONS} to {scram.MAX_ITERATIONS} iterations")
        if not scram.AVAILABLE:
            raise ValueError('SCRAM keys need the extra: pip install "empath-mta[scram]"')
        return cls(iterations, salt, stored, server)

    @property
    def text(self) -> str:
        """As it is read."""
        parts = (self.salt, self.stored_key, self.server_key)
        salt, stored, server = (base64.b64encode(part).decode() for part in parts)
        return f"SCRAM-SHA-256${self.iterations}:{salt}${stored}:{server}"

    @property
    def kind(self) -> str:
        """What it is called in lists."""
        return "scram-sha-256"

    @property
    def decoy(self) -> ScramKeys:
        """A credential that no known password fits and that takes as long to check."""
        return ScramKeys(self.iterations, bytes(SALT_BYTES), bytes(32), bytes(32))

    def fits(self, password: str) -> bool:
        """Whether it was made of this password. Takes long."""
        try:
            stored_key, server_key = scram.make_keys(password, self.salt, self.iterations)
        except ValueError:
            return False
        return compare_digest(stored_key + server_key, self.stored_key + self.server_key)


Credential = PasswordHash | ScramKeys


def parse_credential(text: str) -> Credential:
    """Read a credential of either kind; anything else is a ValueError that says why."""
    return ScramKeys.parse(text) if text.startswith("SCRAM-") else PasswordHash.parse(text)


def parse_line(line: str) -> tuple[str, Credential] | None:
    """What a line of the file says; None: nothing. A ValueError says what is wrong with it, and never quotes it."""
    if not line.strip() or line.startswith("#"):
        return None
    name, colon, text = line.partition(":")
    if not colon:
        raise ValueError("there is no colon between login and credential")
    try:
        login = parse_login(name)
    except ValueError as problem:
        raise ValueError(f"the login cannot be used: {problem}") from None
    try:
        return login, parse_credential(text.strip())
    except ValueError as problem:
        raise ValueError(f"the credential cannot be used: {problem}") from None


def parse_users(content: bytes) -> Mapping[str, Credential]:
    """Read a whole file, by login. A ValueError names the first line that is wrong, and why."""
    users: dict[str, Credential] = {}
    for number, line in enumerate(content.splitlines(), start=1):
        try:
            said = parse_line(line.decode())
        except UnicodeDecodeError:
            raise ValueError(f"line {number}: it is not UTF-8") from None
        except ValueError as problem:
            raise ValueError(f"line {number}: {problem}") from None
        if said is not None:
            if said[0] in users:
                raise ValueError(f"line {number}: the login stands in an earlier line too")
            users[said[0]] = said[1]
    return users


def decoy_among(users: Mapping[str, Credential]) -> Credential:
    """What the password of a login that does not exist is checked against: as costly as the most usual credential."""
    usual = Counter(credential.decoy for credential in users.values()).most_common(1)
    return usual[0][0] if usual else PasswordHash(f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p=1$A$A").decoy
