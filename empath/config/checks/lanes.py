"""Checks of lanes: domains that are in two sites, sites of nothing, and rules for no field."""

from collections.abc import Iterator

from empath.config.checks.finding import Finding, Subject
from empath.config.faults import Code
from empath.config.places import KeyPath
from empath.config.rollup import members
from empath.smtp.address import Domain


def sites(subject: Subject) -> Iterator[Finding]:
    """Domains that are in two sites; sites that nothing can belong to."""
    first: dict[Domain, Domain] = {}
    for name, site in subject.config.delivery.sites.items():
        key: KeyPath = ("delivery", "sites", name.text, "domains")
        for domain in members(name, site):
            other = first.setdefault(domain, name)
            if other != name:
                yield Finding(
                    code=Code.CONTRADICTION,
                    about=(key, ("delivery", "sites", other.text, "domains")),
                    what=f"{domain.text} is in the site {other.text} as well",
                    why="a domain has one lane, and the limits of one site",
                    remedy="name it once; a domain that is called like a site is in that site",
                )
        if not site.domains and "." not in name.ascii:
            yield Finding(
                code=Code.NO_EFFECT,
                about=(key,),
                what="names no domain",
                why="no mail goes to this site",
                remedy='name them: domains = ["example.org"]',
                is_error=False,
            )


def connections(subject: Subject) -> Iterator[Finding]:
    """More connections reserved than there are in all."""
    delivery = subject.config.delivery
    whole: KeyPath = ("delivery", "max_parallel_deliveries")
    if delivery.priorities.reserved_connections >= delivery.max_parallel_deliveries:
        yield Finding(
            code=Code.CONTRADICTION,
            about=(("delivery", "priorities", "reserved_connections"), whole),
            what=f"is not less than max_parallel_deliveries, which is {delivery.max_parallel_deliveries}",
            why="mail of the other classes would never leave",
            remedy="lower this one, or raise delivery.max_parallel_deliveries",
        )


def header_rules(subject: Subject) -> Iterator[Finding]:
    """Rules that name no header field."""
    for place, rule in enumerate(subject.config.delivery.priorities.headers):
        if rule.name is None:
            yield Finding(
                code=Code.MISSING,
                about=(("delivery", "priorities", "headers", place, "name"),),
                what="not set",
                why="a rule without a field would match nothing",
                remedy='name the field: name = "Precedence"',
            )
