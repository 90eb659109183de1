"""A Display is its picture in a notebook, once."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from sklidh import plotting
from sklidh.plotting import DecisionCurveDisplay, Display, ROCDisplay

TRUTH, PREDICTED = [0, 1, 0, 1], {"model": [0.1, 0.4, 0.6, 0.9]}


@pytest.mark.parametrize("name", [name for name in plotting.__all__ if name.endswith("Display")])
def test_every_display_can_be_shown(name):
    assert issubclass(getattr(plotting, name), Display)


@pytest.mark.parametrize("display", [ROCDisplay, DecisionCurveDisplay])
def test_a_display_is_a_png_picture(display):
    assert display.from_predictions(TRUTH, PREDICTED)._repr_png_().startswith(b"\x89PNG")


def test_what_was_not_drawn_is_not_shown():
    assert ROCDisplay({}, {}, {}, 4)._repr_png_() is None


def test_a_figure_that_pyplot_shows_is_not_shown_twice():
    figure = Figure()
    FigureCanvasAgg(figure).manager = object()
    assert ROCDisplay.from_predictions(TRUTH, PREDICTED, ax=figure.subplots())._repr_png_() is None


def test_a_display_is_printed_as_its_title_and_not_as_its_arrays():
    assert repr(ROCDisplay.from_predictions(TRUTH, PREDICTED)) == "<ROCDisplay: ROC, 4 patients>"
    assert repr(ROCDisplay({}, {}, {}, 4)) == "<ROCDisplay>"
