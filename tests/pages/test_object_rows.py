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
        (f"metadata.{key}.{part}", value)
        for key, row in object_rows(text) or ()
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


Inputs = dict[tuple[str, str], str]  # by the name that a row shows, "" of a new one, and the part


def form_on(page: str, path: str) -> dict[str, str]:
    """The fields of the page's form of metadata."""
    (fields,) = [
        dict(fields)
        for action, fields in Forms(page).found
        if action == path and any(name.startswith("metadata") for name, _ in fields)
    ]
    return fields


def filled_in(fields: dict[str, str], inputs: Inputs) -> dict[str, str]:
    """The fields of a form of metadata with some inputs filled in otherwise."""
    rows = {
        value: name.removesuffix("name") for name, value in fields.items() if name.endswith(".name")
    }
    return fields | {rows[shown] + part: value for (shown, part), value in inputs.items()}


def save(cast: Cast, path: str, inputs: Inputs, headers: dict[str, str] | None = None) -> Any:
    """The answer to the page's form of metadata with some inputs filled in otherwise."""
    fields = filled_in(form_on(get(cast.ada, path).text, path), inputs)
    return cast.ada.request(
        "POST",
        path,
        headers=HTML | FORM | (headers or {}),
        content=urlencode(fields),
        follow_redirects=False,
    )


@pytest.mark.parametrize("noun", ["organizations", "contacts"])
def test_metadata_is_edited_by_name_and_value(cast: Cast, noun: str) -> None:
    path = f"/{noun}/{cast.acme if noun == 'organizations' else cast.gita_contact}"
    put = cast.ada.put(
        f"/api{path}", {"metadata": {"Size": 40, "Region": "Alps", "Certificates": [1]}}
    )
    assert put.status_code == 200
    inputs = {
        ("Size", "text"): "41",
        ("Region", "name"): "Area",
        ("Certificates", "name"): "",
        ("", "name"): " Since ",
        ("", "text"): "1998",
    }
    assert save(cast, path, inputs).status_code == 303
    found = cast.ada.get(f"/api{path}").json()["metadata"]
    assert found == {"Size": 41, "Area": "Alps", "Since": "1998"}
    emptied = {(name, "name"): "" for name in found}
    assert save(cast, path, emptied).status_code == 303
    assert cast.ada.get(f"/api{path}").json()["metadata"] is None


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({("", "name"): "a", ("", "text"): "2"}, "twice"),
        ({("", "text"): "typed &amp; kept"}, "without a name"),
    ],
)
def test_rows_that_make_no_object_are_shown_again_with_the_reason(
    cast: Cast, inputs: Inputs, words: str
) -> None:
    path = organization(cast, metadata={"a": 1})
    shown = form_on(get(cast.ada, path).text, path)
    answer = save(cast, path, inputs, {"HX-Request": "true"})
    assert answer.status_code == 422 and words in answer.text
    assert answer.headers["hx-retarget"] == "#property-metadata"
    again, sent = form_on(answer.text, path), filled_in(shown, inputs)
    rows = {name for name in sent if name.startswith("metadata.")}
    assert rows <= again.keys() and all(again[name] == sent[name] for name in rows)
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
    rows = {f"metadata.new{n}.{part}" for n in range(3) for part in ("name", "text")}
    assert all(f'name="{row}"' in form for row in rows)


@pytest.mark.parametrize("noun", ["organizations", "contacts"])
def test_the_inputs_of_a_name_of_metadata_are_its_own_whatever_names_join_it(
    cast: Cast, noun: str
) -> None:
    """A draft is kept under the name of its input."""
    path = f"/{noun}/{cast.acme if noun == 'organizations' else cast.gita_contact}"

    def inputs() -> dict[str, str]:
        fields = form_on(get(cast.ada, path).text, path)
        return {
            fields[name]: name
            for name in fields
            if name.startswith("metadata.") and name.endswith(".name")
        }

    cast.ada.put(f"/api{path}", {"metadata": {"Region": "Alps", "Zone": 1}})
    before = inputs()
    cast.ada.put(f"/api{path}", {"metadata": {"A": 0, "Region": "Jura", "Zone2": 1}})
    after = inputs()
    assert list(after).index("Region") != list(before).index("Region"), "it stands elsewhere"
    assert {name for name in before if after.get(name) == before[name]} == {"Region", ""}
    assert before["Zone"] not in after.values(), "what was typed there goes nowhere else"


@pytest.mark.parametrize("noun", ["organizations", "contacts"])
@pytest.mark.parametrize("names", [200, 201, 1200])
def test_no_name_of_a_large_metadata_is_lost(cast: Cast, noun: str, names: int) -> None:
    path = f"/{noun}/{cast.acme if noun == 'organizations' else cast.gita_contact}"
    given: dict[str, Any] = {f"name {n}": f"a\nb {n}" for n in range(names - 2)}
    given |= {"exact": 0.1, "none": None}
    assert cast.ada.put(f"/api{path}", {"metadata": given}).status_code == 200
    assert save(cast, path, {}).status_code == 303
    assert cast.ada.get(f"/api{path}").json()["metadata"] == given
    fields = form_on(get(cast.ada, path).text, path)
    assert ("metadata" in fields) == (names > 200)
    if names > 200:
        fields["metadata"] = fields["metadata"].replace('"exact"', '"Exact"')
        answer = cast.ada.request(
            "POST", path, headers=HTML | FORM, content=urlencode(fields), follow_redirects=False
        )
        assert answer.status_code == 303
        given["Exact"] = given.pop("exact")
        assert cast.ada.get(f"/api{path}").json()["metadata"] == given


def test_a_copy_in_the_page_has_every_name_of_a_large_metadata(cast: Cast) -> None:
    given = {f"name {n}": n for n in range(1200)}
    path = organization(cast, metadata=given)
    page = get(cast.ada, f"/organizations/new?copy={path.rpartition('/')[2]}").text
    content = urlencode(form_on(page, "/organizations"))
    made = cast.ada.request(
        "POST", "/organizations", headers=HTML | FORM, content=content, follow_redirects=False
    )
    assert cast.ada.get(f"/api{made.headers['location']}").json()["metadata"] == given


def test_rows_beyond_a_thousand_are_read() -> None:
    rows = {f"metadata.{n}.name": f"name {n}" for n in range(1200)}
    assert len(read(list(rows.items()))) == 1200


MANY = ", ".join(f'"n{n}": {n}' for n in range(201))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1', "must"),
        (f'{{"n0": "other", {MANY}}}', "has the name &#34;n0&#34; twice"),
        (f'{{"b": {{"c": 1, "c": 2}}, {MANY}}}', "has the name &#34;b.c&#34; twice"),
    ],
)
def test_json_of_metadata_that_is_refused_is_shown_again(cast: Cast, text: str, words: str) -> None:
    path = organization(cast)
    fields = {"metadata": text, "version": form_on(get(cast.ada, path).text, path)["version"]}
    answer = cast.ada.request("POST", path, headers=HTML | FORM, content=urlencode(fields))
    assert answer.status_code == 422 and words in answer.text
    assert form_on(answer.text, path)["metadata"] == text
    assert cast.ada.get(f"/api{path}").json()["metadata"] is None
