"""Where decisions of operators outlive the process, as far as lanes are concerned."""

from __future__ import annotations

from typing import Protocol

from empath.mail.delivery import Status
from empath.policy.steering import Scope
from empath.spool.contract import Action, Changed, Selector, StoredRule


class RuleStore(Protocol):
    """What of the spool this needs; see ``empath.spool.contract.Spool``."""

    async def rules(self) -> list[StoredRule]:
        """All that were put here."""

    async def put_rule(self, rule: StoredRule) -> None:
        """Keep one."""

    async def remove_rule(self, rule_id: str) -> bool:
        """Forget one."""

    async def apply(self, action: Action, selector: Selector, *, now: float) -> Changed:
        """Do something to chosen deliveries."""


def kept_back_by(scope: Scope) -> Selector:
    """What was put back while a rule of this scope held. What waits for its next attempt is no business of the rule."""
    return Selector(
        statuses=frozenset({Status.PENDING}),
        domains=frozenset() if scope.domain is None else frozenset({scope.domain}),
        sender=scope.sender,
    )
