"""Keys that do not exist: those that are planned, and those that somebody misspelled.

Neither is ever passed over in silence, since a key that is ignored leaves the operator with a setting in the file and
none in the daemon. The two get different answers: a planned key is refused with what it waits for.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import Final

from empath.config.faults import Code
from empath.config.places import KeyPath, dotted
from empath.config.refusal import Refusal
from empath.config.schema import ALIASES, Config, walk
from empath.config.schema.keys import Shape, Table, find, keys_of

_RECEPTION: Final = "this version has the plain part of reception"
_USERS: Final = "this version has no users"
_CERTIFICATES: Final = "this version does not check certificates of next hops"
_LANES: Final = "this version has the plain form of lanes"
_REPORTS: Final = "this version reports failures only"
_SPOOL: Final = "this version removes what is done with at once"

NOT_BUILT: Final[Mapping[str, str]] = {
    "user": "this version keeps the user it was started as",
    "spool.min_free": "this version does not watch the free space",
    "relay.allow_senders": _RECEPTION,
    "relay.allow_recipients": _RECEPTION,
    "relay.deny_senders": _RECEPTION,
    "relay.deny_recipients": _RECEPTION,
    "relay.aliases": _RECEPTION,
    "relay.sender_logins": _USERS,
    "smtp.listeners[].certificates": "this version has one certificate for each listener",
    "smtp.listeners[].auth": _USERS,
    "smtp.listeners[].users_file": _USERS,
    "smtp.listeners[].proxy_protocol_from": _RECEPTION,
    "smtp.limits.min_data_rate": _RECEPTION,
    "smtp.limits.messages_per_client": _RECEPTION,
    "smtp.limits.recipients_per_client": _RECEPTION,
    "smtp.hooks": _RECEPTION,
    "delivery.queue_url_file": "this version keeps its queue in SQLite",
    "delivery.smart_host_auth": "this version cannot log in to a smart host",
    "delivery.retry": "this version has one schedule for all failures",
    "delivery.dns.dnssec": "this version does not look at DNSSEC",
    "delivery.dns.trust_ad": "this version does not look at DNSSEC",
    "delivery.tls.domain_overrides": "this version has delivery.domains.*.require_tls for that",
    "delivery.tls.dane": _CERTIFICATES,
    "delivery.tls.mta_sts": _CERTIFICATES,
    "delivery.accept_invalid_certs": _CERTIFICATES,
    "delivery.domains.*.accept_invalid_certs": _CERTIFICATES,
    "delivery.domains.*.tls_policy": "this version has require_tls for that",
    "delivery.domains.*.ip": "this version uses IPv4 and IPv6 as DNS offers them",
    "delivery.domains.*.source": "this version lets the system choose the source address",
    "delivery.sites": _LANES,
    "delivery.reply_rules": _LANES,
    "delivery.rules_file": _LANES,
    "delivery.dsn.delay_warning_after": _REPORTS,
    "delivery.dsn.success": _REPORTS,
    "delivery.failed_retention": _SPOOL,
    "delivery.trash_retention": _SPOOL,
}
"""Planned keys and tables, by pattern, each with the reason why it cannot be used."""


def refuse_key(path: KeyPath) -> Refusal:
    """Return why a key that the schema does not have is refused."""
    pattern, _ = find(Config, path)
    if reason := NOT_BUILT.get(pattern):
        return Refusal(Code.KEY_NOT_BUILT, "not built yet", why=reason, remedy="leave it out until a release brings it")
    return Refusal(Code.UNKNOWN_KEY, "unknown key", why=_loss(path), remedy=_suggestion(path))


def _loss(path: KeyPath) -> str:
    if path[:2] == ("delivery", "domains") and len(path) > 3:
        return f"a misspelled key would leave {path[2]} without the limit you meant"
    return "a misspelled key would leave the default in force, without a word"


def _suggestion(path: KeyPath) -> str:
    depth = next(depth for depth in range(1, len(path) + 1) if find(Config, path[:depth])[1] is None)
    above, name = path[: depth - 1], str(path[depth - 1])
    declared = find(Config, above)[1]
    if isinstance(declared, Table) and declared.shape is Shape.ARRAY:
        return "name an element of the array by its number, from 0"
    beside = list(_names_in(above))
    if close := difflib.get_close_matches(name, beside, n=1):
        return f"rename to `{close[0]}`"
    elsewhere = [pattern for pattern, _ in walk(Config) if pattern.rpartition(".")[2] == str(path[-1])]
    if len(elsewhere) == 1:
        return f"there is `{elsewhere[0]}`"
    return f"{dotted(above) or 'the top level'} has {', '.join(beside)}"


def _names_in(table: KeyPath) -> Iterator[str]:
    declared = find(Config, table)[1]
    yield from keys_of(declared.of) if isinstance(declared, Table) else ()
    yield from (str(alias[-1]) for alias in ALIASES if alias[:-1] == table)
