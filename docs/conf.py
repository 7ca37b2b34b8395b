"""How Sphinx builds these pages: ``just docs``."""

from pathlib import Path

from empath import __version__
from empath.cli.man import reference

project = "Empath"
author = "The Empath authors"
version = release = __version__
html_theme = "furo"
exclude_patterns = ["_build"]
nitpicky = True

# The page of all commands is made from the commands, each time.
Path(__file__).with_name("commands.rst").write_text(reference())
