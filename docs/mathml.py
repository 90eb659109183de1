"""Equations as MathML, which browsers draw by themselves: no script, and no network to fetch it."""

from docutils.nodes import SkipNode
from latex2mathml.converter import convert
from sphinx.util.logging import getLogger

logger = getLogger(__name__)


def to_mathml(node, display):
    """Return an equation as MathML; a command that the converter does not know is a warning."""
    mathml = convert(node.astext(), display=display)
    if "\\" in mathml:
        logger.warning("unknown command in the equation %r", node.astext(), location=node)
    return mathml


def visit_math(writer, node):
    writer.body.append(to_mathml(node, "inline"))
    raise SkipNode


def visit_displaymath(writer, node):
    writer.body.append(f'<div class="math">{to_mathml(node, "block")}</div>\n')
    raise SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
