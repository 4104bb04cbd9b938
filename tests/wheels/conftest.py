from __future__ import annotations

from pathlib import Path

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--built", type=Path, help="the folder with the built distributions")


@pytest.fixture(scope="session")
def dist(request: pytest.FixtureRequest) -> Path:
    folder = request.config.getoption("--built")
    if folder is None:
        pytest.skip("tox -e wheels builds the distributions and names their folder with --built")
    assert isinstance(folder, Path)
    return folder.resolve()
