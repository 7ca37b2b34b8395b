"""``empath service``: Empath as a service of the machine, or of one user.

``print`` writes units for systemd. They are the files beside this module, which ``conf/systemd`` has as well, with the
place of this very installation put in; and if no service could start from there, it says so before anything is set up.

Rooms: `units` (the text), `reach` (whether a user of the machine can run a program).

Why not a command that installs: whoever runs a mail server wants to read a unit before it runs as one, and the
programs that set machines up want text.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from empath.cli.complaint import Code, Complaint
from empath.cli.service.reach import obstacle
from empath.cli.service.units import for_system, for_user, systemd_version


@click.group()
def service() -> None:
    """Run Empath as a service."""


@service.command("print")
@click.argument("manager", type=click.Choice(["systemd"]))
@click.option("--user", "is_for_user", is_flag=True, help="For one user, without root.")
@click.option("--program", type=click.Path(path_type=Path), help="Which program is started; else this one.")
@click.option("--systemd-version", "version", type=int, help="For which systemd; else the one that is here.")
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write the files to their places below this directory, / for instance, rather than print them.",
)
def show(manager: str, is_for_user: bool, program: Path | None, version: int | None, into: Path | None) -> None:
    """Print what makes a service of this installation: units for systemd.

    Refuses if the user of the service could not run the program from where it lies.
    """
    del manager  # there is one so far
    program = program or Path(sys.argv[0])
    if program.name != "empath":
        program = Path(sys.prefix) / "bin" / "empath"
    program = program.absolute()
    version = version or systemd_version()
    if is_for_user:
        found = for_user(program, version=version)
    else:
        if (problem := obstacle(program)) is not None:
            raise Complaint(
                Code.OUT_OF_REACH,
                f"the user of a service cannot run {program}: {problem}",
                why="systemd would say 203/EXEC and nothing else, and no line of a log would tell more",
                remedy="install it for all users, `pipx install --global empath-mta`; or make a service of your own "
                "user, with --user",
                status=os.EX_UNAVAILABLE,
            )
        found = for_system(program, version=version)
    for place, text in found.items():
        if into is None:
            click.echo(f"# {place}\n{text}")
        else:
            path = into / place.relative_to("/") if place.is_absolute() else into / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            click.echo(str(path))
