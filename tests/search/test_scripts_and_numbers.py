"""Search in scripts without spaces, by letters that are one to who types them, and by telephone numbers."""

import pytest

from support.cast import Cast, Person
from support.searching import both_ways, learnt, search, titles
from support.sql import Sql


def listed(person: Person, query: dict[str, str], noun: str = "organizations") -> list[str]:
    answer = person.get(f"/api/{noun}", params=query)
    assert answer.status_code == 200, answer.text
    return [row.get("name") or row["fullName"] for row in answer.json()]


FOUND = [
    ("株式会社東京電力", ["電力", "東京", "東京電", "電", "力", "株式会社", "京電力"]),
    ("上海贸易有限公司", ["贸易", "贸易有限", "公司"]),
    ("บริษัทไทย", ["ไทย", "บริษัท"]),
    ("カタカナ商店", ["商店", "ｶﾀｶﾅ", "カナ"]),
    ("ΟΔΟΣ ΑΘΗΝΑΣ", ["οδος αθηνας", "οδοσ", "Οδός Αθηνάς"]),
    ("σίσυφος", ["ΣΊΣΥΦΟΣ", "σισυφος"]),
    ("Þór Verslun", ["thor", "þór", "Þor"]),
    ("Acme\u200bZero\ufeff", ["acmezero", "acme\u2060zero"]),
    ("Müller\u00adbau", ["mullerbau"]),
]


@pytest.mark.parametrize(("name", "typed"), FOUND)
def test_a_name_is_found_by_a_part_in_its_script(cast: Cast, name: str, typed: list[str]) -> None:
    other = "東京 商会 电 Σ"
    made = cast.ada.made("/api/organizations", name=name, type="other")["id"]
    cast.ada.made("/api/organizations", name=other, type="other")
    for each in typed:
        assert name in titles(cast.ada, each), each
        assert name in listed(cast.ada, {"q": each}), each
        assert name in listed(cast.ada, {"name:contains": each}), each
        hit = next(h for h in search(cast.ada, each) if h["title"] == name)
        assert hit["highlights"], each
        found, walked = both_ways(cast, each)
        assert walked is not None
        assert made in walked, each
        assert found is None or set(found) == set(walked), each
    assert cast.ada.get("/api/organizations", params={"name": name.upper()}).json()


def test_pairs_that_are_not_there_together_find_nothing(cast: Cast) -> None:
    cast.ada.made("/api/organizations", name="株式会社東京電力", type="other")
    learnt(cast, "東京", "京電", "電力")
    for typed in ("電東", "力電", "大阪"):
        assert titles(cast.ada, typed) == [], typed
    for typed in ("電東", "力電", "大阪", "東京都"):
        assert listed(cast.ada, {"q": typed}) == [], typed


def test_names_that_differ_in_a_sigma_sort_side_by_side(cast: Cast) -> None:
    for name in ("ΟΔΟΣ Β", "οδος Α", "Οδοσγ", "οδος Γ"):
        cast.ada.made("/api/organizations", name=name, type="other")
    assert listed(cast.ada, {"name:contains": "οδο"}) == ["οδος Α", "ΟΔΟΣ Β", "οδος Γ", "Οδοσγ"]
    assert listed(cast.ada, {"name": "οδοσ α"}) == ["οδος Α"]


NUMBERS = {
    "+41 44 987 65 43": ["+41 44 987 65 43", "0449876543", "9876543", "+41449876543", "0041449876543", "876543",
                         "044 987 65 43", "(044) 987-65-43", "+41 (0)44 987 65 43", "449876543"],
    "044 987 65 43": ["+41 44 987 65 43", "0449876543", "9876543", "+41449876543", "0041449876543"],
    "+41 (0)44 987 65 43 ext. 7": ["+41 44 987 65 43", "0449876543", "9876543"],
}  # fmt: skip


