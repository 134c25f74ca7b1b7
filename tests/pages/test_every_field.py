"""Every field that the API takes of a record is an input of some page of its noun."""

import re

import pytest

from retainer.http.routing import Route
from retainer.nouns import NOUNS
from retainer.routes import TABLE
from support.cast import Cast
from support.pages.sitemap import SHOWN, get, path_of

WRITES = [
    route
    for route in TABLE.routes
    if route.body and not route.page and re.match("(create|update)[A-Z]|addMember", route.name)
    and route.path.split("/")[1] in NOUNS
]  # fmt: skip
# Inputs under another name than the field that their handler makes of them.
INPUTS = {
    "organizationId": {"organization"},
    "parentId": {"parent"},
    "contactId": {"contact"},
    "contactIds": {"contact", "contactIds"},
    "projectIds": {"project", "projectIds"},
}
# Fields whose control is a button, or the order of rows.
BUTTONS = {
    "updateUser": {"isActive"},
    "createContact": {"isActive"},  # new ones are active
}


@pytest.mark.parametrize("route", WRITES, ids=lambda route: route.name)
def test_every_field_that_the_api_takes_can_be_set_in_a_page(cast: Cast, route: Route) -> None:
    assert route.body is not None
    noun = route.path.split("/")[1]
    if route.name == "createActivity":
        noun = "activities"
    shown = [path_of(cast, page) for page in SHOWN if page.path.split("/")[1] == noun]
    names: set[str] = set()
    for path in [*shown, *more_pages(cast)]:
        if path.split("/")[1].partition("?")[0] == noun:
            names |= inputs(get(cast.ada, path).text)
    fields = set(route.body.__struct_encode_fields__)
    missing = {field for field in fields if not names & {field, *INPUTS.get(field, set())}}
    assert missing <= BUTTONS.get(route.name, set())


def more_pages(cast: Cast) -> list[str]:
    """Pages whose forms ask for more than those of a record alone."""
    made = cast.ada.made
    project = made("/api/projects", organizationId=cast.acme, title="Of Acme")
    task = made("/api/tasks", projectId=project["id"], title="Of the project")
    link = made("/api/documents", name="Link", url="https://x.example", organizationId=cast.acme)
    return [
        f"/tasks/{task['id']}",
        f"/tasks/new?organizationId={cast.acme}",
        f"/documents/{link['id']}",
        f"/documents/new?kind=link&organizationId={cast.acme}",
    ]


def inputs(text: str) -> set[str]:
    """Names of the inputs in the forms of a page; of an object's rows the object's name."""
    controls = r'<(?:input|select|textarea|button)\b[^>]*?\bname="([\w.]+)"'
    return {
        name.partition(".")[0]
        for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL)
        for name in re.findall(controls, form)
    }
