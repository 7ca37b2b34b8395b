"""What is told to other domains about TLS with their hosts (RFC 8460).

`results` are the words: which policy a domain has, and what came of one connection under it. `tally` counts them, for
a day and within bounds. `record` reads where a domain wants to hear of them, and `report` puts a day's count into the
form that RFC 8460 4.4 asks for. Nothing here asks or sends anything.
"""
