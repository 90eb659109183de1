"""How the gallery finds the figure of a Display that is the last value of a cell."""

from weakref import WeakSet

from sphinx_gallery.scrapers import figure_rst

saved = WeakSet()


def save_display(block, block_vars, gallery_conf):
    """Save the figure of the cell's value, if it is a Display's that is not saved yet."""
    # sphinx-gallery's name for the value of the last expression; it outlives its cell.
    figure = getattr(block_vars["example_globals"].get("___"), "figure_", None)
    if figure is None or figure in saved:
        return ""
    saved.add(figure)
    path = next(block_vars["image_path_iterator"])
    figure.savefig(path, dpi=120)
    return figure_rst([path], gallery_conf["src_dir"])
