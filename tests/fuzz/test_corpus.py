"""Every input of the fuzz corpus keeps the invariant of its target, and the corpus stays small and complete."""

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest

from fuzz import HERE, TARGETS

SEEDS = sorted(path for target in TARGETS for path in (HERE / "corpus" / target).iterdir())

# What may stand where CRLF.CRLF should: reliability is judged by all of them, in the codec and in whole sessions.
SMUGGLING = (
    *("lf_dot_lf", "lf_dot_cr", "cr_dot_lf", "cr_dot_cr", "lf_dot_crlf", "cr_dot_crlf", "crlf_dot_lf", "crlf_dot_cr"),
    *("nul_before_dot", "nul_after_dot", "crlf_dot_cr_crlf", "cr_crlf_dot_cr_crlf"),
)


@pytest.mark.parametrize("seed", SEEDS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_invariant_holds_for_every_seed(seed: Path) -> None:
    target(seed.parent.name)(seed.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_says_its_invariant_first(name: str) -> None:
    assert (target(name).__doc__ or "").partition(".")[0]


@pytest.mark.parametrize("name", ["server", "body"])
@pytest.mark.parametrize("variant", SMUGGLING)
def test_every_way_to_smuggle_is_among_the_seeds(name: str, variant: str) -> None:
    assert (HERE / "corpus" / name / f"smuggling_{variant}").exists()


def test_the_corpus_is_small() -> None:
    assert len(SEEDS) < 400
    assert sum(path.stat().st_size for path in SEEDS) < 300 * 1024


def target(name: str) -> Callable[[bytes], None]:
    """Return the function that is fuzzed under this name."""
    function: Callable[[bytes], None] = importlib.import_module(f"fuzz.{name}").fuzz
    return function
