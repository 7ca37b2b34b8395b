"""``empath man`` and ``empath completion``: pages and scripts for the shell, made from the commands themselves."""

import importlib
from typing import Final

import click
from click.shell_completion import get_completion_class

import empath
from empath.cli.manual import man as man_page
from empath.cli.manual import page

PROGRAMS: Final = ("empath", "empathctl")
_ABOUT: Final = {
    "empath": "Works without a daemon: it starts one, looks at files, and sends by SMTP.",
    "empathctl": "Sees and steers a running daemon. :doc:`empathctl` begins with how it finds one.",
}


def program(name: str) -> click.Command:
    """Return one of the two programs."""
    # Imported when asked for: `empath.cli.main` has this very module among its commands.
    module = importlib.import_module("empath.cli.main" if name == "empath" else "empath.cli.ctl.main")
    command: click.Command = module.main
    return command


def reference() -> str:
    """Return the page of the documentation that has all commands."""
    return page((program(name), name, _ABOUT[name]) for name in PROGRAMS)


@click.command()
@click.argument("name", type=click.Choice(PROGRAMS), default="empath", metavar="[empath|empathctl]")
def man(name: str) -> None:
    """Print the manual page of a program, for `man -l -` or a directory of man pages."""
    click.echo(man_page(program(name), name, version=empath.__version__), nl=False)


@click.command()
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.option("--for", "name", type=click.Choice(PROGRAMS), default="empathctl", show_default=True)
def completion(shell: str, name: str) -> None:
    """Print a script that completes commands, options, and the names of lanes and messages.

    For bash: `empath completion bash > ~/.local/share/bash-completion/completions/empathctl`.
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"nothing is known of {shell}")
    variable = f"_{name.upper()}_COMPLETE"
    click.echo(kind(program(name), {}, name, variable).source())
