"""Names that the shell completes: those of lanes, messages, decisions and jobs that the daemon knows right now.

Who presses Tab must not wait: a daemon that does not answer at once completes nothing, and no error is shown.
"""

from collections.abc import Callable, Iterable
from typing import Final

import click

from empath.cli.complaint import Complaint
from empath.cli.ctl.client import Query, Record
from empath.cli.ctl.connection import Where
from empath.cli.settings import Misconfigured

_PATIENCE_S: Final = 0.2
_MOST: Final = 200
Completion = Callable[[click.Context, click.Parameter, str], list[str]]


def _completed(path: str, query: Query, names: Callable[[Record], Iterable[str]]) -> Completion:
    def complete(context: click.Context, _: click.Parameter, begun: str) -> list[str]:
        said = context.find_root().params
        where = Where(
            socket=said.get("socket"),
            url=said.get("url"),
            token_file=said.get("token_file"),
            config_file=said.get("config_file"),
        )
        try:
            answer = where.client().ask("GET", path, query, timeout_s=_PATIENCE_S)
        except (Complaint, click.UsageError, Misconfigured):
            return []
        return [name for name in dict.fromkeys(names(answer)) if name.startswith(begun)]

    return complete


lanes: Final = _completed("/lanes", {"limit": _MOST}, lambda answer: [one["lane"] for one in answer["lanes"]])
messages: Final = _completed("/messages", {"limit": _MOST}, lambda answer: [one["mid"] for one in answer["deliveries"]])
rules: Final = _completed("/rules", {}, lambda answer: [one["id"] for one in answer["rules"]])
jobs: Final = _completed("/jobs", {}, lambda answer: [str(one["id"]) for one in answer["jobs"]])
