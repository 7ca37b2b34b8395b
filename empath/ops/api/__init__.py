"""The API: how programs, commands and the dashboard see and steer the daemon, at ``/api/v1``.

One table of routes says everything (`route`): method, path, the scope it needs, the types of query, content and answer,
and what to do. The OpenAPI 3.1 document is made from it (`openapi`), and nothing is answered that is not in it.
``routes`` has the rooms, `empath.ops.views` what they show.

A request meets, in this order: the table (404, 405), Host and Origin (421, 403), who asks (`tokens`, `access`: 401),
how often (429), what he may do (403), the query and the content (415, 413, 422), and only then its handler. Content is
not read before that. Every error is a problem of RFC 9457 with a code, why, and what to try (`problems`).

Words: a *principal* is who asks; a *scope* is what he may do: ``read``, ``content`` (of messages), ``inject``,
``operate`` (on mail and lanes), ``admin``. A *room* is a class with some of the routes.

Over the control socket, a Unix socket, a client is the user that its process runs as, and has all scopes. Over TCP a
client has the scopes of the token that it shows, wherever it comes from: to come from this machine proves nothing.

Why types by signature and not a schema file: a file beside the code drifts. Why no framework: the checks above are the
substance of an API on a mail server, and each of them stands in one place here.

RFC 9110 (HTTP), RFC 6750 (bearer tokens), RFC 6454 (origins), RFC 9457 (problems), RFC 6585 (429), OpenAPI 3.1.
"""

from empath.ops.api.access import Access
from empath.ops.api.passes import Principal
from empath.ops.api.problems import Code, Problem
from empath.ops.api.reading import Nothing
from empath.ops.api.route import Answer, Call, Route, get, route
from empath.ops.api.service import PREFIX, Api
from empath.ops.api.tokens import Scope, TokenFile

__all__ = [
    "PREFIX",
    "Access",
    "Answer",
    "Api",
    "Call",
    "Code",
    "Nothing",
    "Principal",
    "Problem",
    "Route",
    "Scope",
    "TokenFile",
    "get",
    "route",
]
