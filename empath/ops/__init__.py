"""Observers: those who watch, tell operators, and never hold up the work.

A *fact* (`empath.mail.facts`) is said after the thing is true, by whoever did it. An *observer* is a function that
takes a fact. It must be quick, since it runs in the middle of the work; it must not wait, and must not fail. Nobody who
does the work depends on who listens, so an observer can be added or left out without any other change.

The observers:

- `empath.ops.logbook`, the log: one line for each fact that an operator may ask about. A line has the name of the
  message or session that it is about, as replies, Received fields and reports have it, so that one name finds the whole
  story.
- `empath.ops.metrics` counts, and `empath.ops.exposition` writes the figures out for Prometheus. `empath.ops.busiest`
  keeps the series few when the domains are many.
- `empath.ops.audit` writes the audit log, files of JSON lines that are kept for months, and finds in them what became
  of somebody's mail.
- `empath.ops.recent` remembers how the last quarter of an hour went, for `empath.ops.health`.

`empath.ops.health` answers whether the daemon lives and whether it is *ready*, that is, can keep new mail. Only what
this machine can mend makes it unready; the trouble of others makes it *degraded*. `empath.ops.http` is the server for
all of it. Sections of the configuration with equal addresses share one; `empath.app.watch` puts them together, and sees
to it that nothing here can hurt mail.

`empath.ops.api` lets operators see and steer, `empath.ops.views` is what they see, `empath.ops.acting` what they do to
mail. `empath.ops.traffic` and `empath.ops.outcomes` are observers for it: how much mail comes and goes, and what
becomes of the few messages that somebody waits for. `empath.ops.dashboard` is the page that shows all of it in a
browser; `empath.ops.lately` is the observer behind its pictures of the latest attempts.

Every buffer has a bound: audit records that wait (``audit.max_pending``, further ones are dropped and counted), series
(``metrics.max_domains``), connections (``http.max_connections``), requests (``http.max_request``,
``http.max_content``), jobs (``api.max_jobs``).

Why facts and not logging calls in the work: what happened is a value, which a log, a metric, an audit and the checks of
a simulation each read in their own way, and none of them can drift from the others. Why not a web framework: see
`empath.ops.api`.

RFC 9110 and 9112 (HTTP), RFC 9457 (problem details), RFC 8259 (JSON).
"""
