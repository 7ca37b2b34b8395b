"""The commands: ``empath`` works without a daemon, ``empathctl`` is for talking to one.

Data goes to stdout, talk goes to stderr. The text of a command is for people and may change; ``--json`` is for
programs: one object whose ``schema`` member names its form and the version of that form, and which only ever gains
members.

Exit statuses are those of BSD's ``sysexits.h``, so that a program which calls these commands understands them as it
understands sendmail: 0 for success, 64 for a wrong command line.
"""
