"""Pages: the templates of layout/, escaped by default."""

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from retainer.request import Answer
from retainer.static import URLS

_templates = Environment(
    loader=PackageLoader("retainer", "layout"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_templates.globals["asset"] = URLS.__getitem__


def page(template: str, **values: Any) -> Answer:
    """200 with a page."""
    html = _templates.get_template(template).render(values).encode()
    return Answer(200, html, (b"content-type", b"text/html; charset=utf-8"), (b"cache-control", b"no-cache"))
