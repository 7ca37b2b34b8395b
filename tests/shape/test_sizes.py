"""How long a module and a function may be. One idea fits on a few screens; what outgrows them is two ideas."""

import ast
from collections.abc import Iterator

from tests.shape.tree import Module, modules, parse

MODULE_LINES = 300  # the limit; the aim is 250
FUNCTION_LINES = 60  # from `def` to the last line, the docstring included


def test_no_module_is_longer_than_its_limit() -> None:
    sizes = {module.name: len(module.text.splitlines()) for module in modules("empath")}
    assert {name: lines for name, lines in sizes.items() if lines > MODULE_LINES} == {}


def test_no_function_is_longer_than_its_limit() -> None:
    assert [name for module in modules("empath") for name, lines in functions(module) if lines > FUNCTION_LINES] == []


def test_methods_and_inner_functions_are_measured_without_their_decorators() -> None:
    source = "class C:\n @final\n async def f(self):\n  def g():\n   pass\n  return g\n"
    assert list(functions(parse("m", source))) == [("m.f", 4), ("m.g", 2)]


def functions(module: Module) -> Iterator[tuple[str, int]]:
    """Yield the name of every function and the number of its lines."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{module.name}.{node.name}", (node.end_lineno or node.lineno) - node.lineno + 1
