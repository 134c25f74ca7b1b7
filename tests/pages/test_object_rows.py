"""Objects in forms: a row for each name and value, which keeps what a text does not tell."""

from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from retainer.http.forms import Form, object_rows
from retainer.records.organizations.model import OrganizationUpdate
from support.cast import Cast
from support.pages.browser_forms import Forms
from support.pages.sitemap import FORM, HTML, get

ODD = (
    '{"Employees":40,"exact":0.12345678901234567890,"vip":true,"none":null,"empty":"","number":"40",'
    '"list":[1,{"a":[null]}],"two  blanks":" x ","lines":"a\\nb\\r\\nc","":"unnamed"," ":"blank"}'
)


def form_of(text: str) -> list[tuple[str, str]]:
    """The inputs that a form has for an object, as a browser sends them."""
    return [
        (f"metadata.{n}.{part}", value)
        for n, row in enumerate(object_rows(text))
        for part, value in zip(("name", "text", "was"), row, strict=True)
    ]


def read(pairs: list[tuple[str, str]]) -> Any:
    return Form(pairs).body(OrganizationUpdate)["metadata"]


@pytest.mark.parametrize("text", ["", "{}", ODD, '{"a":1}'])
def test_rows_that_are_not_touched_keep_every_value(text: str) -> None:
    kept = read(form_of(text))
    if not text:
        assert kept is None
        return
    encoder = msgspec.json.Encoder(decimal_format="number")
    assert encoder.encode(kept) == text.encode()
    # As a refused form shows it again.
    assert encoder.encode(read(form_of(Form(form_of(text))["metadata"]))) == text.encode()


def organization(cast: Cast, **values: Any) -> str:
    made = cast.ada.made("/api/organizations", name="Rows", type="other", **values)
    return f"/organizations/{made['id']}"


def save(
    cast: Cast, path: str, changes: dict[str, str], headers: dict[str, str] | None = None
) -> Any:
    """The answer to the page's form of metadata with some inputs filled in otherwise."""
    (fields,) = [
        dict(fields)
        for action, fields in Forms(get(cast.ada, path).text).found
        if action == path and any(name.startswith("metadata.") for name, _ in fields)
    ]
    return cast.ada.request(
        "POST",
        path,
        headers=HTML | FORM | (headers or {}),
        content=urlencode(fields | changes),
        follow_redirects=False,
    )


@pytest.mark.parametrize("noun", ["organizations", "contacts"])
def test_metadata_is_edited_by_name_and_value(cast: Cast, noun: str) -> None:
    path = f"/{noun}/{cast.acme if noun == 'organizations' else cast.gita_contact}"
    put = cast.ada.put(
        f"/api{path}", {"metadata": {"Size": 40, "Region": "Alps", "Certificates": [1]}}
    )
    assert put.status_code == 200
    changes = {
        "metadata.0.text": "41",
        "metadata.1.name": "Area",
        "metadata.2.name": "",
        "metadata.3.name": " Since ",
        "metadata.3.text": "1998",
    }
    assert save(cast, path, changes).status_code == 303
    found = cast.ada.get(f"/api{path}").json()["metadata"]
    assert found == {"Size": 41, "Area": "Alps", "Since": "1998"}
    emptied = {f"metadata.{n}.name": "" for n in range(3)}
    assert save(cast, path, emptied).status_code == 303
    assert cast.ada.get(f"/api{path}").json()["metadata"] is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metadata.1.name": "a", "metadata.1.text": "2"}, "twice"),
        ({"metadata.1.text": "typed &amp; kept"}, "without a name"),
    ],
)
def test_rows_that_make_no_object_are_shown_again_with_the_reason(
    cast: Cast, changes: dict[str, str], words: str
) -> None:
    path = organization(cast, metadata={"a": 1})
    answer = save(cast, path, changes, {"HX-Request": "true"})
    assert answer.status_code == 422 and words in answer.text
    assert answer.headers["hx-retarget"] == "#property-metadata"
    again = next(
        dict(fields)
        for action, fields in Forms(answer.text).found
        if action == path and any(name.startswith("metadata.") for name, _ in fields)
    )
    assert {name: again[name] for name in changes} == changes
    assert cast.ada.get(f"/api{path}").json()["metadata"] == {"a": 1}


@pytest.mark.parametrize("noun", ["organizations", "contacts"])
def test_metadata_is_given_to_a_new_record(cast: Cast, noun: str) -> None:
    fields = {"name": "New", "fullName": "New", "email": "new@rows.example", "type": "vendor"}
    fields |= {"metadata.0.name": "Region", "metadata.0.text": "Alps", "metadata.2.name": "Empty"}
    content = urlencode(fields)
    made = cast.ada.request(
        "POST", f"/{noun}", headers=HTML | FORM, content=content, follow_redirects=False
    )
    found = cast.ada.get(f"/api{made.headers['location']}").json()
    assert found["metadata"] == {"Region": "Alps", "Empty": ""}
    form = get(cast.ada, f"/{noun}/new").text
    assert all(f'name="metadata.{n}.{part}"' in form for n in range(3) for part in ("name", "text"))
