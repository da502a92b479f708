"""Sphinx reads this: `make docs` writes build/docs/index.html."""

from importlib.metadata import version as version_of

project = "weft"
copyright = "the weft authors"
version = release = version_of("weft")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
myst_enable_extensions = ["dollarmath", "smartquotes"]
myst_heading_anchors = 3
# README.md links files of the repository that are no pages here.
suppress_warnings = ["myst.xref_missing"]

autodoc_typehints = "description"
autodoc_member_order = "bysource"
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px", "sidebar_width": "220px"}
exclude_patterns = ["_build"]
