"""Workloads, as lanes for the load generator."""

import msgspec

from bench import rows
from bench.contender import Contender
from bench.load import Lane, Part

ONE, LIST50, ALL, CREATE, MIX = "one", "list50", "all", "create", "mix"
ONE_GZIP, LIST50_GZIP = "one-gzip", "list50-gzip"  # of clients that accept gzip, as most do

# In this order: what adds rows to the large tenant comes after what lists them all.
PAGE, PAGES = "page", "pages"  # of one reader, and of as many as everything else has
NAMES = (ONE, ONE_GZIP, LIST50, LIST50_GZIP, PAGE, PAGES, ALL, CREATE, MIX)
TITLES = {
    ONE: "one organization, a random one of 10,000",
    ONE_GZIP: "one organization, gzip accepted",
    LIST50: "list of 50",
    LIST50_GZIP: "list of 50, gzip accepted",
    PAGE: "page of 50 organizations, one at a time, gzip accepted",
    PAGES: "page of 50 organizations, gzip accepted",
    ALL: "all 10,000 organizations",
    CREATE: "create",
    MIX: "mix: 80 % one, 10 % list of 50, 10 % create",
}
SAME_CODE = (ONE_GZIP, LIST50_GZIP, PAGES)  # as the workload before it: warm already
OF_PAGES = (PAGE, PAGES)
PAGE_READERS = 8  # pages at once that Retainer admits
STREAMS = 2  # connections that fetch all 10,000 at once
POINT_READ = "point read"  # the lane of one connection reading single organizations meanwhile
POINT_READ_PAUSE = (
    0.02  # seconds between its reads, so that it adds little to the cost of the lists
)


def lanes(workload: str, contender: Contender, connections: int) -> list[Lane]:
    """The lanes of a workload; the first one is the one measured."""
    cookie = contender.large_cookie
    one = Part("GET", f"{contender.path}/{{id}}", cookie, 80, ids=contender.ids)
    list50 = Part("GET", contender.list_path, contender.small_cookie, 10)
    body = rows.new_organization_template().decode()
    create = Part("POST", contender.path, cookie, 10, body=body)
    everything = Part("GET", contender.list_path, cookie)
    page = Part(
        "GET", "/organizations", contender.small_cookie, encoding="gzip", accept="text/html"
    )
    parts = {
        ONE: [one],
        ONE_GZIP: [msgspec.structs.replace(one, encoding="gzip")],
        LIST50: [list50],
        LIST50_GZIP: [msgspec.structs.replace(list50, encoding="gzip")],
        PAGE: [page],
        PAGES: [page],
        ALL: [everything],
        CREATE: [create],
        MIX: [one, list50, create],
    }
    if workload == ALL:
        return [Lane(ALL, STREAMS, parts[ALL]), Lane(POINT_READ, 1, [one], POINT_READ_PAUSE)]
    of_pages = {PAGE: 1, PAGES: min(connections, PAGE_READERS)}
    return [Lane(workload, of_pages.get(workload, connections), parts[workload])]
