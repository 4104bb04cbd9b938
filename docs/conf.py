"""The documentation site: ``tox -e docs`` builds it in docs/_build/html."""

from __future__ import annotations

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "minidl"
author = "the minidl developers"
version = release = version_of("minidl-core")
repository = "https://github.com/minidl/minidl"

extensions = [
    "equations",
    "myst_nb",
    "reference",
    "repository_links",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "_extensions"]
nb_execution_mode = "off"  # the outputs are those that the tests compare with
myst_heading_anchors = 3
myst_enable_extensions = ["dollarmath"]

default_role = "py:obj"  # one backquote in a docstring: a name, linked where it has a page
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_inherit_docstrings = False
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
add_module_names = False
suppress_warnings = ["ref.python"]  # Split is a dataset's part and an optimizer: both have pages

html_theme = "furo"
html_title = "minidl"
html_favicon = "icon.svg"
html_math_renderer = "mathml"
html_copy_source = False
html_theme_options = {
    "source_repository": repository,
    "source_branch": "main",
    "source_directory": "docs/",
}
