"""The subcommand ``version``, the same in both programs: what runs here, for bug reports and for scripts."""

import json
import platform
from importlib import metadata

import apsw
import click

from empath import __version__

SCHEMA = "empath.version/1"


def versions() -> dict[str, str]:
    """Return the version of Empath and of what its behaviour depends on most, by name.

    ``sqlite`` is the library that apsw carries inside, which is not the one of Python's own ``sqlite3``.
    """
    return {
        "empath": __version__,
        "python": platform.python_version(),
        "trio": metadata.version("trio"),
        "apsw": apsw.apsw_version(),
        "sqlite": apsw.sqlite_lib_version(),
    }


@click.command()
@click.option("--json", "as_json", is_flag=True, help=f"Print one JSON object ({SCHEMA}).")
def version(as_json: bool) -> None:
    """Print the versions of Empath and of what it stands on."""
    if as_json:
        click.echo(json.dumps({"schema": SCHEMA, **versions()}))
        return
    for name, number in versions().items():
        click.echo(f"{name} {number}")
