"""``empath audit``: what the files of the audit log say, without a daemon.

``group`` has the commands: ``grep`` finds records, ``report`` tells what a day was like, ``verify`` proves that a log
is whole. ``files`` opens what they read: the log of the configuration, or files and directories that are named, plain
or compressed. ``past`` tells stories of deliveries in lines, for these commands and for ``empathctl history``.

``writing`` is for commands that do, without a daemon, what the log is to tell.

All of it reads through `empath.ops.audit`, as the daemon does, so both find the same.
"""
