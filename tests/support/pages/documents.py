"""Pages of documents and files of some formats."""

from typing import Any

from support.cast import Person

HTML = {"Accept": "text/html"}
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"1 0 obj\n" * 200
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\6\0\0\0"
GIF = b"GIF89a\1\0\1\0\x80\0\0"


def got(person: Person, path: str, status: int = 200, **headers: str) -> str:
    answer = person.get(path, headers=HTML | headers, follow_redirects=False)
    assert answer.status_code == status, (answer.status_code, answer.text[:2000])
    assert answer.headers["content-type"].startswith("text/html")
    return answer.text


def part(person: Person, path: str, target: str) -> str:
    """The part of a page that htmx gets for the element of this id."""
    return got(person, path, **{"HX-Request": "true", "HX-Target": f"div#{target}"})


def added(person: Person, content: bytes, name: str, **data: Any) -> dict[str, Any]:
    answer = person.post("/api/documents", files={"file": (name, content)}, data=data)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
