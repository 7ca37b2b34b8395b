"""The command ``empathctl``: everything that the API of a running daemon offers, from a terminal or a script.

It finds the daemon by its control socket, ``api.control_socket`` of the configuration, or one that ``--socket`` names;
``--url`` with ``--token-file`` leads to another machine. Everything it does is a request to the API, so whatever it can
do a program can do as well, and may do no more than the API lets it.

Output: a table with a heading on a terminal, and its cells with tabs between them in a pipe; ``--json`` is the answer
of the API as it is, whose ``schema`` names its form; ``--jsonl`` writes a list with one object on each line. Data goes
to stdout, all else to stderr.

Commands that change mail choose it by names or by a selector, never everything unless ``--all`` is typed out. They say
how much it is, and on a terminal the number has to be typed before anything is done; elsewhere ``--yes`` is needed.
``--dry-run`` stops after the count. ``--reason`` goes to the audit log.

What changes something has the options of `asking`; `completing` has the names that a shell completes, `dialogues` shows
what is said in SMTP.

`client` speaks HTTP, `connection` finds the daemon, `answers` prints, `units` writes ages and sizes; every other module
is one command or one group of them, imported when it is called.
"""

from empath.cli.ctl.main import main

__all__ = ["main"]
