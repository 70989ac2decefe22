"""The pages of docs/ as a site: `make docs` writes docs/_build/index.html."""

project = "text2pixels"
copyright = "the authors of text2pixels"
extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3  # links to headings, as GitHub makes them
# Links to files of the repository, which are no pages of the site, stay as they are.
suppress_warnings = ["myst.xref_missing", "misc.highlighting_failure"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "text2pixels"
