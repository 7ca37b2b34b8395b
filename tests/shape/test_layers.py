"""Who may import whom, and who may open files. Ruff's TID251 in ``pyproject.toml`` watches the other doors."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter

import pytest

from tests.shape.tree import Module, modules, parse

# What a program is put together from.
PARTS = {"smtp", "mail", "policy", "world", "config", "spool", "hooks", "ingress", "delivery", "capture", "ops"}

# Package -> what of ours it may import, itself aside. A name grants that package or module with all below it;
# `sim.__init__` grants what the package itself offers and no module inside it.
LAYERS = {
    "smtp": set[str](),
    "mail": {"smtp"},
    "policy": {"smtp", "mail"},
    "world": {"smtp.address"},
    "config": {"smtp", "mail", "policy", "world"},
    "spool": {"mail", "world"},
    # The author of a hook needs what this package offers, and what its arguments are; so it stands below reception,
    # which asks hooks, and above configuration, in whose terms a hook declares its settings.
    "hooks": {"smtp", "mail", "policy", "world", "config"},
    "ingress": {"smtp", "mail", "policy", "config.schema", "world", "spool.contract", "hooks"},
    "delivery": {"smtp", "mail", "policy", "config.schema", "world", "spool.contract"},
    "capture": {"smtp", "mail", "world"},
    # Operators name messages by their addresses, and are told what hosts reply.
    "ops": {
        *("smtp.address", "smtp.errors", "smtp.reply", "mail", "policy", "config", "world"),
        *("spool.contract", "delivery.explain", "capture"),
    },
    "app": PARTS,
    "sim": PARTS | {"app"},
    "cli": PARTS | {"app", "sim.__init__"},
}

# Where the operating system may be touched, as packages and modules.
DOORS = {"world", "app", "cli", "config.load"}


def test_every_import_keeps_to_the_layers() -> None:
    tree = modules("empath")
    known = {module.name for module in tree}
    assert [breach for module in tree for breach in layer_breaches(module, known)] == []


def test_files_are_opened_by_the_world_only() -> None:
    assert [breach for module in modules("empath") for breach in open_breaches(module)] == []


def test_the_layers_themselves_have_no_circle() -> None:
    graph = {package: {grant.partition(".")[0] for grant in grants} for package, grants in LAYERS.items()}
    assert set(TopologicalSorter(graph).static_order()) == set(LAYERS)


KNOWN = {"empath", "empath.smtp", "empath.smtp.address", "empath.spool.contract", "empath.spool.sqlite", "empath.sim"}


@pytest.mark.parametrize(
    ("importer", "line"),
    [
        ("empath.smtp.reply", "import empath.mail.ids"),
        ("empath.smtp.reply", "from empath import __version__"),
        ("empath.smtp.reply", "if TYPE_CHECKING:\n    from empath.mail import Envelope"),
        ("empath.smtp.reply", "def late():\n    from empath.mail import Envelope"),
        ("empath.smtp.reply", "from ..mail import Envelope"),
        ("empath.world.network", "from empath.smtp import Address"),
        ("empath.ingress.session", "from empath.delivery.lanes.lane import Lane"),
        ("empath.ingress.session", "from empath.spool import sqlite"),
        ("empath.cli.main", "from empath.sim.network import Network"),
        ("empath.cli.main", "import tests.peers"),
        ("empath.elsewhere", "import trio"),
    ],
)
def test_a_breach_is_seen(importer: str, line: str) -> None:
    assert len(list(layer_breaches(parse(importer, line), KNOWN))) == 1


@pytest.mark.parametrize(
    ("importer", "line"),
    [
        ("empath.smtp.reply", "import re, trio"),
        ("empath.smtp.reply", "from .address import Address"),
        ("empath.world.network", "from empath.smtp import address"),
        ("empath.world.network", "from empath.smtp.address import Address"),
        ("empath.ingress.session", "from empath.spool.contract import Spool"),
        ("empath.cli.main", "from empath.sim import simulate"),
        ("empath.cli.main", "from empath import __version__"),
    ],
)
def test_an_import_that_the_table_grants_is_no_breach(importer: str, line: str) -> None:
    assert list(layer_breaches(parse(importer, line), KNOWN)) == []


@pytest.mark.parametrize("line", ["open('x')", "with open('x') as f: pass", "Path('x').read_text()"])
def test_opening_a_file_is_seen_outside_the_doors(line: str) -> None:
    assert len(list(open_breaches(parse("empath.spool.sqlite", line)))) == 1
    assert list(open_breaches(parse("empath.world.disk", line))) == []


def layer_breaches(module: Module, known: set[str]) -> Iterator[str]:
    """Yield one sentence for each import of this module that the table does not grant."""
    package = module.name.split(".")[1] if "." in module.name else ""
    if package and package not in LAYERS:
        yield f"{module.name}: no package of the layer table"
        return
    for line, target in imports(module, known):
        if not granted(package, target):
            yield f"{module.name}:{line} imports {target}"


def granted(package: str, target: str) -> bool:
    """Tell whether a package of ours (or the root, as the empty name) may import this module."""
    top, _, inner = target.partition(".")
    if top != "empath":
        return top not in {"tests", "fuzz", "bench"}
    if not inner:
        return package not in {"", "smtp"}  # the root holds the version and nothing else
    grants = LAYERS.get(package, set()) | {package}
    return any(inner == grant or inner.startswith(f"{grant}.") for grant in grants) or f"{inner}.__init__" in grants


def imports(module: Module, known: set[str]) -> Iterator[tuple[int, str]]:
    """Yield line and full dotted name of every module that this one imports, in functions and for type checkers too."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            source = _source(node, module)
            yield from {(node.lineno, full if (full := f"{source}.{a.name}") in known else source) for a in node.names}


def _source(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    above = module.package.split(".")[: 1 - node.level or None]
    return ".".join([*above, node.module] if node.module else above)


def open_breaches(module: Module) -> Iterator[str]:
    """Yield one sentence for each call outside the doors that opens a file by the builtin or by a path's method."""
    inner = module.name.partition(".")[2]
    if any(inner == door or inner.startswith(f"{door}.") for door in DOORS):
        return
    methods = {"read_text", "read_bytes", "write_text", "write_bytes"}  # .open() is also a verb of the Disk port
    for node in ast.walk(module.tree):
        match node:
            case ast.Call(func=ast.Name(id="open")):
                yield f"{module.name}:{node.lineno} calls open()"
            case ast.Call(func=ast.Attribute(attr=method)) if method in methods:
                yield f"{module.name}:{node.lineno} calls .{method}()"
