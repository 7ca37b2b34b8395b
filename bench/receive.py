"""Measure MTAs side by side while they take mail durably and hold it: just bench receive --help."""

from bench.cases import RECEIVE
from bench.relay import main

if __name__ == "__main__":
    main(RECEIVE)
