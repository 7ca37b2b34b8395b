"""What the API has of a configuration that may change: what holds at the moment, and how it is read again."""

from __future__ import annotations

from collections.abc import AsyncIterator

from attrs import frozen

from empath.app.assembly import Assembly
from empath.app.reload import Outdated, Plan, Reloader, Unusable
from empath.config import KeyPath, as_text, dotted
from empath.mail.handing import HandedIn, NotTaken
from empath.mail.ids import MessageId
from empath.ops.api.problems import Code, Problem
from empath.ops.views.settings import ConfigView, ReloadView, change_view, config_hash, config_view


@frozen
class Reloading:
    """See `empath.ops.api.routes.settings.Configuration`."""

    _reloader: Reloader

    def show(self) -> ConfigView:
        """What runs."""
        reloader = self._reloader
        pending = frozenset(one.key for one in reloader.pending)

        def origin_of(path: KeyPath) -> str:
            # What the files say of a key that waits for a restart is not what runs.
            return "the start of the daemon" if dotted(path) in pending else str(reloader.loaded.origin(path))

        return config_view(reloader.running, origin_of)

    async def check(self) -> ReloadView:
        """Read, and change nothing."""
        try:
            return self._view(await self._reloader.plan())
        except Unusable as problem:
            raise _unusable(problem) from problem

    async def reload(self, by: str, *, expected: str | None) -> ReloadView:
        """Read, and let it hold."""
        try:
            plan = await self._reloader.reload(
                by, expected=lambda running: expected is None or expected == config_hash(running)
            )
        except Unusable as problem:
            raise _unusable(problem) from problem
        except Outdated as problem:
            raise Problem(
                412,
                Code.OUTDATED,
                "another configuration runs than the one that If-Match names",
                why="somebody has reloaded it in the meantime",
                remedy="look at /config again, and repeat the request with its ETag",
            ) from problem
        return self._view(plan)

    def _view(self, plan: Plan) -> ReloadView:
        return ReloadView(
            applied=tuple(change_view(one) for one in plan.applied),
            needs_restart=tuple(change_view(one) for one in plan.needs_restart),
            warnings=tuple(as_text([one]) for one in plan.loaded.warnings),
            hash=config_hash(self._reloader.running),
        )


@frozen
class CurrentInjection:
    """Takes messages in under the configuration of the moment."""

    _assembly: Assembly

    def new_mid(self) -> MessageId:
        """A name for a message that begins now."""
        return self._assembly.injection().new_mid()

    async def take(self, mid: MessageId, handed: HandedIn, content: AsyncIterator[bytes]) -> int:
        """See `empath.ingress.injection.Injection`."""
        if self._assembly.shutdown.takes_nothing:
            why, remedy = "it was drained, or is about to end", "hand it in later; `empathctl undrain` ends a drain"
            raise NotTaken("this daemon takes nothing now", why=why, remedy=remedy, is_passing=True)
        return await self._assembly.injection().take(mid, handed, content)


def _unusable(problem: Unusable) -> Problem:
    return Problem(
        422,
        Code.CONFIG,
        str(problem),
        why="a configuration holds as a whole or not at all; the one that runs goes on",
        remedy="mend it, and try again; `empath config check` says the same",
    )
