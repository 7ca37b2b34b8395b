"""Reading the configuration again while mail goes on: all of it is checked, and then all of it holds, or none of it.

Whoever asks for it, a signal, the API or a change of the files, it is done here, one at a time. What was read is laid
over what runs: keys that need a restart keep their values, and are remembered as *pending* until there is one
(`empath.config.changes`). A configuration with a fault changes nothing, and the log says what is wrong with it.

Files are looked at once a second, as certificates are, by their times and sizes: that works on every file system and
with every editor. A change counts when a second has passed without another one, so that none is read half written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from functools import partial
from typing import Final, NoReturn

import trio
from attrs import define, field, frozen

from empath.app.assembly import Assembly
from empath.app.reply_rules import RulesUnusable
from empath.config import ConfigError, Loaded, as_text
from empath.config.changes import Change, changes, taken
from empath.config.places import DEFAULT
from empath.config.schema import Config
from empath.hooks import HookUnusable
from empath.ingress.logins.users import UsersUnusable
from empath.mail.facts import Fact
from empath.mail.reload_facts import ConfigReloaded
from empath.spool.contract import SpoolError
from empath.world.errors import CertificateUnusable

_LOG: Final = logging.getLogger(__name__)
_SETTLE_S: Final = 1.0


class Outdated(Exception):
    """What runs is not what the one who asked had in mind. The text is its hash."""


class Unusable(Exception):
    """What was read cannot be used, and nothing has changed. The text says why, one fault after the other."""


@frozen(kw_only=True)
class Reading:
    """How a configuration is read again."""

    loaded: Loaded
    """What the daemon was started with."""
    load: Callable[[], Loaded]
    """Raises ConfigError. This blocks."""
    stamp: Callable[[Loaded], Hashable] | None = None
    """Another value when the files of a configuration have changed; None: nobody looks. This blocks."""
    stamped: Hashable = None
    """What ``stamp`` said when ``loaded`` was read."""
    took: Callable[[Config], None] = lambda _: None
    """Told of a configuration that holds from now on, for what is not part of a worker: the level of the log."""
    began: Callable[[], None] = lambda: None
    """Told that a reload begins."""
    ended: Callable[[str | None], None] = lambda _: None
    """Told that it is over, and of what was wrong."""

    @classmethod
    def once(cls, config: Config) -> Reading:
        """Of a configuration that does not come from files."""
        loaded = Loaded(config=config, warnings=(), files=(), origin=lambda _: DEFAULT, history=lambda _: ())
        return cls(loaded=loaded, load=lambda: loaded)


@frozen(kw_only=True)
class Plan:
    """What reading again comes to, before it holds."""

    loaded: Loaded
    config: Config
    """As it will run."""
    applied: tuple[Change, ...]
    needs_restart: tuple[Change, ...]


@define(eq=False, kw_only=True)
class Reloader:
    """See the module."""

    assembly: Assembly
    reading: Reading
    observe: Callable[[Fact], None]
    running: Config = field(init=False)
    """What holds, as files would say it."""
    loaded: Loaded = field(init=False)
    """What was read last, and could be used."""
    pending: tuple[Change, ...] = field(init=False, default=())
    """What the files say otherwise, and what takes a restart."""
    problem: str | None = field(init=False, default=None)
    """Why the latest reload has failed; None: it has not."""
    _turn: trio.Lock = field(init=False, factory=trio.Lock)
    _stamp: Hashable = field(init=False)
    """Of the files as they were when they were read last."""

    def __attrs_post_init__(self) -> None:
        self.loaded, self.running = self.reading.loaded, self.reading.loaded.config
        self._stamp = self.reading.stamped

    async def plan(self) -> Plan:
        """Read all of it, and change nothing. Raises Unusable."""
        try:
            loaded = await self.assembly.world.offload.run(self.reading.load)
        except ConfigError as problem:
            raise Unusable(str(problem)) from problem
        config = taken(self.running, loaded.config)
        return Plan(
            loaded=loaded,
            config=config,
            applied=changes(self.running, config),
            needs_restart=changes(config, loaded.config),
        )

    async def reload(self, by: str, *, expected: Callable[[Config], bool] = lambda _: True) -> Plan:
        """Read all of it, and let it hold. Raises Unusable and Outdated: then nothing has changed.

        ``by``: who wants it. ``expected``: whether this is what the one who asks believes to run.
        """
        async with self._turn:
            if not expected(self.running):
                raise Outdated
            self.reading.began()
            try:
                self._stamp = await self._look()
                plan = await self.plan()
                await self._enforce(plan)
            except Unusable as problem:
                self.problem = str(problem)
                self._tell(by, (), (), self.problem)
                raise
            else:
                self.problem = None
                self._tell(by, plan.applied, plan.needs_restart, None)
            finally:
                self.reading.ended(self.problem)
            return plan

    async def _enforce(self, plan: Plan) -> None:
        try:
            # Even if nothing differs: a file of rules that the configuration names may be another one.
            await self.assembly.renew(plan.config)
        except (RulesUnusable, HookUnusable, CertificateUnusable, UsersUnusable) as problem:
            raise Unusable(str(problem)) from problem
        except SpoolError as problem:
            _LOG.error("mail that was about to leave waits until it is due again: %s", problem)
        self.running, self.loaded, self.pending = plan.config, plan.loaded, plan.needs_restart
        self.reading.took(plan.config)

    async def obey(self, by: str) -> None:
        """Reload for somebody who reads the log and no answer."""
        try:
            plan = await self.reload(by)
        except Unusable as problem:
            _LOG.error("the configuration cannot be used, and the one that runs goes on:\n%s", problem)
            return
        if plan.loaded.warnings:
            _LOG.warning("the configuration holds, with warnings:\n%s", as_text(plan.loaded.warnings))

    async def watch(self) -> NoReturn:
        """Reload whenever files have changed and have come to rest."""
        if self.reading.stamp is None:
            await trio.sleep_forever()
        last = self._stamp
        while True:
            await trio.sleep(_SETTLE_S)
            found = await self._look()
            if found == last and found != self._stamp:
                await self.obey("files")
            last = found

    async def _look(self) -> Hashable:
        stamp = self.reading.stamp
        return None if stamp is None else await self.assembly.world.offload.run(partial(stamp, self.loaded))

    def _tell(
        self, by: str, applied: tuple[Change, ...], needs_restart: tuple[Change, ...], problem: str | None
    ) -> None:
        self.observe(
            ConfigReloaded(
                at=self.assembly.world.clock.now(),
                by=by,
                applied=tuple(one.key for one in applied),
                needs_restart=tuple(one.key for one in needs_restart),
                problem=problem,
            )
        )
