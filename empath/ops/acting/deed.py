"""What somebody has done that is neither a job nor a rule: it is told once, and there is nothing to undo."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen


@frozen(kw_only=True)
class Deed:
    """Who has done what to what, and why."""

    verb: str
    selector: str
    by: str
    why: str = ""
    count: int = 1
    """To how many."""


Told = Callable[[Deed], None]
