"""Checks of the declarations at the start: a noun that lacks a part is refused, by name."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import get_args, get_origin

from retainer.errors import camel
from retainer.http.routing import Route
from retainer.lists.noun import Noun
from retainer.lists.spec import ListSpec
from retainer.permissions import PERMISSIONS, UNTOLD, VISIBLE


def check(nouns: Iterable[Noun]) -> None:
    """Refuse to start with a noun that lacks a part, by name. Raises ValueError."""
    known = {noun.table: noun for noun in nouns}
    for noun in known.values():
        for problem in _problems(noun, known):
            raise ValueError(f"the noun {noun.table} {problem}")
    for table, name in _untold_names():
        if table in known and name not in known[table].record_type.__struct_encode_fields__:
            raise ValueError(f"permissions.UNTOLD names {table}.{name}, which is no field")
    for line in VISIBLE.keys() - known.keys():
        raise ValueError(f"permissions.py has lines of {line}, which is no noun")


def _problems(noun: Noun, known: Mapping[str, Noun]) -> Iterable[str]:
    """The parts that a noun lacks, each as the end of a sentence."""
    if re.fullmatch("[a-z]+", noun.table) is None:
        yield "is not called one word of small letters"
    if noun.permissions and not noun.visible_as and noun.table not in VISIBLE:
        yield "has no line in permissions.VISIBLE"
    if not noun.list.id.startswith(f"{noun.alias}."):
        yield f"has the alias {noun.alias}, its list another"
    for other in known.values():
        if other.alias == noun.alias and other is not noun:
            yield f"has the alias {noun.alias}, as {other.table} have"
    if not noun.title and not noun.subject_column:
        yield "has no title"
    if (noun.search or noun.has_views) and not noun.page:
        yield "is found or has views, but no page"
    for permission in _permissions(noun):
        if permission not in PERMISSIONS:
            yield f"names the permission {permission}, which permissions.py does not have"
    yield from _broken_references(noun, known)
    yield from _broken_search(noun)


def _permissions(noun: Noun) -> Iterable[str]:
    """The permissions that a noun names, or that follow from its name."""
    yield from noun.permissions or ()
    if noun.menu:
        yield f"{noun.table}.read"
    if noun.new:
        yield noun.new.permission


def _broken_references(noun: Noun, known: Mapping[str, Noun]) -> Iterable[str]:
    for column, table in noun.references.items():
        if column not in noun.record_type.__struct_fields__:
            yield f"refers by {column}, which {noun.record_type.__name__} does not have"
        if table not in known:
            yield f"refers to {table}, which is no noun"
    for table in filter(None, (noun.belongs_to, noun.visible_as)):
        if table not in noun.references.values():
            yield f"belongs to {table}, but refers to it by no column"
    goes = noun.belongs_to or noun.cascade or noun.visible_as or noun.is_private
    if "organizations" in noun.column_of and noun.table != "organizations" and not goes:
        yield "refers to organizations, but says neither belongs_to nor cascade"
    if noun.subject_column and noun.subject_column not in noun.references:
        yield f"has the subject column {noun.subject_column}, which refers to nothing"


def _broken_search(noun: Noun) -> Iterable[str]:
    if noun.search is None:
        return
    if noun.search.name != f"{noun.title}_folded":
        yield f"is searched by {noun.search.name}, not by {noun.title}_folded"
    for column in (*noun.search.words, *noun.search.sites):
        if column not in noun.record_type.__struct_fields__:
            yield f"is searched by {column}, which {noun.record_type.__name__} does not have"
    for field in noun.search.texts:
        if field not in noun.record_type.__struct_encode_fields__:
            yield f"highlights {field}, which {noun.record_type.__name__} does not have"
    for column in (*noun.search.words, *noun.search.sites):
        if _is_untold(noun, column) and (not noun.search.heard or column in noun.search.heard):
            yield f"is searched by {column}, which is not told to all: `heard` leaves it out"


def _is_untold(noun: Noun, column: str) -> bool:
    return (noun.table, camel(column)) in _untold_names()


def _untold_names() -> set[tuple[str, str]]:
    """The fields that some viewers are not told, each with its noun's table."""
    return {
        (table, name)
        for table, scopes in UNTOLD.items()
        for names in scopes.values()
        for name in names
    }


def check_routes(nouns: Iterable[Noun], routes: Sequence[Route]) -> None:
    """Refuse to start with a noun and routes that do not fit, by name. Raises ValueError."""
    for route in routes:
        for problem in _list_problems(route):
            raise ValueError(f"{route.method} {route.path} {problem}")
    for noun in nouns:
        problems = (
            *_missing_pages(noun, routes),
            *_missing_routes(noun, routes),
            *_dropped(noun, routes),
        )
        for problem in problems:
            raise ValueError(f"the noun {noun.table} {problem}")


def _list_problems(route: Route) -> Iterable[str]:
    """Reasons why a route's list does not fit its declaration, each as the end of a sentence."""
    if get_origin(route.response_type) is not list:
        return
    (each,) = get_args(route.response_type)
    if isinstance(route.lists, ListSpec):
        given, said = list(route.lists.fields), each.__struct_encode_fields__
        yield from (
            f"lists no {name}, as {each.__name__} has" for name in said if name not in given
        )
        yield from (
            f"lists {name}, which {each.__name__} lacks" for name in given if name not in said
        )
        if given != list(said):
            yield f"lists the fields of {each.__name__} in another order"
    elif route.query is None:
        yield "answers a list, but has neither lists= nor query="


def _missing_pages(noun: Noun, routes: Sequence[Route]) -> Iterable[str]:
    there = {_shape(route.path) for route in routes if route.html and not route.changes}
    for path in _pages(noun):
        if _shape(path) not in there:
            yield f"has no page {path}"


def _pages(noun: Noun) -> Iterable[str]:
    """The paths of pages that its declaration promises."""
    if noun.page:
        yield noun.page
    if noun.menu:
        yield f"/{noun.table}"
    if noun.new:
        yield f"/{noun.table}/new"


def _missing_routes(noun: Noun, routes: Sequence[Route]) -> Iterable[str]:
    """The routes of the API without which its pages could not write, or nobody read its history."""
    there = [(route.method, route.path) for route in routes if not route.page]
    wanted = []
    if noun.create:
        wanted.append(("POST", f"/{noun.table}"))
    if noun.has_history:
        wanted.append(("GET", f"{noun.path}/history"))
    for method, end in wanted:
        if not any(method == m and path.endswith(end) for m, path in there):
            yield f"has no route {method} {end} in routes.py"


def _shape(path: str) -> str:
    """A path without the names of its parameters."""
    return re.sub(r"\{\w+\}", "{}", path)


def _dropped(noun: Noun, routes: Sequence[Route]) -> Iterable[str]:
    """The fields of the body that creates it which its statement would drop."""
    bodies = [
        route.body
        for route in routes
        if route.body and route.method == "POST" and route.path.endswith(f"/{noun.table}")
    ]
    for body in bodies:
        if noun.create is None:
            yield f"is created by {body.__name__}, but its declaration names no create"
            return
        _, parameters = noun.create.compiled["all"]
        for name in body.__struct_fields__:
            if name not in parameters:
                yield f"drops {name} of {body.__name__}, which its CREATE does not take"
