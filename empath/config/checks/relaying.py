"""Checks of who may send what through us: that it is no open relay, and that aliases lead somewhere."""

from collections.abc import Iterator

from empath.config.checks.finding import Finding, Subject
from empath.config.faults import Code
from empath.config.kinds import everybody
from empath.config.places import KeyPath
from empath.config.relay_policy import aliases as aliases_of
from empath.policy.reception.openness import too_open


def open_relay(subject: Subject) -> Iterator[Finding]:
    """Networks that are most of the Internet, put together; one that is everybody has been refused before."""
    if problem := too_open(subject.config.relay.from_networks):
        refusal = everybody(f"these networks are too many: {problem}")
        yield Finding(
            code=refusal.code,
            about=(("relay", "from_networks"),),
            what=refusal.what,
            why=refusal.why,
            remedy=refusal.remedy,
        )


def trusted_proxies(subject: Subject) -> Iterator[Finding]:
    """Proxies that are among the clients that may send to anybody.

    Behind a proxy everybody comes from its address. That the header tells them apart is one key of the proxy and one
    here; were either lost, the proxy's own right to relay would be everybody's.
    """
    trusted = subject.config.relay.from_networks
    for index, listener in enumerate(subject.config.smtp.listeners):
        for proxies in listener.proxy_protocol_from:
            within = next((one for one in trusted if one.version == proxies.version and one.overlaps(proxies)), None)
            if within is not None:
                yield Finding(
                    code=Code.UNSAFE,
                    about=(("relay", "from_networks"), ("smtp", "listeners", index, "proxy_protocol_from")),
                    what=f"{within} may send to anybody, and holds a proxy of {proxies}",
                    why="everybody comes from there: without the header of the proxy this would be an open relay",
                    remedy="list the networks of your own hosts, and leave the addresses of proxies out",
                )


def aliases(subject: Subject) -> Iterator[Finding]:
    """Aliases that lead in a circle, grow too large, or stand for addresses that are not ours."""
    table = aliases_of(subject.config)
    for fault in table.faults():
        key: KeyPath = ("relay", "aliases", fault.name.text)
        yield Finding(
            code=Code.CONTRADICTION,
            about=(key, ("relay", "max_alias_recipients")),
            what=fault.problem,
            why="mail to it could not be delivered to anybody",
            remedy="let it end in addresses that are no aliases; relay.max_alias_recipients says how many it may have",
        )
    for name in table.entries:
        if name.domain is not None and name.domain not in table.domains:
            yield Finding(
                code=Code.CONTRADICTION,
                about=(("relay", "aliases", name.text), ("relay", "domains")),
                what=f"{name.domain} is none of relay.domains",
                why="an alias stands for an address of ours, and mail to others' addresses is theirs",
                remedy=f'add "{name.domain}" to relay.domains if its mail is for this host',
            )
