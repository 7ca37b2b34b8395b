"""Those who can log in: their file, read again when it changes, and the judgement on a password.

- The file is looked at every few seconds. One that cannot be read or understood changes nothing: what was read before
  holds on, and the log says why. One that is not there yet has no users in it.
- A password is checked in one of a few threads of its own, and only so many checks may wait: the rest is put off.
- Whoever sends ten messages in ten sessions is not hashed ten times: that a password was right is remembered for a
  short time, under a digest that is keyed with a secret of this process. The password itself is not kept.
- A login that does not exist costs the same hashing as one that does, so the time of the answer tells nothing.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Mapping
from enum import Enum
from functools import partial
from hashlib import sha256
from pathlib import PurePath
from typing import Final, NoReturn

import trio
from attrs import define, field

from empath.config.schema import AuthSettings
from empath.ingress.logins import scram
from empath.ingress.logins.credentials import Credential, ScramKeys, decoy_among, parse_users, password_octets
from empath.policy.quota import Quota
from empath.policy.reception.guesses import Guesses
from empath.policy.reception.logins import MAX_LOGIN_OCTETS, login_name
from empath.policy.reception.prefix import Prefixes
from empath.world.errors import DiskError, FileMissing
from empath.world.ports import Disk, Offload, World

_LOG: Final = logging.getLogger(__name__)
_MAX_FILE_BYTES: Final = 16 << 20
_SECRET_BYTES: Final = 32
_WITH_PASSWORD: Final = ("PLAIN", "LOGIN")


class UsersUnusable(Exception):
    """The file cannot be read or understood. The text says which file and why."""


class Judgement(Enum):
    """What is to be said to somebody who wants to log in."""

    RIGHT = "right"
    WRONG = "wrong"
    TOO_MANY = "too many failed logins"
    """Of this client, or of this login. Nothing was checked."""
    BUSY = "too many passwords wait to be checked"
    """Nothing was checked."""


@define(eq=False)
class Users:
    """The users of one file. ``load`` it before it is used."""

    path: PurePath
    settings: AuthSettings
    """May be replaced by ``renew``."""
    _disk: Disk
    _threads: Offload
    """Passwords are checked here and nothing else is done."""
    _guesses: Guesses
    _prefixes: Prefixes
    """What makes a client one client."""
    _secret: bytes = field(repr=False)
    """Nobody else knows it."""
    _users: Mapping[str, Credential] = field(init=False, factory=dict, repr=False)
    _decoy: Credential = field(init=False, factory=lambda: decoy_among({}))
    mechanisms: tuple[str, ...] = field(init=False, default=_WITH_PASSWORD)
    """What can be offered. SCRAM only if all users have keys for it, since clients that know it prefer it."""
    _digest: bytes | None = field(init=False, default=None)
    """Of the content that was looked at last, good or bad."""
    _complained: str = field(init=False, default="")
    """What was wrong when it was looked at last."""
    _checks: int = field(init=False, default=0)
    """Passwords that are being checked or wait for it."""
    _proven: dict[bytes, float] = field(init=False, factory=dict, repr=False)
    """Digests of what was right, and until when that is good; those that were added last stand at the end."""

    def renew(self, settings: AuthSettings, prefixes: Prefixes) -> None:
        """Go by these from now on. Guesses are counted anew if they are to be counted otherwise."""
        if _counts(settings) != _counts(self.settings) or prefixes != self._prefixes:
            self._guesses, self._prefixes = _guesses(settings), prefixes
        self.settings = settings

    async def load(self) -> None:
        """Read the file for the first time. Raises UsersUnusable."""
        try:
            await self._read()
        except FileMissing:
            _LOG.warning("there is no file %s yet: nobody can log in", self.path)

    async def watch(self) -> NoReturn:
        """Read the file again whenever it has changed."""
        while True:
            await trio.sleep(self.settings.refresh_s)
            await self.refresh()

    async def refresh(self) -> None:
        """Read the file again if it has changed. That it cannot be read is said once, until it can."""
        try:
            if await self._read():
                _LOG.info("%s was read again: %d users", self.path, len(self._users))
            self._complained = ""
        except (FileMissing, UsersUnusable) as problem:
            if str(problem) != self._complained and (self._users or not isinstance(problem, FileMissing)):
                _LOG.error("%s; the users known so far stay as they are", problem)
            self._complained = str(problem)

    def keys_of(self, login: str) -> ScramKeys:
        """What SCRAM has to know of a user. Who does not exist gets keys that no proof fits, and his own salt."""
        name = _known_by(login)
        credential = self._users.get(name)
        if isinstance(credential, ScramKeys):
            return credential
        salt = hmac.digest(self._secret, b"salt " + name.encode(), "sha256")[:16]
        return ScramKeys(scram.ITERATIONS, salt, bytes(32), bytes(32))

    async def judge_password(self, login: str, password: str, client_ip: str) -> Judgement:
        """Whether this is the password of this login. ``client_ip``: from where it was said."""
        name, client = _known_by(login), self._prefixes.client(client_ip)
        credential = self._users.get(name, self._decoy)
        proof = self._proof_of(name, credential, password)
        if not self._guesses.count(client, name, trio.current_time()):
            return Judgement.TOO_MANY
        if self._is_proven(proof):
            self._guesses.forgive(client, name)
            return Judgement.RIGHT
        if self._checks >= self.settings.max_waiting:
            self._guesses.forgive(client, name)
            return Judgement.BUSY
        self._checks += 1
        try:
            fits = await self._threads.run(partial(credential.fits, password))
        finally:
            self._checks -= 1
        if not (fits and name in self._users):
            return Judgement.WRONG
        self._guesses.forgive(client, name)
        self._remember(proof)
        return Judgement.RIGHT

    def judge_proof(self, proof: scram.Proof, client_ip: str) -> Judgement:
        """Whether SCRAM's proof counts."""
        name, client = _known_by(proof.login), self._prefixes.client(client_ip)
        if not self._guesses.count(client, name, trio.current_time()):
            return Judgement.TOO_MANY
        if not (proof.right and name in self._users):
            return Judgement.WRONG
        self._guesses.forgive(client, name)
        return Judgement.RIGHT

    async def _read(self) -> bool:
        """Read the file; whether it has changed. Raises FileMissing and UsersUnusable."""
        try:
            content = await self._content()
        except FileMissing:
            raise
        except DiskError as problem:
            raise UsersUnusable(str(problem)) from problem
        digest = sha256(content).digest()
        if digest == self._digest:
            return False
        self._digest = digest
        try:
            users = await self._threads.run(partial(parse_users, content))
        except ValueError as problem:
            raise UsersUnusable(f"{self.path}, {problem}") from problem
        self._users, self._decoy = users, decoy_among(users)
        able = bool(users) and all(isinstance(credential, ScramKeys) for credential in users.values())
        self.mechanisms = (*_WITH_PASSWORD, scram.MECHANISM) if able else _WITH_PASSWORD
        return True

    async def _content(self) -> bytes:
        async with await self._disk.open(self.path) as file:
            content = b""
            while piece := await file.read(_MAX_FILE_BYTES):
                content += piece
                if len(content) > _MAX_FILE_BYTES:
                    raise UsersUnusable(f"{self.path} is larger than {_MAX_FILE_BYTES >> 20} MiB")
            return content

    def _proof_of(self, name: str, credential: Credential, password: str) -> bytes:
        # The credential is part of it: when it changes, what was proven with the old one is worth nothing.
        parts = (name.encode(), credential.text.encode(), password_octets(password))
        return hmac.digest(self._secret, b"\0".join(sha256(part).digest() for part in parts), "sha256")

    def _is_proven(self, proof: bytes) -> bool:
        return self._proven.get(proof, 0.0) > trio.current_time()

    def _remember(self, proof: bytes) -> None:
        self._proven.pop(proof, None)
        while self._proven and len(self._proven) >= self.settings.cache_size:
            del self._proven[next(iter(self._proven))]
        if self.settings.cache_size:
            self._proven[proof] = trio.current_time() + self.settings.cache_time_s


def _known_by(login: str) -> str:
    """The name under which a login is looked up and counted. What is too long to be one has none, and takes no room."""
    name = login_name(login)
    return name if len(name) <= MAX_LOGIN_OCTETS else ""


def make_users(world: World, path: PurePath, settings: AuthSettings, prefixes: Prefixes) -> Users:
    """The users of a file, with threads and counts of their own."""
    threads = world.offload.own("passwords", threads=settings.hash_threads)
    secret = world.entropy.token(_SECRET_BYTES)
    return Users(path, settings, world.disk, threads, _guesses(settings), prefixes, secret)


def _counts(settings: AuthSettings) -> tuple[object, ...]:
    return settings.failures_per_client, settings.failures_per_user, settings.max_tracked


def _guesses(settings: AuthSettings) -> Guesses:
    by_client, by_user = settings.failures_per_client, settings.failures_per_user
    return Guesses(
        Quota(by_client.per_second, by_client.at_once, settings.max_tracked),
        Quota(by_user.per_second, by_user.at_once, settings.max_tracked),
    )
