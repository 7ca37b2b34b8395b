"""The routes, in rooms: each module is one resource, with the types of what it takes and the handlers behind it.

A room is a class whose attributes are what its handlers need, and whose ``routes()`` is its part of the one table.
Handlers are thin: they read what was asked for, ask a view or an actor, and say what came of it. What is shown is made
in `empath.ops.views`; what is done is done by the spool and by delivery, never here.

To add a route, write an async method that takes a `Call` of a query type and a content type (``Nothing`` for none) and
returns the type of its answer, with a first line of docstring that says what it does; put it into ``routes()`` with its
scope. The table, the OpenAPI document, the checks of who may ask and the reading of the types follow from that.
"""
