"""Refusals on pages: in people's words, each said once."""

import re
from datetime import UTC, datetime, timedelta

from support.cast import Cast
from support.pages.sitemap import FORM, HTML, get, post

# Words of the API, which nobody who reads a page can use.
API_WORDS = re.compile(
    r"GET /|POST /|/api\b|connect\.sid|cookie|parameter|header|JSON|\bbody\b|one of: admin|"
    r"ETag|If-Match|application/", re.IGNORECASE
)  # fmt: skip


def words(text: str) -> str:
    """The words of a page's main part without those of its buttons and fields."""
    main = text.partition("<main")[2].partition(">")[2].partition("</main>")[0]
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", main))


def test_no_page_about_a_refusal_has_words_of_the_api(cast: Cast) -> None:
    acme = f"/organizations/{cast.acme}"
    malformed = cast.ada.request("POST", acme, headers=HTML | FORM, content=b"name=%ff")
    for answer, status, said in [
        (get(cast.stan, "/organizations/new"), 403, "another role than yours"),
        (get(cast.sam, acme), 404, "It may have been deleted"),
        (get(cast.ada, "/nowhere/at/all"), 404, "It may have been deleted"),
        (
            get(cast.ada, "/tasks?nonsense=1"),
            422,
            "“nonsense” is not known here.",
        ),
        (get(cast.ada, "/organizations/x"), 422, "must be an integer"),
        (post(cast.nobody, acme, name="A"), 401, "You are signed out"),
        (malformed, 422, "Nothing was changed"),
        (post(cast.ada, f"{acme}/history"), 405, "use the page's own buttons"),
    ]:
        text = words(answer.text.replace("&#39;", "'"))
        assert answer.status_code == status, text
        assert said in text, text
        found = API_WORDS.search(text)
        assert found is None, text
        sentences = re.findall(r"[^.!?]+[.!?]", text)
        assert len(sentences) == len(set(sentences)), "each is said once"
        assert text.count("Nothing is here") <= 1


def test_the_api_keeps_its_own_words(cast: Cast) -> None:
    assert "It takes one of: admin" in cast.stan.post("/api/organizations", {}).json()["detail"]
    assert "POST /api/login" in cast.nobody.get("/api/organizations").json()["detail"]
    assert "is not a parameter" in cast.ada.get("/api/tasks?due=today").json()["detail"]


def test_a_refused_choice_does_not_send_people_to_the_api(cast: Cast) -> None:
    answer = post(cast.ada, "/tasks", title="T", assigneeId="999999")
    assert answer.status_code == 422
    assert "there is no such user, or they are disabled or not yours to name." in answer.text
    assert "/api/users" not in answer.text


JUST_NOW = r'updated\s+<time[^>]*><span class="on-screen">just now</span>'


def test_times_in_sentences_say_how_long_ago_it_was(cast: Cast) -> None:
    acme = f"/organizations/{cast.acme}"
    for path in (acme, f"/contacts/{cast.gita_contact}"):
        assert re.search(JUST_NOW, get(cast.ada, path).text)
    at = datetime.now(UTC) - timedelta(minutes=95)
    activity = cast.ada.made(
        f"/api{acme}/activities", text="A", happenedAt=at.isoformat("T", "milliseconds")
    )
    assert re.search(
        r'Ada · <time[^>]*><span class="on-screen">1 h ago</span>',
        get(cast.ada, f"/activities/{activity['id']}").text,
    )
    assert re.search(r">1 h<", get(cast.ada, "/activities").text), "a column is short"
