"""Clients that log in: AUTH in a session (RFC 4954), and whom a listener knows.

`login` leads the exchange, with `scram` for the mechanism that never shows a password to the server (RFC 5802). `users`
reads the file of a listener, again when it changes, and judges a password in a thread; what is kept of a password, and
how that is written down, says `credentials`.
"""
