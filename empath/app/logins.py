"""Who can log in: the users of all listeners, by file, and looking after these files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import trio
from attrs import define, field

from empath.config.schema import ListenerAuth, ListenerSettings, SmtpSettings
from empath.ingress.limits.quotas import prefixes
from empath.ingress.logins.users import Users, make_users
from empath.world.ports import World


@define(eq=False)
class Logins:
    """Listeners that name the same file share its users, and the count of their guesses."""

    _settings: SmtpSettings
    _world: World
    _users: dict[Path, Users] = field(init=False, factory=dict)
    _changed: trio.Event = field(init=False, factory=trio.Event)
    """There are other files to look after, or it is to be done otherwise."""

    def of(self, listener: ListenerSettings) -> Users | None:
        """The users of a listener, ``load``-ed or not; None: nobody can log in there."""
        for path in _needed([listener]) - self._users.keys():
            self._users[path] = self._made(self._settings, path)
        return next((self._users[path] for path in _needed([listener])), None)

    async def load(self) -> None:
        """Read all files that were asked for. Raises UsersUnusable."""
        for users in self._users.values():
            await users.load()

    async def opened(self, settings: SmtpSettings) -> Mapping[Path, Users]:
        """Read what these listeners need and nobody has read yet. Changes nothing. Raises UsersUnusable."""
        opened = {path: self._made(settings, path) for path in _needed(settings.listeners) - self._users.keys()}
        for users in opened.values():
            await users.load()
        return opened

    def renew(self, settings: SmtpSettings, opened: Mapping[Path, Users]) -> None:
        """Go on under these settings. ``opened``: what they need beside what is here; what nobody needs is let go."""
        found = self._users | dict(opened)
        self._users = {path: found[path] for path in _needed(settings.listeners)}
        for users in self._users.values():
            users.renew(settings.auth, prefixes(settings.limits))
        self._settings = settings
        self._changed.set()

    async def watch(self) -> None:
        """Look after the files until cancelled."""
        while True:
            changed = self._changed = trio.Event()
            async with trio.open_nursery() as nursery:
                for users in self._users.values():
                    nursery.start_soon(users.watch)
                await changed.wait()
                nursery.cancel_scope.cancel()

    def _made(self, settings: SmtpSettings, path: Path) -> Users:
        return make_users(self._world, path, settings.auth, prefixes(settings.limits))


def _needed(listeners: Iterable[ListenerSettings]) -> set[Path]:
    return {one.users_file for one in listeners if one.auth is not ListenerAuth.NONE and one.users_file is not None}
