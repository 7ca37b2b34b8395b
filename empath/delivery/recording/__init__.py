"""After an attempt: what is finished, what waits, and who is told.

`closing` turns outcomes into fates for the spool, a `page` is what one job came to, and `reporting` makes the reports
to senders, which are accepted in the transaction that retires the deliveries they tell of (RFC 3461, 3464). So neither
a crash nor a loss of power can come between a failure and the news of it.
"""
