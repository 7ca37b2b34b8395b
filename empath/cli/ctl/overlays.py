"""What operators have laid over the configuration for a time, as the keys that it is in place of."""

from collections.abc import Iterator, Mapping

from empath.cli.ctl.client import Record
from empath.cli.ctl.units import moment

_MINUTE_S = 60


def laid_over(rule: Record, values: Mapping[str, str]) -> Iterator[Record]:
    """Yield each key that a decision stands in for, with what runs and what the files say. ``values``: of all keys."""
    table = f'delivery.domains."{rule["domain"]}"' if rule["domain"] is not None else f'delivery.sites."{rule["lane"]}"'
    until = f" until {moment(rule['expires'])}" if rule["expires"] is not None else ""
    for name, value in _set_by(rule):
        key = f"{table}.{name}"
        usual = values.get(key) or values.get(f"delivery.{name}")
        yield {"key": key, "runs": value, "files": usual, "by": f"{rule['id']} by {rule['by']}{until}"}


def _set_by(rule: Record) -> Iterator[tuple[str, str]]:
    if rule["rate_per_s"] is not None:
        yield "rate_limit", f'"{rule["rate_per_s"] * _MINUTE_S:g}/min"'
    if rule["connections"] is not None:
        yield "max_connections", str(rule["connections"])
    if rule.get("next_hop") is not None:
        yield "mx_override", f'"{rule["next_hop"]}"'
