"""The corpus on more seeds: ``pytest tests/conformance --seeds 20`` is the whole proof."""

from __future__ import annotations


def pytest_addoption(parser):
    parser.addoption("--seeds", type=int, default=2, help="seeds to run the corpus on")


def pytest_generate_tests(metafunc):
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(metafunc.config.getoption("seeds")))
