"""Pages made from templates: every text is escaped, and one that is missing is an error."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def render_page(template: str, **content) -> str:
    """Fill a template.

    Parameters
    ----------
    template : str
        Its file's name.
    **content
        What it asks for.

    Returns
    -------
    str
        HTML.
    """
    environment = Environment(
        loader=PackageLoader("sklidh.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**content)
