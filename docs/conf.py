"""How the documentation is built: `make docs`, or sphinx-build -W docs docs/_build."""

import csv
import os
import re
import sys
import warnings
from pathlib import Path

from sphinx_gallery.sorting import ExplicitOrder

from sklidh import __version__
from sklidh.radiomics import describe_features, describe_ibsi_features

sys.path.insert(0, str(Path(__file__).parent))
# A warning in the gallery is its text, without its place on the machine of the build.
warnings.formatwarning = lambda message, category, *_, **__: f"{category.__name__}: {message}\n"
# The diagrams of the gallery lead to the reference beside it.
os.environ["SKLIDH_DOCS"] = ".."

# The table of features in the guide to radiomics.
(Path(__file__).parent / "generated").mkdir(exist_ok=True)
with open(Path(__file__).parent / "generated" / "features.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["class", "feature", "IBSI", "formula"])
    table.writerows(
        (each.family, "~" * each.on_request + each.name, each.ibsi, each.formula)
        for each in describe_features()
    )
with open(Path(__file__).parent / "generated" / "ibsi_features.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["family", "feature", "IBSI", "what it is"])
    table.writerows(
        (each.family, re.sub("_2D(_avg)?$", "", each.name), each.ibsi, each.description)
        for each in describe_ibsi_features()
        if each.aggregation_code in ("", "BTW3", "8QNN")  # once, not once per aggregation
    )

project = "sklidh"
author = "the sklidh developers"
copyright = "2026, the sklidh developers"
release = version = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "matplotlib.sphinxext.plot_directive",
    "sphinx_gallery.gen_gallery",
    "mathml",
]
html_math_renderer = "mathml"
plot_formats = ["png"]
plot_html_show_formats = plot_html_show_source_link = False

# The examples: every one is run, in this order, and one that fails ends the build.
sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"\.py$",
    "within_subsection_order": ExplicitOrder(
        [
            "quick_start.py",
            "own_cohort.py",
            "own_selector.py",
            "robust_features.py",
            "select_in_each_resample.py",
            "own_features.py",
            "ibsi_filters.py",
            "own_baseline.py",
            "grid_over_constraints.py",
            "missing_sequences.py",
            "sites_and_combat.py",
            "balance_classes.py",
            "several_classes.py",
            "prediction_sets.py",
            "own_modalities.py",
            "explain_one_patient.py",
            "feature_maps.py",
            "shap_and_captum.py",
            "search_with_optuna.py",
            "on_a_cluster.py",
        ]
    ),
    # Each page of the reference shows the examples that use its class or function.
    "doc_module": ("sklidh",),
    "backreferences_dir": "generated/examples",
    # Displays draw without pyplot: this takes their figures, and their repr is not wanted beside.
    "image_scrapers": ("matplotlib", "gallery_figures.save_display"),
    "ignore_repr_types": r"sklidh\.plotting|matplotlib",
    "download_all_examples": False,
    "show_signature": False,
    "remove_config_comments": True,
    "thumbnail_size": (480, 330),
    # How long a page took to build tells nothing of how long it takes a reader.
    "min_reported_time": 3600,
    "write_computation_times": False,
}
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
autosummary_generate = True
numpydoc_show_class_members = False
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_title = "sklidh"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["sklidh.css"]
# Pages without neighbours in their section have no use for its navigation; examples need the room.
html_sidebars = {"index": [], "start": [], "api": [], "gallery/**": []}
html_context = {"default_mode": "auto"}
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "show_prev_next": False,
    # The widest table stands alone.
    "secondary_sidebar_items": {"**": ["page-toc"], "paper": []},
}
