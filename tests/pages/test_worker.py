"""The page of the worker: for administrators, of their own consultancy."""

import re

from support.cast import Cast
from support.pages.sitemap import get
from support.searching import eventually


def rows(cast: Cast) -> list[list[str]]:
    """Position and waiting of each loop."""
    text = re.sub(r"\s+", " ", get(cast.ada, "/worker").text)
    body = text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [
        [re.sub(r"<[^>]+>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", body)
    ]


def test_the_page_of_the_worker_tells_its_host_and_how_far_it_is(cast: Cast) -> None:
    cast.ada.made("/api/organizations", name="One more", type="other")
    operations = cast.sql.value("SELECT count(*) FROM operations WHERE tenant_id = $1", cast.tenant)
    eventually(
        lambda: [row[1:] for row in rows(cast)] == [[str(operations), "0"]] * 2 + [["", "0"]]
    )
    assert re.search(r"It works on <strong>[^<]+</strong>", get(cast.ada, "/worker").text)


def test_the_page_of_the_worker_is_for_administrators(cast: Cast) -> None:
    for person in (cast.cora, cast.stan, cast.gita):
        assert get(person, "/worker").status_code == 403
