"""Base classes of all Displays: construction, drawing, and output in notebooks."""

import io
from collections.abc import Mapping
from dataclasses import fields

from sklidh.evaluation import Comparison
from sklidh.plotting._axes import new_axes
from sklidh.utils import IDH, Target


class Display:
    """Base class of all Displays: keep the data of one plot, and draw it.

    A subclass implements ``_draw(ax)`` for a new figure of ``_size`` inches. Figures are made
    without pyplot, so a notebook would not show them by itself; a Display at the end of a cell is
    shown as its picture.
    """

    _size = (5.0, 4.2)

    def plot(self, *, ax=None, **options):
        """Draw the plot.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            None draws on a new figure.
        **options : object
            Options of the subclass, such as ``n_labels`` of `VolcanoDisplay`.

        Returns
        -------
        Display
            Itself, with ``ax_`` and ``figure_``.
        """
        self.ax_ = new_axes(ax, figsize=self._size)
        self.figure_ = self.ax_.figure
        self._draw(self.ax_, **options)
        return self

    def __repr__(self) -> str:
        titles = [ax.get_title() for ax in self.figure_.axes] if hasattr(self, "figure_") else []
        named = "; ".join(" ".join(title.split()) for title in titles if title)
        return f"<{type(self).__name__}{': ' if named else ''}{named}>"

    def _repr_png_(self) -> bytes | None:
        figure = getattr(self, "figure_", None)
        if figure is None or figure.canvas.manager is not None:  # managed by pyplot
            return None
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()


class PanelsDisplay(Display):
    """Base class of Displays with several panels, which need a figure of their own.

    A subclass implements ``_draw(axes)``; ``_grid`` gives the rows and columns of panels.
    """

    _grid = (1, 1)
    _ratios = None

    def plot(self, **options):
        """Draw on a new figure.

        Parameters
        ----------
        **options : object
            Options of the subclass, such as ``n_features`` of `Explanation`.

        Returns
        -------
        Display
            Itself, with ``axes_`` and ``figure_``.
        """
        from matplotlib.figure import Figure

        self.figure_ = Figure(layout="constrained")
        axes = self.figure_.subplots(*self._grid, squeeze=False, width_ratios=self._ratios)
        self.axes_ = axes[0] if self._grid[0] == 1 else axes
        self.figure_.set_size_inches(self._size)
        self._draw(self.axes_, **options)
        return self


class PredictionsDisplay(Display):
    """Base class of Displays of predictions, fitted models, or a comparison.

    A subclass computes its data in ``_of_predictions``, and in ``_of_comparison`` if needed; its
    ``target`` has the words. A comparison with more than two classes is drawn one class against the
    rest.
    """

    target = IDH

    # Whether only ranks matter: a decision function then has fewer ties than a probability.
    _ranks = False
    # Whether more than two classes are drawn one against the rest, and not their mean.
    _by_class = True

    @classmethod
    def from_predictions(cls, y_true, predicted, *, ax=None, **options):
        """Draw the predictions of several models for the same patients.

        Parameters
        ----------
        y_true : array-like of bool, 0/1 or words, shape (n_patients,)
            The IDH status or another target of two classes, as `sklidh.utils.Target.read` takes it.
        predicted : dict of str to array-like of shape (n_patients,)
            Probability of a mutation, by model; ROC and PR curves and forest plots also accept
            other scores.
        ax : matplotlib Axes, default=None
            None draws on a new figure.
        **options : object
            ``reference`` of a `ForestDisplay`; ``n_repeats`` of a `CalibrationDisplay`.

        Returns
        -------
        Display
        """
        target, codes = Target.read(y_true)
        if not target.is_binary:
            raise ValueError(
                f"{cls.__name__} draws two classes, y_true has {len(target.classes)}; pass "
                "y_true == class and the probability of that class, or draw a comparison"
            )
        display = cls._of_predictions(codes, predicted, **options)
        display.target = target
        return display.plot(ax=ax)

    @classmethod
    def from_estimator(cls, estimators, X, y, *, ax=None):
        """Draw one or more fitted models on patients outside their training data.

        Parameters
        ----------
        estimators : fitted classifier, or dict of str to fitted classifier
        X : DataFrame of shape (n_patients, n_columns)
        y : array-like of shape (n_patients,)
            As in `from_predictions`.
        ax : matplotlib Axes, default=None
            None draws on a new figure.

        Returns
        -------
        Display
        """
        if not isinstance(estimators, Mapping):
            estimators = {type(estimators).__name__: estimators}
        predicted = {}
        target, _ = Target.read(y)
        for name, model in estimators.items():
            second = target.columns(model.classes_)[-1]
            decide = getattr(model, "decision_function", None) if cls._ranks else None
            if decide is None:
                predicted[name] = model.predict_proba(X)[:, second]
            else:
                predicted[name] = decide(X) if second == 1 else -decide(X)
        return cls.from_predictions(y, predicted, ax=ax)

    @classmethod
    def from_comparison(cls, comparison: Comparison, *, ax=None, **options):
        """Draw all models of a comparison.

        Parameters
        ----------
        comparison : Comparison
            With repeats, the predictions of all repeats are drawn together.
        ax : matplotlib Axes, default=None
            None draws on a new figure.
        **options : object
            ``reference`` and ``beside`` of a `ForestDisplay`.

        Returns
        -------
        Display
        """
        if comparison.target.is_binary or not cls._by_class:
            display = cls._of_comparison(comparison, **options)
        else:
            first, *others = comparison.evaluations.values()
            # A single model's curves are named by the class alone.
            classes = comparison.by_class if others else first.by_class
            parts = [
                cls._of_comparison(Comparison({name: part}), **options)
                for name, part in classes.items()
            ]
            # Each curve has its own truth; what is not kept by name is that of all patients.
            display = parts[0]
            for field in fields(display):
                kept = [getattr(part, field.name) for part in parts]
                if isinstance(kept[0], dict):
                    setattr(display, field.name, {k: v for each in kept for k, v in each.items()})
        display.target = comparison.target
        return display.plot(ax=ax)

    @classmethod
    def _of_comparison(cls, comparison, **options):
        table = comparison.scores if cls._ranks else comparison.predictions
        predicted = dict(table.drop(columns=["repeat", "fold", "true"]).items())
        return cls._of_predictions(table["true"], predicted, **options)
