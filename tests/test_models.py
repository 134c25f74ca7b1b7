"""The models: importable by a client without the server around them, each field described, and
the bodies of writes as their records have them.
"""

import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from msgspec import UNSET, Meta, Struct

import retainer
from retainer.http.fields import READ_ONLY, creation_of, is_read_only, update_of
from retainer.http.routing import Route, Table
from retainer.permissions import PUBLIC
from retainer.routes import ROUTES

ROOT = Path(retainer.__file__).parent


def module(path: Path) -> str:
    """The dotted name of a file of the package."""
    parts = ("retainer", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


MODELS = sorted(module(path) for path in ROOT.rglob("model.py"))
PACKAGES = sorted(module(path) for path in ROOT.rglob("__init__.py"))
# The types that models share: fields, roles, and the refusal of a value.
SHARED = {"retainer.http.fields", "retainer.permissions", "retainer.errors"}

_LOADED = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
# msgspec takes typing_extensions where it is installed; private ones are Python's own.
own = sys.stdlib_module_names | {"msgspec", "typing_extensions"}
print(*(x for x in sys.modules if x.partition(".")[0] not in own and not x.startswith("_")))
"""


def loaded(*names: str) -> set[str]:
    """The modules that a new interpreter loads to import these, besides msgspec and the standard library."""
    command = [sys.executable, "-c", _LOADED, *names]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize("name", MODELS)
def test_a_model_loads_nothing_but_models_and_the_types_they_share(name: str) -> None:
    assert loaded(name) <= {*MODELS, *PACKAGES, *SHARED}


def test_packages_load_nothing_but_themselves() -> None:
    assert loaded(*PACKAGES) == set(PACKAGES)


class Undescribed(Struct):
    segment: str | None


class Listed(Struct):
    organizations: Annotated[list[Undescribed | None], Meta(description="All of them")]


async def answer() -> None:
    """A handler that no test calls."""


@pytest.mark.parametrize("part", ["body", "form", "lines", "response_type", "query"])
@pytest.mark.parametrize("kind", [Undescribed, Listed])
def test_a_field_without_a_description_does_not_start(kind: type[Struct], part: str) -> None:
    route = Route("list", "POST", "/all", answer, PUBLIC, "List all", **{part: kind})
    words = (
        r"^Undescribed\.segment has no description: give it Meta\(description=…, examples=\[…\]\)$"
    )
    with pytest.raises(ValueError, match=words):
        Table([route])


def test_the_record_is_named_before_the_bodies_derived_from_it() -> None:
    class Crate(Struct):
        id: int

    @creation_of(Crate)
    class CrateCreate(Struct):
        """A crate to be."""

    routes = [
        Route("list", "GET", "/all", answer, PUBLIC, "List all", response_type=list[Crate]),
        Route(
            "make",
            "POST",
            "/all",
            answer,
            PUBLIC,
            "Make one",
            body=CrateCreate,
            response_type=Crate,
        ),
    ]
    with pytest.raises(ValueError, match=r"^Crate\.id has no description"):
        Table(routes)


class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"


class Box(Struct, rename="camel"):
    id: Annotated[int, READ_ONLY]
    label: Annotated[str | None, Meta(description="Label")]
    box_size: Size
    is_open: bool
    tags: list[str]


@creation_of(Box, is_open=False)
class BoxCreate(Struct):
    """A box to be."""


@update_of(Box, without=("tags",))
class BoxUpdate(Struct):
    """A box to change."""

    label: str

    def __post_init__(self) -> None:
        if self.label:
            self.label = self.label.lower()


def test_a_creation_takes_what_is_not_read_only_and_requires_what_has_no_default() -> None:
    made: Any = msgspec.json.decode(b'{"boxSize": "small"}', type=BoxCreate)
    assert msgspec.structs.asdict(made) == {
        "box_size": Size.SMALL,
        "label": None,
        "is_open": False,
        "tags": [],
    }
    for wrong in (b"{}", b'{"boxSize": "small", "id": 1}', b'{"boxSize": "small", "label": 1}'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=BoxCreate)


def test_two_creations_share_no_array() -> None:
    one, other = (msgspec.convert({"boxSize": "small"}, BoxCreate) for _ in range(2))
    assert one.tags is not other.tags


def test_an_update_may_leave_out_anything_and_clears_only_what_may_be_empty() -> None:
    assert set(msgspec.structs.asdict(msgspec.convert({}, BoxUpdate)).values()) == {UNSET}
    assert msgspec.convert({"label": "A"}, BoxUpdate).label == "a", "the body's own check runs"
    for wrong in ({"label": None}, {"boxSize": None}, {"tags": []}, {"id": 1}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, BoxUpdate)


class Misspelt(Struct):
    """A body with a field that no box has."""

    lable: str


@pytest.mark.parametrize("derived", [creation_of(Box), update_of(Box)])
def test_a_body_with_a_field_that_its_record_lacks_does_not_start(derived: Any) -> None:
    with pytest.raises(TypeError, match="Misspelt names lable, which is no writable field of Box"):
        derived(Misspelt)


@pytest.mark.parametrize(
    "derived",
    [
        creation_of(Box, without=("tagz",)),
        creation_of(Box, tagz=[]),
        creation_of(Box, without=("id",)),
        update_of(Box, without=("tagz",)),
        update_of(Box, only=("id",)),
    ],
)
def test_a_name_that_is_no_writable_field_does_not_start(derived: Any) -> None:
    with pytest.raises(TypeError, match="which is no writable field of Box"):
        derived(type("Empty", (Struct,), {}))


def test_a_derived_body_keeps_its_name_and_its_docstring() -> None:
    assert (BoxCreate.__name__, BoxCreate.__doc__) == ("BoxCreate", "A box to be.")
    assert BoxCreate.__module__ == __name__


@pytest.mark.parametrize(
    "route", [r for r in ROUTES if r.body and r.response_type], ids=lambda r: r.name
)
def test_no_body_takes_a_field_that_the_server_sets(route: Route) -> None:
    set_by_server = {
        field.name for field in msgspec.structs.fields(route.response_type) if is_read_only(field)
    }
    assert route.response_type is None or set_by_server
    assert route.body is not None
    assert set_by_server.isdisjoint(route.body.__struct_fields__)
