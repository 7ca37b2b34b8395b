"""Tokens: by which clients are known that come over TCP, and what each may do.

The file has a line for each: its name, its scopes with commas between them, and the SHA-256 of the token. A token has
256 bits of chance, so its plain hash cannot be guessed back, and who reads the file has no token. Lines that are empty
or begin with ``#`` say nothing.

The file is read again when it is asked for and was not for some seconds: a token that was taken out is refused soon,
without anybody telling the daemon.
"""

from __future__ import annotations

import hmac
import logging
import re
from enum import Enum
from hashlib import sha256
from pathlib import PurePath
from typing import Final

import trio
from attrs import define, field, frozen

from empath.world.errors import DiskError
from empath.world.ports import Disk

_LOG: Final = logging.getLogger(__name__)
FRESH_S: Final = 5.0
PREFIX: Final = "empath_"
"""How a token begins, so that one that was published by mistake is found for what it is."""
MAX_FILE_BYTES: Final = 256 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}", re.ASCII)
_HASH: Final = re.compile(r"sha256:[0-9a-f]{64}", re.ASCII)


class Scope(Enum):
    """What somebody may do. None includes another, but ``admin`` includes all."""

    READ = "read"
    """Look at everything but what is in messages."""
    CONTENT = "content"
    """Look into messages."""
    INJECT = "inject"
    """Hand messages in."""
    OPERATE = "operate"
    """Change what happens to messages, and to whom is sent."""
    ADMIN = "admin"
    """All of that, and what concerns the daemon itself."""


@frozen
class Token:
    """One line of the file."""

    name: str
    """What logs and audit call whoever uses it."""
    scopes: frozenset[Scope]
    digest: str = field(repr=False)

    def line(self) -> str:
        """As it stands in the file."""
        return f"{self.name} {','.join(scope.value for scope in Scope if scope in self.scopes)} {self.digest}"


def digest_of(text: str) -> str:
    """What the file has in place of a token."""
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def parse_scopes(text: str) -> frozenset[Scope]:
    """Read scopes with commas between them. A ValueError says which there are."""
    known = {scope.value: scope for scope in Scope}
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in known:
            raise ValueError(f"{name[:40]!r} is no scope; there are {', '.join(known)}")
    return frozenset(known[name] for name in names)


def parse_tokens(text: str) -> tuple[Token, ...]:
    """Read a file of tokens. A ValueError says what is wrong in which line."""
    tokens: dict[str, Token] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            token = _token(words)
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
        if token.name in tokens:
            raise ValueError(f"line {number}: there is a token {token.name} already")
        tokens[token.name] = token
    return tuple(tokens.values())


def _token(words: list[str]) -> Token:
    if len(words) != 3:
        raise ValueError("it has a name, scopes and a hash, with spaces between them")
    name, scopes, digest = words
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name[:40]!r} is no name of a token")
    if not _HASH.fullmatch(digest):
        raise ValueError("the hash is not sha256: and 64 hexadecimal digits")
    return Token(name, parse_scopes(scopes), digest)


@define(eq=False)
class TokenFile:
    """The tokens of a file, no older than `FRESH_S`. While the file cannot be used there are none."""

    _disk: Disk
    _path: PurePath
    _tokens: tuple[Token, ...] = field(init=False, default=())
    _read_at: float = field(init=False, default=float("-inf"))
    _trouble: str | None = field(init=False, default=None)
    _turn: trio.Lock = field(init=False, factory=trio.Lock)

    async def all(self) -> tuple[Token, ...]:
        """Return all tokens, in the order of the file."""
        await self._refresh()
        return self._tokens

    def forget(self) -> None:
        """Read the file again before anybody is let in."""
        self._read_at = float("-inf")

    async def find(self, text: str) -> Token | None:
        """Return the token that somebody has shown, compared in a time that tells nothing of those there are."""
        return await self.with_digest(digest_of(text))

    async def with_digest(self, digest: str) -> Token | None:
        """Return the token that has this hash."""
        await self._refresh()
        found = None
        for token in self._tokens:
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found

    async def _refresh(self) -> None:
        async with self._turn:
            if trio.current_time() - self._read_at >= FRESH_S:
                await self._read()

    async def _read(self) -> None:
        trouble = None
        try:
            async with await self._disk.open(self._path) as file:
                self._tokens = parse_tokens((await file.read(MAX_FILE_BYTES)).decode())
        except (DiskError, ValueError) as problem:
            self._tokens, trouble = (), f"the tokens in {self._path} cannot be used, and nobody is let in: {problem}"
        if trouble and trouble != self._trouble:
            _LOG.error("%s", trouble)
        self._trouble, self._read_at = trouble, trio.current_time()
