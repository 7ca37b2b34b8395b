"""The HTTP server for operators: metrics, health, and the API.

The protocol is h11's (RFC 9112). ``server`` listens, and finds who answers; ``exchange`` is one connection with its
requests, one after the other, and all limits on them; ``values`` are what is asked and what is answered; ``hosts`` says
by which names this machine is called.

A *page* is a path that answers GET and HEAD and takes no content. A *tree* is a prefix of paths whose one handler sees
every request below it, whatever its method. Content is not read before somebody asks for it: whoever may not send it
cannot make us hold it.

A request may ask to go on in another protocol: the answer then names who takes the connection over, and he is played
the request once more (``replayed``).

Bounds: connections (``http.max_connections``), header (``http.max_request``), content (``http.max_content``, unless the
handler gives another limit), the time for a header or an answer (``http.read_timeout``) and for content
(``http.content_timeout``). A request that is not HTTP, or larger, is answered and cut off; one that does not come in
time is cut off.

A page in a browser can have its own name point to a loopback address (DNS rebinding) and would then read from this
server as from its own site. So a server that listens on loopback answers to names of this machine only, in the Host
field (RFC 9110 7.2).
"""

from empath.ops.http.server import HttpServer
from empath.ops.http.values import Content, ContentTooLarge, Handler, Request, Response, problem

__all__ = ["Content", "ContentTooLarge", "Handler", "HttpServer", "Request", "Response", "problem"]
