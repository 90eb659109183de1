"""HTML pages from templates: texts are escaped, and a missing text is an error."""

import base64
import hashlib
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from sklidh.utils import atomic_write

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
"""Content security policy: the page loads nothing from outside."""


def render_page(template: str, *, with_script=False, **content) -> str:
    """Fill a template; the content security policy allows no script but ``page.js``."""
    environment = Environment(
        loader=PackageLoader("sklidh.reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["base64"] = lambda image: base64.b64encode(image).decode()
    script, policy = "", POLICY
    if with_script:
        folder = files("sklidh.reporting").joinpath("templates")
        script = folder.joinpath("page.js").read_text(encoding="utf-8")
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        policy += f"; script-src 'sha256-{digest}'"
    return environment.get_template(template).render(script=script, policy=policy, **content)


def write_page(path: Path, page: str) -> Path:
    """Write a page, which replaces an existing one only when it is complete."""
    with atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path
