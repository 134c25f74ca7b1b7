"""The host of a website, which is suggested as a domain: as one pattern says it, for any text."""

import random

import pytest

from support.sql import Sql

# What the function answers, as one pattern.
PATTERN = r"^https?://(?:www\.)?((?:[a-z0-9-]+\.)+[a-z][a-z0-9-]*)\.?(?:[:/?#]|$)"
PARTS = ("http://", "HTTPS://", "httpx://", "www.", "WWW.", "www", "a", "B", "9", "-", ".", "..", "com", "co.uk", ":", "8080",
         "/", "?", "#", "@", "ü", "\n", " ", "x.y", "1", "xn--a")  # fmt: skip


@pytest.mark.parametrize(
    ("address", "host"),
    [
        ("https://www.Acme.example/about?x#y", "acme.example"),
        ("http://acme.example.:80", "acme.example"),
        ("https://www.com", "www.com"),
        ("https://www.www.com", "www.com"),
        ("https://acme.example..", None),
        ("https://127.0.0.1/", None),
        ("https://ada@acme.example", None),
        ("https://süß.example", None),
        ("https://acme", None),
        ("ftp://acme.example", None),
        ("", None),
    ],
)
def test_the_host_of_a_website(sql: Sql, address: str, host: str | None) -> None:
    assert sql.value("SELECT host($1)", address) == host


def test_the_host_of_any_text_is_the_one_of_the_pattern(sql: Sql) -> None:
    dice = random.Random(1)
    begins = ("http://", "https://", "HTTPS://www.", "")
    texts = [
        dice.choice(begins) + "".join(dice.choices(PARTS, k=dice.randint(1, 6)))
        for _ in range(20_000)
    ]
    found = sql.rows(
        """SELECT t.text, host(t.text), substring(lower(t.text COLLATE "C") FROM $2) AS expected
        FROM unnest($1::text[]) t (text)""",
        texts,
        PATTERN,
    )
    assert not [row for row in found if row["host"] != row["expected"]]
    assert len({row["host"] for row in found}) > 300
