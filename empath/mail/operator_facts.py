"""What operators did. These too are `empath.mail.facts`."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class RuleSet:
    """An operator has decided something that holds from now on."""

    at: float
    rule: str
    """Its name."""
    kind: str
    """``suspension``, ``overlay``, ``breaker`` or ``freeze``."""
    scope: str
    """What it is for."""
    by: str
    why: str
    until: float | None
    """None: until somebody ends it."""
    terms: str = ""
    """What of an overlay holds, in the words of the commands."""


@frozen(kw_only=True)
class RuleEnded:
    """It does not hold any more."""

    at: float
    rule: str
    kind: str
    scope: str
    by: str | None
    """Who ended it; None: its time was over."""
    why: str = ""


@frozen(kw_only=True)
class OperatorActed:
    """An operator has done something to mail that was here, or to a lane."""

    at: float
    by: str
    verb: str
    """``retry``, ``hold``, ``release``, ``bounce``, ``fail``, ``delete``, ``undelete``; ``undo`` and one of these; of a
    lane ``close breaker`` and ``reset lane``.
    """
    selector: str
    """What it was done to, in the words of the commands."""
    why: str
    count: int
    """Deliveries it was done to."""
    skipped: int
    job: int | None
    """The job that it was part of; None: it was done at once."""
    deliveries: tuple[str, ...] = ()
    """The names of a portion of these deliveries; none: it tells of all of it, and names nobody."""


@frozen(kw_only=True)
class OperatorLogin:
    """Somebody has logged in with a browser, or was not let."""

    at: float
    by: str
    """The name of the token or code; empty: nobody knows it."""
    peer: str
    """Where from."""
    accepted: bool
