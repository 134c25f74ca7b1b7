"""The shape of the code as STYLE.md has it: folders, docstrings, lengths; and the JSON of each
store.py has the fields of its model.py (docs/decisions/0001).
"""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import pytest
from msgspec import inspect

import retainer
from retainer.http.routing import Route
from support.cast import Cast
from support.samples import CHECKED, FILE, sample, send

ROOT = Path(retainer.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
TREES = {path: ast.parse(path.read_text()) for path in FILES}

NOUNS = sorted(
    folder
    for group in ("records", "identity")
    for folder in (ROOT / group).iterdir()
    if (folder / "web.py").exists()
)

LONGEST_FILE = 400

# Files that are longer, each with the reason.
LONGER: dict[str, str] = {}


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[list[str]]:
    """What a file takes from this package, as dotted parts: `from retainer.users import store` is [users, store]."""
    for node in ast.walk(TREES[path]):
        names: list[str] = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path)}: relative imports hide whose they are"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        yield from (name.split(".")[1:] for name in names if name.split(".")[0] == "retainer")


def functions(path: Path) -> list[Any]:
    return [
        node
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def length(node: Any) -> int:
    return int(node.end_lineno - node.lineno + 1)


def test_the_checks_of_the_shape_find_code() -> None:
    assert len(FILES) > 50
    assert len(NOUNS) > 8
    assert sum(1 for path in FILES for _ in imports(path)) > 200


@pytest.mark.parametrize("folder", NOUNS, ids=place)
def test_a_nouns_folder_has_its_files_and_a_docstring(folder: Path) -> None:
    assert {path.name for path in folder.glob("*.py")} >= {
        "__init__.py",
        "model.py",
        "store.py",
        "web.py",
    }
    face = TREES[folder / "__init__.py"]
    assert len(face.body) == 1, "a docstring only"
    words = ast.get_docstring(face) or ""
    assert words.startswith(f"{folder.name.capitalize()}: ")
    assert len(words) > 150, "what it is, and its invariants"


@pytest.mark.parametrize("folder", NOUNS, ids=place)
def test_stores_know_no_requests(folder: Path) -> None:
    assert not {".".join(parts[:2]) for parts in imports(folder / "store.py")} & {
        "http.dispatch",
        "http.request",
    }


@pytest.mark.parametrize("path", FILES, ids=place)
def test_every_module_has_a_docstring(path: Path) -> None:
    assert ast.get_docstring(TREES[path])


def test_functions_are_short() -> None:
    lengths = sorted(length(node) for path in FILES for node in functions(path))
    assert median(lengths) <= 8
    assert lengths[len(lengths) * 9 // 10] < 25
    assert lengths[-1] <= 45


def test_files_are_short_or_have_a_reason() -> None:
    lines = {place(path): len(path.read_text().splitlines()) for path in FILES}
    assert {name for name, count in lines.items() if count > LONGEST_FILE} == set(LONGER)


def test_every_definition_is_used() -> None:
    texts = [path.read_text() for path in ROOT.rglob("*") if path.suffix in (".py", ".html")]
    words = Counter(word for text in texts for word in re.findall(r"\w+", text))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    defined = [
        node.name for tree in TREES.values() for node in tree.body if isinstance(node, kinds)
    ]
    defined += [target.id for tree in TREES.values() for node in tree.body if isinstance(node, ast.Assign)
                for target in node.targets if isinstance(target, ast.Name)]  # fmt: skip
    assert len(defined) > 300
    assert [name for name in defined if words[name] < 2] == []


def furnish(cast: Cast) -> None:
    """Make a row in every list, with everything that a row can refer to."""
    project = cast.ada.made(
        "/api/projects", organizationId=cast.acme, title="P", startDate="2026-01-31"
    )["id"]
    cast.ada.made("/api/tasks", projectId=project, organizationId=cast.acme, title="T", assigneeId=cast.stan.id,
                  dueDate="2026-01-31")  # fmt: skip
    form = {"organizationId": str(cast.acme), "projectIds": str(project)}
    assert cast.ada.post("/api/documents", files=FILE, data=form).status_code == 200
    cast.ada.made("/api/documents", name="D", url="https://x.example", projectIds=[project])
    cast.ada.made(
        f"/api/organizations/{cast.acme}/activities", text="A", contactIds=[cast.gita_contact]
    )


ANSWERED = [route for route in CHECKED if route.answer not in (None, bytes)]


@pytest.mark.parametrize("route", ANSWERED, ids=lambda route: route.name)
def test_answers_decode_into_their_declared_types(cast: Cast, route: Route) -> None:
    furnish(cast)
    ids, body = sample(cast, route)
    answer = send(cast.ada, route, ids, body)
    assert answer.status_code == 200, answer.text
    msgspec.json.decode(answer.content, type=route.answer)
    assert answer.json(), "an empty list would show nothing"
    compare(inspect.type_info(route.answer), answer.json(), route.name)


def compare(kind: Any, value: Any, where: str) -> None:
    """The keys of every object are its type's fields, in their order, all of them and no others."""
    if value is None:
        return
    if isinstance(kind, inspect.StructType):
        assert list(value) == [field.encode_name for field in kind.fields], where
        for field in kind.fields:
            compare(field.type, value[field.encode_name], f"{where}.{field.encode_name}")
    elif isinstance(kind, inspect.ListType):
        for element in value:
            compare(kind.item_type, element, f"{where}[]")
    elif isinstance(kind, inspect.UnionType):
        for part in kind.types:
            compare(part, value, where)
    elif isinstance(kind, inspect.Metadata):
        compare(kind.type, value, where)
