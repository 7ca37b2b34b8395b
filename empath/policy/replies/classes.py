"""What a failure is about: the class, by rules over what hosts answer.

Where no host answered there is nothing to read, and the kind of the trouble decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from attrs import field, frozen

from empath.mail.diagnosis import Diagnosis, Kind, Phase
from empath.mail.failure_class import FailureClass
from empath.policy.replies.rule import Decide, ReplyRule, first_of

_BY_KIND: Final = {
    Kind.DNS: FailureClass.DNS,
    Kind.DNS_INSECURE: FailureClass.DNS,
    Kind.CONNECT: FailureClass.CONNECTION,
    Kind.TIMEOUT: FailureClass.CONNECTION,
    Kind.CONNECTION_LOST: FailureClass.CONNECTION,
    Kind.PROTOCOL: FailureClass.PROTOCOL,
    Kind.BUSY: FailureClass.BUSY,
    Kind.HOST_REFUSED: FailureClass.POLICY,
    Kind.TLS_UNAVAILABLE: FailureClass.TLS,
    Kind.TLS_FAILED: FailureClass.TLS,
    Kind.TLS_UNTRUSTED: FailureClass.TLS,
    Kind.LOGIN_REFUSED: FailureClass.RELAYING,
    Kind.NEEDS_TLS: FailureClass.TLS,
    Kind.TOO_MANY_RECIPIENTS: FailureClass.RATE_LIMITED,
    Kind.TOO_LARGE: FailureClass.TOO_LARGE,
    Kind.NO_SUCH_DOMAIN: FailureClass.BAD_DOMAIN,
    Kind.NO_HOST: FailureClass.BAD_DOMAIN,
    Kind.NULL_MX: FailureClass.BAD_DOMAIN,
    Kind.LOOP: FailureClass.LOOP,
    Kind.NEEDS_8BITMIME: FailureClass.UNSUPPORTED,
    Kind.NEEDS_SMTPUTF8: FailureClass.UNSUPPORTED,
    Kind.NEEDS_REQUIRETLS: FailureClass.UNSUPPORTED,
    Kind.NEEDS_DELIVERBY: FailureClass.UNSUPPORTED,
}


@frozen
class ReplyClasses:
    """Rules that have a class, in the order in which they are asked."""

    rules: tuple[ReplyRule, ...]
    decisive: Decide = field(init=False, eq=False, repr=False)
    """The first rule that fits; None: none does."""

    @decisive.default
    def _remembering(self) -> Decide:
        return first_of(self.rules)

    def classify(self, diagnosis: Diagnosis) -> FailureClass:
        """What a failure is about."""
        if diagnosis.uncertain:
            return FailureClass.UNCERTAIN
        if diagnosis.reply is not None:
            rule = self.decisive(diagnosis.reply, diagnosis.phase, diagnosis.host)
            if rule is not None and rule.failure_class is not None:
                return rule.failure_class
            if diagnosis.phase is Phase.STARTTLS:
                return FailureClass.TLS
        return _BY_KIND.get(diagnosis.kind, FailureClass.OTHER)


def with_class(rules: Iterable[ReplyRule]) -> ReplyClasses:
    """Those of the rules that have one."""
    return ReplyClasses(tuple(rule for rule in rules if rule.failure_class is not None))
