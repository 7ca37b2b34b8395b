"""The commands: ``empath`` works without a daemon, ``empathctl`` is for talking to one.

Data goes to stdout, talk goes to stderr. The text of a command is for people and may change; ``--json`` is for
programs: one object whose ``schema`` member names its form and the version of that form, and which only ever gains
members. What does not work ends in a `Complaint`: what, why, what to try.

Exit statuses are those of BSD's ``sysexits.h``, so that a program which calls these commands understands them as it
understands sendmail: 0 for success, 64 for a wrong command line, 65 for bad data (an address, a message), 66 for a
message that is not there, 67 for a user that is not there, 69 for a server that refuses or is not there, 73 for a file
that cannot be written, 74 for a disk that fails, 75 for what may work later, 77 for a wrong password, 78 for a wrong
configuration.

Each subcommand is a module of its name, imported when it is called (`Program.add_later`). Those that send share
`addresses`, `message` and `reading` for what is sent, `server` for where it goes, `submit` and `dialogue` for the way.
``config check`` has `named_files` for what a configuration names beside itself. ``ctl`` is ``empathctl``.
`manual` makes the documentation of both from the commands themselves, `codes` tells what the codes of errors mean.
"""
