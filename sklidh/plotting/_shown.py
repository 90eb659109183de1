"""A Display that ends a notebook's cell is its picture."""

import io


class ShownMixin:
    """Show a Display's figure where a notebook would show the arrays that it keeps.

    The figures are made without pyplot, so that no notebook would show them by itself.
    """

    def __repr__(self) -> str:
        titles = [ax.get_title() for ax in self.figure_.axes] if hasattr(self, "figure_") else []
        told = "; ".join(" ".join(title.split()) for title in titles if title)
        return f"<{type(self).__name__}{': ' if told else ''}{told}>"

    def _repr_png_(self) -> bytes | None:
        figure = getattr(self, "figure_", None)
        if figure is None or figure.canvas.manager is not None:  # pyplot's, and shown by it
            return None
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()
