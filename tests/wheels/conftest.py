from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--dist", type=Path, help="the folder with the built distributions")


@pytest.fixture(scope="session")
def dist(request: pytest.FixtureRequest) -> Path:
    folder = request.config.getoption("--dist")
    if folder is None:
        pytest.skip("tox -e wheels builds the distributions and names their folder with --dist")
    assert isinstance(folder, Path)
    return folder
