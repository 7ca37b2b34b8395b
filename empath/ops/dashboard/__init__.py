"""The dashboard: what a browser gets at ``/``, so that people see what the daemon does and can step in.

It is a handful of static files, and knows nothing that the API does not tell: what it shows are the views of
`empath.ops.views`, by the websocket where there is one and by asking again where there is none, and each button is a
request to the API that ``empathctl`` could make as well. So there is nothing here to secure but the files themselves.

``files/``
    One page, one style sheet, and modules of JavaScript as a browser reads them. No build step; nothing is loaded from
    anywhere else. ``uplot/`` is uPlot by Leon Sorokin, under the MIT licence that lies beside it.

They are read once, when the daemon starts, and answered from memory with a strict Content-Security-Policy (CSP level
3): no script and no style but these files, no frame but captured mail, and nobody may frame us. All text of peers is
put into the page as text. An ETag (RFC 9110 8.8.3) spares the second visit; what a new version brings is seen at once.

Why no framework: an operator must be able to read what has power over his mail, and the whole of it is a few hundred
lines. Why no templates on the server: then the page could be told apart from the API, and would show other figures.
"""

from empath.ops.dashboard.pages import POLICY, pages

__all__ = ["POLICY", "pages"]
