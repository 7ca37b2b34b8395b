"""Whatever stands in a file, the answer is a configuration or faults, each in its place."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from empath.config import Code
from empath.config.checks import check
from empath.config.document import parse
from empath.config.layers import Layers
from empath.config.schema import Config
from empath.config.structure import read
from tests.config.keys import every_key

names = st.sampled_from([pattern.replace("[]", "").replace(".*", ".'a.example'") for pattern in every_key()])
wrong_names = st.one_of(
    names, names.map(lambda name: f"{name}_"), names.map(lambda name: name.rpartition(".")[0] or name)
)
values = st.sampled_from(
    [
        *('"live"', "7", "-1", "0", "1.5", "nan", "true", '"5m"', '"0"', '"9KiB"', '"10/s"', '"/x"', '""', '"::1"'),
        *('"127.0.0.1:25"', '"mx.example.org"', '"dane"', '"starttls"', '"memory"', "[]", "{}", "[[]]", "[{}]"),
        *('["::/0"]', '["a.example", 7]', '{ "" = {} }', "{ tls = 1 }", "1979-05-27", '{ "A.example" = { ip = 4 } }'),
    ]
)


@given(st.lists(st.tuples(wrong_names, values), max_size=12))
def test_every_file_is_answered_and_every_fault_has_its_line(pairs: list[tuple[str, str]]) -> None:
    text = ""
    for name, value in pairs:
        try:
            tomllib.loads(f"{text}{name} = {value}\n")
        except tomllib.TOMLDecodeError:
            continue  # the name is taken
        text += f"{name} = {value}\n"
    layers = Layers()
    document = parse("FILE", text.encode())
    layers.lay(document.tree, document.origin)
    reading = read(layers)
    found = [*reading.faults, *check(reading, layers)]
    assert isinstance(reading.config, Config)
    assert all(fault.origin.line for fault in found if fault.code is not Code.HOSTNAME)  # the machine has that name


def test_a_domain_that_is_none_does_not_hide_what_is_wrong_below_it() -> None:
    layers = Layers()
    document = parse("FILE", b"[delivery.domains.'no domain']\nratelimit = 1\nrequire_tls = 1")
    layers.lay(document.tree, document.origin)
    assert sorted(fault.origin.line or 0 for fault in read(layers).faults) == [1, 2, 3]


@given(st.lists(st.tuples(names, st.sampled_from(["7", '"x"', "true"])), max_size=8, unique_by=lambda pair: pair[0]))
def test_files_laid_over_each_other_are_one_file_if_they_name_different_keys(pairs: list[tuple[str, str]]) -> None:
    pairs = [(name, value) for name, value in pairs if "listeners" not in name]
    whole, parts = Layers(), Layers()
    together = parse("FILE", "\n".join(f"{name} = {value}" for name, value in pairs).encode())
    whole.lay(together.tree, together.origin)
    for name, value in pairs:
        part = parse(name, f"{name} = {value}".encode())
        parts.lay(part.tree, part.origin)
    assert parts.tree == whole.tree
