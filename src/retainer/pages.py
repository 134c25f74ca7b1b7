"""Pages: the templates of layout/, escaped by default."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from retainer.assets import icon
from retainer.request import HTML, Answer
from retainer.static import URLS

_templates = Environment(
    loader=PackageLoader("retainer", "layout"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_templates.globals["asset"] = URLS.__getitem__
_templates.globals["icon"] = lambda name: Markup(icon(name))  # noqa: S704  # Lucide's drawings, by name


def page(template: str, **values: Any) -> Answer:
    """200 with a page."""
    return Answer(200, render(template, **values), HTML, (b"cache-control", b"no-cache"))


def render(template: str, **values: Any) -> bytes:
    """The page itself."""
    return _templates.get_template(template).render(values).encode()
