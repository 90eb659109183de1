"""How the documentation is built: `make docs`, or sphinx-build -W docs docs/_build."""

from sklidh import __version__

project = "sklidh"
author = "the sklidh developers"
copyright = "2026, the sklidh developers"
release = version = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "matplotlib.sphinxext.plot_directive",
]
plot_formats = ["png"]
plot_html_show_formats = plot_html_show_source_link = False
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
autosummary_generate = True
numpydoc_show_class_members = False

html_theme = "pydata_sphinx_theme"
html_title = "sklidh"
html_show_sourcelink = False
html_theme_options = {
    "navbar_end": [],
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
}
