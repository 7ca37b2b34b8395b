"""How Sphinx builds these pages: ``just docs``."""

from empath import __version__

project = "Empath"
author = "The Empath authors"
version = release = __version__
html_theme = "furo"
exclude_patterns = ["_build"]
nitpicky = True
