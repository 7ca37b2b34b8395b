"""On which line a key stands, whatever TOML allows around it."""

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from empath.config.lines import line_numbers, split_key
from empath.config.places import KeyPath

HIDING_PLACES = (
    """\
# mode = "sandbox"
mode = "live"

[ delivery . "dns" ]     # [delivery.tls]
servers = [              # servers = []
  "192.0.2.1",           # "]"
  "192.0.2.2",
]
timeout = "1s" ; cache_ttl = "2s"
""".replace(" ; ", "\n")
    + '''
[delivery.domains."gmail.com"]
max_connections = 3
'rate_limit' = "5/s"
[[smtp.listeners]]
listen_addr = """
[smtp.limits]
max_errors = 1\\""""
starttls.cert_file = \'\'\'
it = "is"
\'\'\'
[[smtp.listeners]]
tls = "implicit"
starttls = { cert_file = "}", "key_file" = "a # b" }
[[smtp.listeners.certificates]]
names = [{ a = [1, [2, { b = 3 }]] }, {}]
[delivery."domains".'example.org']
mx_override = "a\\"]b"
'''
)


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("mode",), 2),
        (("delivery",), 4),
        (("delivery", "dns"), 4),
        (("delivery", "dns", "servers"), 5),
        (("delivery", "dns", "servers", 0), 6),
        (("delivery", "dns", "servers", 1), 7),
        (("delivery", "dns", "timeout"), 9),
        (("delivery", "dns", "cache_ttl"), 10),
        (("delivery", "domains", "gmail.com"), 12),
        (("delivery", "domains", "gmail.com", "max_connections"), 13),
        (("delivery", "domains", "gmail.com", "rate_limit"), 14),
        (("smtp", "listeners", 0), 15),
        (("smtp", "listeners", 0, "listen_addr"), 16),
        (("smtp", "listeners", 0, "starttls"), 19),
        (("smtp", "listeners", 0, "starttls", "cert_file"), 19),
        (("smtp", "listeners", 1), 22),
        (("smtp", "listeners", 1, "tls"), 23),
        (("smtp", "listeners", 1, "starttls", "key_file"), 24),
        (("smtp", "listeners", 1, "certificates", 0), 25),
        (("smtp", "listeners", 1, "certificates", 0, "names", 0, "a", 1, 1, "b"), 26),
        (("delivery", "domains", "example.org", "mx_override"), 28),
    ],
)
def test_a_key_is_found_wherever_toml_lets_it_stand(path: KeyPath, line: int) -> None:
    assert line_numbers(HIDING_PLACES)[path] == line


def test_what_only_looks_like_a_key_is_not_found() -> None:
    assert set(line_numbers(HIDING_PLACES)) == set(paths(tomllib.loads(HIDING_PLACES)))


def test_lines_count_alike_with_both_kinds_of_line_end() -> None:
    assert line_numbers("a = 1\r\n\r\nb = 2\r\n") == {("a",): 1, ("b",): 3}


def test_an_empty_text_has_no_keys() -> None:
    assert line_numbers("") == line_numbers("# nothing") == {}


@pytest.mark.parametrize(
    ("key", "steps"),
    [("mode", ("mode",)), ("a.b", ("a", "b")), ('d . "x.y"', ("d", "x.y")), ("'a\\'.\"\\u0062\"", ("a\\", "b"))],
)
def test_a_dotted_key_is_split_as_toml_splits_it(key: str, steps: tuple[str, ...]) -> None:
    assert split_key(key) == steps


names = st.sampled_from(["a", "b-c", "1", '"d.e"', "'f'", '"#"', '"\\u0067"', '"]"', '" = "'])
blanks = st.sampled_from(["", " ", "\t"])
gaps = st.sampled_from(["", "\n", " # [x]\n", "\n\n", '\n# y = """\n'])
strings = st.sampled_from(
    ['""', '"a\\"#"', "'\\'", '"""\n[a]\n"""', '"""a\\""""', "'''\nb = 1\n''''", '"""\\\\"""', '"]}"']
)
scalars = st.one_of(strings, st.sampled_from(["1", "true", "1979-05-27 07:32:00Z", "-inf", "0xf"]))


def inline(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Wrap values into arrays, which may be broken anywhere, and inline tables, which may not."""
    pairs = st.lists(
        st.tuples(names, values.filter(lambda text: "\n" not in text)), max_size=3, unique_by=lambda pair: pair[0]
    )
    elements = st.lists(st.tuples(values, gaps).map("".join), max_size=3)
    return st.one_of(
        st.tuples(gaps, elements.map(",".join)).map(lambda parts: f"[{''.join(parts)}]"),
        pairs.map(lambda pairs: f"{{{', '.join(f'{name} = {value}' for name, value in pairs)}}}"),
    )


values = st.recursive(scalars, inline, max_leaves=6)
keys = st.lists(names, min_size=1, max_size=3).map(" . ".join)
statements = st.one_of(
    st.tuples(keys, blanks, values).map(lambda parts: f"{parts[0]}{parts[1]}={parts[1]}{parts[2]}"),
    keys.map(lambda key: f"[{key}]"),
    keys.map(lambda key: f"[[ {key}]]"),
)


@given(st.lists(st.tuples(statements, gaps), max_size=8))
def test_exactly_what_tomllib_finds_has_a_line(parts: list[tuple[str, str]]) -> None:
    text = ""
    for statement, gap in parts:
        try:
            tomllib.loads(f"{text}{statement}\n{gap}")
        except tomllib.TOMLDecodeError:
            continue  # this statement redefines something; the next one may not
        text += f"{statement}\n{gap}"
    assert set(line_numbers(text)) == set(paths(tomllib.loads(text)))


@given(st.lists(st.tuples(names, gaps, st.booleans()), max_size=6, unique_by=lambda part: part[0]))
def test_each_value_is_found_on_the_line_that_it_was_written_on(parts: list[tuple[str, str, bool]]) -> None:
    text = ""
    for number, (name, gap, nested) in enumerate(parts):
        text += f"{gap}\n{name} = [\n  {number}]\n" if nested else f"{gap}\n{name} = {number}\n"
    lines, tree = text.split("\n"), tomllib.loads(text)
    for (name, value), place in zip(tree.items(), range(len(parts)), strict=True):
        path: KeyPath = (name, 0) if isinstance(value, list) else (name,)
        assert lines[line_numbers(text)[path] - 1].rstrip("]").endswith(f" {place}")


def paths(tree: object, above: KeyPath = ()) -> Iterator[KeyPath]:
    """Yield the path of everything below a value."""
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for step, value in inner:
        yield (*above, step)
        yield from paths(value, (*above, step))