@pytest.mark.parametrize(("phone", "typed"), NUMBERS.items())
def test_a_telephone_number_finds_its_contact(cast: Cast, phone: str, typed: list[str]) -> None:
    body = {"email": "p@x.example", "type": "client"}
    cast.ada.made("/api/contacts", fullName="Petra", phone=phone, **body)
    cast.ada.made("/api/contacts", fullName="Paul", phone="+49 30 123 45 67",
                  **body | {"email": "q@x.example"})  # fmt: skip
    for each in typed:
        assert titles(cast.ada, each) == ["Petra"], each
        assert listed(cast.ada, {"q": each}, "contacts") == ["Petra"], each
        assert listed(cast.ada, {"phone": each}, "contacts") == ["Petra"], each
    for part in ("987 65", "9876543", "044987"):
        assert listed(cast.ada, {"phone:contains": part}, "contacts") == ["Petra"], part
    assert listed(cast.ada, {"phone:contains": "111"}, "contacts") == []
    assert titles(cast.ada, "7654321") == []
    for other in ("7654321", "+49 44 987 65 42", "+49 30 987 65 43"):
        assert listed(cast.ada, {"phone": other}, "contacts") == [], other
    assert cast.ada.get("/api/contacts?phone:contains=abc").status_code == 422


def test_a_number_is_found_by_six_digits_at_least_among_what_the_viewer_sees(cast: Cast) -> None:
    for name in ("stan_contact", "gita_contact"):
        path = f"/api/contacts/{getattr(cast, name)}"
        assert cast.ada.put(path, {"phone": "+41 44 987 65 43"}).status_code == 200
    cast.contact("Petra")
    loose = cast.ada.made("/api/contacts", fullName="Pia", type="client", phone="044 987 65 43")
    everybody = cast.ada.get("/api/contacts?phone=0449876543").json()
    assert {row["id"] for row in everybody} == {cast.stan_contact, cast.gita_contact, loose["id"]}
    for who in (cast.stan, cast.gita):
        seen = who.get("/api/contacts?phone=%2B41449876543&sort=-id").json()
        assert {row["id"] for row in seen} == {cast.stan_contact, cast.gita_contact}
        assert len(who.get("/api/contacts?q=0041+44+987+65+43").json()) == 2
        assert len(who.get("/api/search?q=044+987+65+43").json()) == 2
    counted = cast.ada.get("/api/contacts?filter=phone%3D%22987%2065%2043%22&count=exact")
    assert counted.headers["x-total-count"] == "3"
    for short in ("044 98", "98 76 5", "abc", ""):
        answer = cast.ada.get("/api/contacts", params={"phone": short})
        assert answer.status_code == 422 and "phone" in answer.text, short


def test_numbers_that_are_no_telephone_numbers_are_found_as_before(cast: Cast) -> None:
    cast.ada.made(
        "/api/organizations", name="Archive 0012345", type="other", externalId="000777888"
    )
    learnt(cast, "0012345", "000777888")
    for typed in ("0012345", "00123", "000777888", "archive 0012345"):
        assert titles(cast.ada, typed) == ["Archive 0012345"], typed
        assert listed(cast.ada, {"q": typed}) == ["Archive 0012345"], typed


def test_no_index_is_the_beginning_of_another(sql: Sql) -> None:
    """Each would be paid for by every write."""
    rows = sql.rows("""
        SELECT shorter.indexrelid::regclass::text AS index, longer.indexrelid::regclass::text AS within
        FROM pg_index shorter JOIN pg_index longer ON longer.indrelid = shorter.indrelid
            AND longer.indexrelid <> shorter.indexrelid
            JOIN pg_class s ON s.oid = shorter.indexrelid JOIN pg_class l ON l.oid = longer.indexrelid
            JOIN pg_am a ON a.oid = s.relam AND a.amname = 'btree' AND l.relam = a.oid
        WHERE s.relnamespace = 'public'::regnamespace AND NOT shorter.indisunique
            AND shorter.indnkeyatts <= longer.indnkeyatts AND shorter.indexprs IS NULL
            AND (shorter.indkey::int2[])[0:shorter.indnkeyatts - 1]
                = (longer.indkey::int2[])[0:shorter.indnkeyatts - 1]
            AND (shorter.indpred IS NULL AND longer.indpred IS NULL OR
                pg_get_expr(shorter.indpred, shorter.indrelid) = pg_get_expr(longer.indpred, longer.indrelid))
    """)
    assert [(row["index"], row["within"]) for row in rows] == []
