"""Telling other domains how TLS with their hosts works (RFC 8460).

A `witness` hears what comes of each connection that is opened, and counts it in the `day_book`, which is on disk and
survives a restart. When a day is over, `daily` asks DNS which domains want to hear of it, and puts the report for each
into the `outbox`, a directory as well. From there a `courier` puts it into the spool, or brings it to a web server.

What is promised: no report is sent twice, and none is lost but by a crash in the moment between two writes to the disk,
of which there is one for each report. What was counted since the book was last saved is lost by a crash, too; not by a
stop in good order. Reports are about what can be known afterwards from the logs, so they are not worth an fsync for
each connection.

Connections that a report goes over are not counted (RFC 8460 3).
"""
