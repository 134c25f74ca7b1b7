"""Undo on pages: what it leads to, clashes, refusals."""

from support.cast import Cast
from support.pages.organizations import plain, statuses, toast_of
from support.pages.sitemap import get, post


def test_undo_of_a_create_leads_to_the_list(cast: Cast) -> None:
    made = post(cast.cora, "/organizations", name="Transient", type="other", status="active")
    page = made.headers["location"]
    _, operation = toast_of(made)
    assert (
        post(cast.cora, f"/operations/{operation}/undo", back=page).headers["location"]
        == "/organizations"
    )


def test_a_deletion_from_a_records_page_is_undone(cast: Cast) -> None:
    answer = post(cast.cora, f"/organizations/{cast.globex}/delete")
    assert answer.headers["location"] == "/organizations"
    words, operation = toast_of(answer)
    assert words == "Deleted Globex"
    assert "Globex" not in statuses(cast)
    words, _ = toast_of(post(cast.cora, f"/operations/{operation}/undo", back="/organizations"))
    assert words == "Undid deleting Globex"
    assert "Globex" in statuses(cast)


def test_a_clash_of_an_undo_is_named_with_the_remedy(cast: Cast) -> None:
    _, first = toast_of(post(cast.cora, f"/organizations/{cast.acme}", industry="Energy"))
    _, second = toast_of(post(cast.ada, f"/organizations/{cast.acme}", industry="Mining"))
    answer = post(cast.cora, f"/operations/{first}/undo", back="/organizations")
    assert answer.status_code == 409
    assert "Acme Corporation was changed by Ada" in plain(answer.text)
    assert f'href="/organizations/{cast.acme}"' in answer.text
    assert f'href="/operations/{second}"' in answer.text
    assert f'action="/operations/{second}/undo"' in answer.text
    toast_of(post(cast.cora, f"/operations/{second}/undo"))
    toast_of(post(cast.cora, f"/operations/{first}/undo"))
    again = post(cast.cora, f"/operations/{first}/undo")
    assert again.status_code == 409
    assert "has been undone already" in again.text


def test_an_operations_page_tells_its_changes(cast: Cast) -> None:
    _, operation = toast_of(post(cast.cora, f"/organizations/{cast.acme}", industry="Energy"))
    text = get(cast.stan, f"/operations/{operation}").text
    assert "Cora changed industry of Acme Corporation" in text
    assert "<ins>Energy</ins>" in text
    assert f'href="/organizations/{cast.acme}"' in text
    assert f"/operations/{operation}/undo" not in text, "staff undo what they did themselves"
    assert f"/operations/{operation}/undo" in get(cast.ada, f"/operations/{operation}").text
    assert get(cast.sam, f"/operations/{operation}").status_code == 404
    assert get(cast.gita, f"/operations/{operation}").status_code == 403
    assert get(cast.olga, f"/operations/{operation}").status_code == 404


def test_a_role_that_may_not_undo_is_refused(cast: Cast) -> None:
    _, operation = toast_of(post(cast.cora, f"/organizations/{cast.acme}", industry="Energy"))
    assert post(cast.stan, f"/operations/{operation}/undo").status_code == 403
    assert post(cast.gita, f"/operations/{operation}/undo").status_code == 403
    assert post(cast.sam, f"/operations/{operation}/undo").status_code == 404
