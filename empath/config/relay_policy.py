"""From the keys of ``[relay]`` to the policy that is made of them."""

from empath.config.schema import Config
from empath.policy.reception.access import AccessList
from empath.policy.reception.aliases import Aliases
from empath.policy.reception.relay import RelayPolicy
from empath.policy.reception.rewriting import SenderRewriting


def relay_policy(config: Config) -> RelayPolicy:
    """The relay policy of a configuration that was checked. A ValueError: it was not, and would be an open relay."""
    relay = config.relay
    return RelayPolicy(
        networks=relay.from_networks,
        domains=tuple(domain.ascii for domain in relay.domains),
        hostname=config.hostname,
        senders=AccessList(relay.allow_senders, relay.deny_senders),
        recipients=AccessList(relay.allow_recipients, relay.deny_recipients),
        aliases=aliases(config),
        postmaster=relay.postmaster,
        rewriting=SenderRewriting(relay.rewrite_sender_domains),
    )


def aliases(config: Config) -> Aliases:
    """The aliases of a configuration, whether they can be used or not."""
    ours = (config.hostname, *config.relay.domains)
    return Aliases(
        entries=config.relay.aliases,
        domains=frozenset(domain.ascii for domain in ours),
        max_recipients=config.relay.max_alias_recipients,
    )
