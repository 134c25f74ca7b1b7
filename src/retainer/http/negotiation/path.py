"""From the path of a request to its route, or to what is answered instead of one."""

from starlette.responses import Response

from retainer.errors import MethodNotAllowed, NotFound
from retainer.http.negotiation import cross_origin
from retainer.http.request import WEB, Request
from retainer.http.routing import Route

_EVERY_METHOD = "DELETE, GET, HEAD, PATCH, POST, PUT"


def respond_early(request: Request) -> Response | None:
    """The response to a request that no handler answers: for the methods of a path (OPTIONS), or at
    a path with a slash too many. Raises NotFound.
    """
    if request.method == "OPTIONS":
        methods = _EVERY_METHOD
        if request.path != "*":
            methods = allowed(_routes(request, request.segments)[0])
        headers = {"allow": methods} | cross_origin.preflight(request, methods)
        return Response(status_code=204, headers=headers)
    # An encoded slash at the end of a value is not one of the path's.
    if request.path.endswith("/") and request.path != "/" and request.segments[-1] == "":
        return _without_slash(request)
    return None


def _without_slash(request: Request) -> Response:
    _routes(request, request.segments[:-1])
    location: str = request.scope["raw_path"].decode("latin-1")[:-1]
    query: bytes = request.scope["query_string"]
    if query:
        location += f"?{query.decode('latin-1')}"
    return Response(status_code=308, headers={"location": location})


def find_route(request: Request) -> tuple[Route, list[str]]:
    """The route and the ids in its path, as written. Raises NotFound or MethodNotAllowed."""
    routes, ids = _routes(request, request.segments)
    method = request.method
    route = routes.get("GET" if method == "HEAD" else method)
    if route is None:
        names = allowed(routes)
        raise MethodNotAllowed(f"This path takes {names}.", headers={"allow": names})
    request.route = route
    if route.html:
        request.channel = WEB
    return route, ids


def _routes(request: Request, segments: list[str]) -> tuple[dict[str, Route], list[str]]:
    table = request.app.table
    wants_page = request.wants_page
    if not wants_page and request.accepts_page:
        wants_page = request.is_page_only = table.has_only_page(segments)
    routes, ids = table.find(segments, pages=wants_page)
    if routes is None:
        raise NotFound
    return routes, ids


def allowed(routes: dict[str, Route]) -> str:
    """The methods of a path, as Allow names them."""
    names = sorted(routes)
    if "GET" in routes:
        names.append("HEAD")
    return ", ".join(names)
