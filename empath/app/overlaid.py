"""The configuration with what operators have laid over it for a time."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from empath.config.schema import Config, DomainSettings
from empath.config.units import parse_host
from empath.policy.steering import OperatorRule
from empath.smtp import Domain


def overlaid(config: Config, rules: Iterable[OperatorRule]) -> Config:
    """The same, in which each domain that a rule names a next hop for has it. Of two rules the later one counts."""
    domains = dict(config.delivery.domains)
    for rule in rules:
        if rule.next_hop is not None and rule.scope.domain is not None:
            name = Domain.parse(rule.scope.domain)
            own = domains.get(name, DomainSettings())
            domains[name] = evolve(own, mx_override=parse_host(rule.next_hop))
    return evolve(config, delivery=evolve(config.delivery, domains=domains))
