"""From configuration to the schedules of retries."""

from empath.config.schema import DeliverySettings, RetryRuleSettings
from empath.policy.retry import Retries, RetryPolicy, RetryRule


def retries(delivery: DeliverySettings) -> Retries:
    """All schedules. What a rule leaves out is as in ``[delivery]``."""
    usual = RetryPolicy(
        base_delay_s=delivery.retry_base_delay_s,
        multiplier=delivery.retry_multiplier,
        max_delay_s=delivery.retry_max_delay_s,
        jitter_factor=delivery.retry_jitter_factor,
        max_attempts=delivery.max_attempts,
        max_age_s=delivery.max_age_s,
    )
    return Retries(
        usual=usual,
        rules=tuple(_rule(rule, usual) for rule in delivery.retry.rules),
        uncertain_pause_s=delivery.uncertain.pause_s,
    )


def _rule(rule: RetryRuleSettings, usual: RetryPolicy) -> RetryRule:
    policy = RetryPolicy(
        base_delay_s=_either(rule.base_delay_s, usual.base_delay_s),
        multiplier=_either(rule.multiplier, usual.multiplier),
        max_delay_s=_either(rule.max_delay_s, usual.max_delay_s),
        jitter_factor=_either(rule.jitter_factor, usual.jitter_factor),
        max_attempts=usual.max_attempts if rule.max_attempts is None else rule.max_attempts,
        max_age_s=_either(rule.max_age_s, usual.max_age_s),
    )
    domains = frozenset(domain.ascii for domain in rule.domains)
    return RetryRule(policy=policy, classes=frozenset(rule.classes), domains=domains)


def _either(own: float | None, usual: float) -> float:
    return usual if own is None else own
