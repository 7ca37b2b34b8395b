# The one door to everything that is done with this tree. Without `just` at hand: python3 dev.py RECIPE [ARGUMENT ...]

set positional-arguments
set shell := ["bash", "-euo", "pipefail", "-c"]

export PATH := justfile_directory() / ".venv/bin:" + env("PATH")
export PYTHONPATH := justfile_directory()

# List the recipes.
[private]
default:
    @just --justfile '{{ justfile() }}' --list --unsorted

# Make .venv, or bring it up to date with pyproject.toml.
setup:
    @python3 dev.py --list --unsorted

# Run the empath command, for example: just empath version
[no-cd]
[no-exit-message]
empath *ARGUMENTS:
    @exec empath "$@"

# Run the empathctl command, for example: just empathctl status
[no-cd]
[no-exit-message]
empathctl *ARGUMENTS:
    @exec empathctl "$@"

# Run the tests; arguments go to pytest. Without any: all, on two cores, those with real programs last.
test *ARGUMENTS:
    #!/usr/bin/env bash
    set -euo pipefail
    [ $# -eq 0 ] || exec pytest "$@"
    pytest --numprocesses=2 --ignore=tests/process --ignore=tests/dashboard
    pytest --numprocesses=2 --dist=loadfile tests/process tests/dashboard

# Cut the power, a connection, or a call at every point of all that a spool does, with so many outcomes of each: long.
crash-points OUTCOMES="16":
    POWER_OUTCOMES="$1" pytest --timeout=72000 -s tests/spool/test_power.py tests/spool/test_crash_points.py \
        tests/spool/test_postgres_crash_points.py tests/spool/test_upgrade.py

# Kill the daemon again and again under load, and send it many messages, in minutes instead of seconds. BACKEND: sqlite
# or files; else all that keep the queue on a disk; or postgres, whose server is killed too.
soak ROUNDS="200" MESSAGES="10000" BACKEND="":
    SOAK_ROUNDS="$1" SOAK_MESSAGES="$2" SOAK_BACKEND="$3" pytest --timeout=7200 -s \
        $([ "$3" = postgres ] && echo tests/process/test_postgres.py || echo tests/process/test_kill.py tests/process/test_relay.py)

# Send a message of so many MiB through the daemon, by DATA and by BDAT, and print by how much its memory grows.
giant MIB="2048":
    GIANT_MIB="$1" pytest --timeout=7200 -s tests/process/test_giant.py

# Abuse the daemon in every way at full size, and print what it took: a minute or two.
abuse:
    ABUSE=1 pytest --timeout=600 -s tests/process/test_abuse.py

# Check style, types and the use of Trio.
lint:
    ruff check
    ruff format --check
    mypy
    flake8

# Put the source into the one format and repair what can be repaired.
format:
    ruff check --fix
    ruff format

# Tell so many stories of the whole worker in its simulated world, each with all invariants checked.
sim SEEDS="200":
    EMPATH_SIM_SEEDS="$1" pytest --numprocesses=2 tests/sim/test_days.py tests/sim/test_power_loss.py

# Tell so many stories of lanes: hosts that bear less than they say, limits, shares, outages, clocks.
sim-lanes SEEDS="200":
    EMPATH_SIM_SEEDS="$1" pytest --numprocesses=2 --timeout=900 tests/sim/test_steering.py tests/sim/test_rates.py \
        tests/sim/test_shares.py tests/sim/test_clock_states.py tests/sim/test_lanes.py

# Put so many messages for a dead site into the queue, and print what those to another site wait beside them.
sim-dead-site MESSAGES="100000":
    EMPATH_SIM_QUEUE="$1" pytest --timeout=3600 -s tests/sim/test_lanes.py -k dead_site

# Enforce that the tests of empath.smtp take every branch of it.
cover-smtp:
    pytest tests/smtp tests/dialogues --cov=empath.smtp --cov-branch --cov-report=term-missing:skip-covered --cov-fail-under=100

# Search for input that breaks a fuzz target (atheris).
fuzz TARGET SECONDS="60":
    python -m fuzz.run "$@"

# Run every fuzz target over its committed corpus.
fuzz-replay:
    pytest tests/fuzz

# Measure: just bench smtp runs bench/smtp.py; further arguments go to it.
bench NAME *ARGUMENTS:
    python -m "bench.$1" "${@:2}"

# Build the wheel, install it in an environment of its own as pipx does, and try that as a new user would.
package:
    #!/usr/bin/env bash
    set -euo pipefail
    where=$(mktemp --directory)
    trap 'rm --recursive --force "$where"' EXIT
    python -m pip wheel --quiet --no-deps --wheel-dir "$where" .
    python -m venv "$where/venv"
    "$where/venv/bin/python" -m pip install --quiet "$where"/*.whl
    EMPATH_INSTALLED="$where/venv" pytest tests/process/test_sandbox.py tests/process/test_start.py tests/dashboard

# Draw the pictures of docs/lanes.rst from runs of the simulation.
plots:
    python -m bench.plots

# Build the documentation; a warning is an error.
docs:
    sphinx-build --fail-on-warning --keep-going --quiet -b html docs docs/_build/html

# Do what the build server does.
ci:
    bash .ci/run
