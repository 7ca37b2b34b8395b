"""One thing that health looks at, and those that concern the daemon and its surroundings rather than its spool.

None of them asks anybody: each reads what is known already, so a probe that comes every second costs next to nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from attrs import frozen

import empath
from empath.config.schema import HealthSettings
from empath.ops.pulse import Pulse
from empath.world.certificates import Certificate
from empath.world.ports import Clock

_DAY_S = 86_400.0


@frozen(kw_only=True)
class Check:
    """A field that does not apply is None."""

    name: str
    ok: bool
    essential: bool = False
    """Whether mail cannot be taken if it is not ok."""
    value: float | str | None = None
    limit: float | str | None = None
    since: float | None = None
    """Wall clock."""
    hint: str | None = None
    """What to do if it is not ok."""


@frozen(kw_only=True)
class Surroundings:
    """What the daemon depends on beside its spool. Every callable is cheap."""

    settings: HealthSettings
    clock: Clock
    pulse: Pulse
    open_breakers: Callable[[], int] = int
    """How many sites are left alone because they fail."""
    certificates: Callable[[], Iterable[Certificate]] = tuple
    """Those that clients are shown."""
    warning_s: float = 14 * _DAY_S
    """How long before its end a certificate is not well any more."""
    installed_version: Callable[[], str | None] = lambda: None
    """The version that a restart would run; None: nobody knows."""

    def checks(self) -> list[Check]:
        """All of them that apply."""
        found = (self._breakers(), self._certificates(), self._loop(), self._clock(), self._version())
        return [check for check in found if check is not None]

    def _breakers(self) -> Check:
        count, limit = self.open_breakers(), self.settings.max_open_breakers
        hint = "see what these sites (`empathctl breakers list`) have in common: resolver, network, our address"
        return Check(name="breakers", ok=count <= limit, value=count, limit=limit, hint=hint)

    def _certificates(self) -> Check | None:
        """The one that ends first."""
        ends = [one.not_after for one in self.certificates()]
        if not ends:
            return None
        left_s = min(ends) - self.clock.now()
        hint = "have it renewed, and put the new one into the same files, which are read again by themselves"
        return Check(
            name="certificates",
            ok=left_s >= self.warning_s,
            value=round(left_s / _DAY_S, 2),
            limit=round(self.warning_s / _DAY_S, 2),
            hint=hint,
        )

    def _loop(self) -> Check:
        worst_s, limit_s = self.pulse.worst_s, self.settings.max_loop_lag_s
        hint = "the processor is busy, or something stands still: see whether it is this program, and what else runs"
        return Check(name="loop", ok=worst_s <= limit_s, value=round(worst_s, 3), limit=limit_s, hint=hint)

    def _clock(self) -> Check:
        moved_s, limit_s = self.pulse.clock_moved_s, self.settings.max_clock_step_s
        hint = "the wall clock was set, or the machine slept; see whether NTP works, since retries go by this clock"
        return Check(name="clock", ok=abs(moved_s) <= limit_s, value=round(moved_s, 3), limit=limit_s, hint=hint)

    def _version(self) -> Check | None:
        installed = self.installed_version()
        if installed is None:
            return None
        hint = f"version {installed} is installed and {empath.__version__} runs: restart the daemon"
        same = installed == empath.__version__
        return Check(name="version", ok=same, value=empath.__version__, limit=installed, hint=hint)
