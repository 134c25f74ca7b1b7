"""One line of the sitemap, and finding it by method and path."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any, get_args

import msgspec
from starlette.responses import Response

from retainer.database.statement import Statement
from retainer.http.fields import refuse_undescribed
from retainer.permissions import PERMISSIONS, PUBLIC

Handler = Callable[..., Awaitable[Response]]
Exists = Callable[..., Awaitable[bool]]

API = "/api"
NO_NOUNS: Mapping[str, Statement] = {}


class Route(msgspec.Struct, frozen=True, dict=True):
    """A line of routes.py.

    `name` is the operation id of the OpenAPI document and the action in the journal; `permission` a
    key of PERMISSIONS or PUBLIC; `body` the type of the JSON body; `response_type` the type of a
    200's body (None: an empty body); `on` tells whether the viewer sees what the path's ids name,
    so that refusals come in the right order; `bare` serves the path without /api too, as the
    contract writes it; `page` serves it without /api only and leaves it out of the OpenAPI
    document; `html` marks what browsers get at a bare path: a page, or what a form of one does
    (pages/routes.py); `form` is the type of a multipart body that carries a file; `errors` are the
    statuses of its own beside those that every such route may answer; `lists` is the list it
    answers, which takes parameters; `query` the type of another route's parameters (None: it takes
    none); `creates` says that it answers 201 where it made something. `lines` is the type of each
    line of an NDJSON body; `response_type` is then that of each line of the response. A change that
    is more than a transaction cannot be repeated or tried (`keyed`, `dry`: see safe_writes/);
    `secret` says that its body or its response holds one. /bulk takes all changes of nouns but
    those with `bulk=False`. `description` says in the OpenAPI document what summary and permission
    leave open. `tag` is what it belongs to, by default the first word of its path.
    """

    name: str
    method: str
    path: str
    handler: Handler
    permission: str
    summary: str
    body: type[msgspec.Struct] | None = None
    response_type: Any = None
    status: int = 200
    on: Exists | None = None
    bare: bool = False
    page: bool = False
    html: bool = False
    form: type[msgspec.Struct] | None = None
    errors: tuple[int, ...] = ()
    lines: type[msgspec.Struct] | None = None
    keyed: bool = True
    dry: bool = True
    secret: bool = False
    bulk: bool = True
    lists: object | None = None  # a ListSpec
    creates: bool = False
    query: type[msgspec.Struct] | None = None
    description: str = ""
    tag: str = ""

    def __post_init__(self) -> None:
        first = self.path.split("/")[1]
        msgspec.structs.force_setattr(self, "tag", self.tag or _TAGS.get(first, first))

    @property
    def url(self) -> str:
        """The whole path."""
        if self.page:
            return self.path
        return API + self.path

    @cached_property
    def changes(self) -> bool:
        """True where it may change something."""
        return self.method not in ("GET", "HEAD")

    @property
    def record(self) -> bool:
        """True where it answers one record, with the ETag of its state. A membership is named by
        its contact's id.
        """
        return not {"id", "contact_id"}.isdisjoint(
            getattr(self.response_type, "__struct_fields__", ())
        )

    @property
    def types(self) -> list[Any]:
        """The types of its bodies, its response and its parameters."""
        used = (self.body, self.form, self.lines, self.response_type, self.query)
        return [each for each in used if each not in (None, bytes)]

    @cached_property
    def weight(self) -> int:
        """The work that a request is for the processor, of PLACES_OF_REQUESTS (shares/). What has
        bounds of its own, and what is never refused, has none.
        """
        if self.permission == PUBLIC or self.lines or self.form or self.name == LIVE:
            return 0
        if self.html and not self.changes:
            return 32
        if self.lists is not None or self.query is not None:
            return 16
        if self.html:
            return 8
        return 1

    @property
    def multipart(self) -> bool:
        """True where it takes a file upload."""
        return self.form is not None

    @cached_property
    def parameters(self) -> list[str]:
        """Names of the ids in the path, in order; `value` is a text."""
        return [part[1:-1] for part in self.path.split("/") if part.startswith("{")]


LIVE = "live"  # the route of the streams
_TAGS = {
    "login": "account",
    "logout": "account",
    "setup": "account",
    "user": "account",
    "openapi.json": "api",
    "bulk": "writes",
    "tenant": "tenants",
}
TEXT = "value"  # the parameter of a path that is a text, where all others are ids
_METHODS = ""  # the key of a node's methods: no path segment is empty
_ID = "/"  # the key of what follows an id: no path segment has a slash


class Table:
    """All routes as a tree of path segments; an id matches where no word does."""

    def __init__(self, routes: list[Route], nouns: Mapping[str, Statement] = NO_NOUNS) -> None:
        self.routes = routes
        # By the tags of what /bulk may change: which of :ids the viewer sees.
        self.nouns = nouns
        self.root: dict[str, Any] = {}
        self.pages: dict[str, Any] = {}
        self.by_name = {route.name: route for route in routes}
        self.readers = {r.path: r for r in routes if r.method == "GET" and r.record}
        rows = [row for route in routes for row in get_args(route.response_type)]
        self.rows = {row.__base__: row for row in rows if row.__base__ is not msgspec.Struct}
        refuse_undescribed([each for route in routes if not route.page for each in route.types])
        for route in routes:
            if route.permission != PUBLIC and route.permission not in PERMISSIONS:
                raise ValueError(
                    f"{route.method} {route.path}: no permission is called {route.permission!r}"
                )
            if route.html:
                self._add(self.pages, route, route.url)
            else:
                self._add(self.root, route, route.url)
            if route.bare:
                self._add(self.root, route, route.path)

    def _add(self, node: dict[str, Any], route: Route, path: str) -> None:
        for part in path.strip("/").split("/"):
            if part.startswith("{"):
                node = node.setdefault(_ID, {})
            elif part:
                node = node.setdefault(part, {})
        methods = node.setdefault(_METHODS, {})
        if route.method in methods:
            raise ValueError(f"two routes for {route.method} {path}")
        methods[route.method] = route

    def takes_in_bulk(self, route: Route) -> bool:
        """True where /bulk takes it: the changes of nouns, by JSON."""
        is_of_noun = route.tag in self.nouns and route.bulk
        return route.changes and is_of_noun and (route.form is None or route.body is not None)

    def takes_conditions(self, route: Route) -> bool:
        """True for a change of a record that has an ETag."""
        return route.changes and (route.creates or self.reader(route) is not None)

    def reader(self, route: Route) -> Route | None:
        """The route that reads the record which this one changes, where both have the same path."""
        return self.readers.get(route.path)

    def record(self, route: Route) -> type | None:
        """The type of the record that a route changes, with the fields that only lists show."""
        record: type | None = self.readers.get(route.path, route).response_type
        return record and self.rows.get(record, record)

    def find(
        self, segments: list[str], *, pages: bool = False
    ) -> tuple[dict[str, Route] | None, list[str]]:
        """The routes of a path by method (None: no such path), and the values of its parameters, as
        written. A browser gets the page where there is one.
        """
        if pages:
            routes, ids = _walk(self.pages, segments)
            if routes is not None:
                return routes, ids
        return _walk(self.root, segments)

    def has_only_page(self, segments: list[str]) -> bool:
        """True where there is a page, and the API has nothing at this path: no route, or one whose
        id the page's path spells as a word (`/organizations/export`).
        """
        page, page_ids = _walk(self.pages, segments)
        if page is None:
            return False
        routes, ids = _walk(self.root, segments)
        return routes is None or len(page_ids) < len(ids)

    def has_page(self, segments: list[str]) -> bool:
        """True where a browser gets something else at this path than others do."""
        return _walk(self.pages, segments)[0] is not None


def _walk(node: dict[str, Any], segments: list[str]) -> tuple[dict[str, Route] | None, list[str]]:
    ids: list[str] = []
    if segments == [""]:
        return node.get(_METHODS), ids
    for part in segments:
        if part in node and part:
            node = node[part]
        elif _ID in node and part:
            node = node[_ID]
            ids.append(part)
        else:
            return None, []
    return node.get(_METHODS), ids
