"""The shape of the code, as STYLE.md and docs/architecture.md say it: entries, files a folder, a
noun's modules, names, lengths and density. The layers of imports are import-linter's (`make check`).
"""

import ast
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

import retainer
from retainer.pages.reference.document import document
from retainer.routes import ROUTES

ROOT = Path(retainer.__file__).parent
REPOSITORY = Path(__file__).parents[1]
FILES = sorted(ROOT.rglob("*.py"))
TEXTS = {path: path.read_text() for path in FILES}
TREES = {path: ast.parse(text) for path, text in TEXTS.items()}
LINES = {path: text.splitlines() for path, text in TEXTS.items()}
LINES_OF_CODE = sum(map(len, LINES.values()))

NOUNS = sorted(
    folder
    for group in ("records", "identity")
    for folder in (ROOT / group).iterdir()
    if (folder / "web.py").exists()
)

# Private words of the past, and what the trade calls them.
MODULES = {
    "together": "group_commit",
    "batch": "read_coalescing",
    "gathering": "pipeline",
    "news": "changes",
    "streams": "subscriber",
    "writes": "safe_writes",
    "conditions": "preconditions",
    "preferences": "prefer",
    "actions": "submit",
    "choosing": "record_picker",
    "words": "formatting",
    "query": "query_string, or parameters of a list",
    "path_parameters": "parameters",
    "messages": "constraint_messages",
    "authentication": "cache and monitor",
    "happened": "activities",
    "work_tabs": "tabs",
    "chips": "filter_chips",
    "glossary": "Meta on the models",
    "answer": "response",
}
IDENTIFIERS = {
    "Together": "GroupCommit",
    "Gathered": "CapturingDb",
    "Alone": "CannotPipeline",
    "Mark": "Position",
    "Pile": "ChangeBuffer",
    "Watch": "TenantPoller",
    "sight": "visibility_key",
    "woken": "wakeup",
    "Extra": "CustomFilter",
    "Finder": "Prefilter",
    "Kind": "FieldType",
    "is_careful": "short_timeout",
    "wishes": "prefer",
    "Answer": "Response",
    "answer": "response, response_type or record_type",
    "listed": "list_response",
    "gone_with": "cascade",
    "seen_as": "visible_as",
    "Joint": "LinkWords",
    "address_of_page": "page_url",
}


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> list[Any]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return [node for node in ast.walk(TREES[path]) if isinstance(node, kinds)]


def imported(path: Path) -> Iterator[str]:
    """Dotted modules of this package that a file imports, its names tried as modules first."""
    known = {module_of(each) for each in FILES}
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path)}: relative imports hide whose they are"
            wanted = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in known else str(node.module) for name in wanted)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def module_of(path: Path) -> str:
    parts = ["retainer", *path.relative_to(ROOT).with_suffix("").parts]
    return ".".join(parts).removesuffix(".__init__")


def test_there_is_code_to_look_at() -> None:
    assert len(FILES) > 100
    assert len(NOUNS) > 8
    assert LINES_OF_CODE > 10_000


def test_the_root_of_the_package_has_few_entries() -> None:
    entries = [path.name for path in ROOT.iterdir() if path.name != "__pycache__"]
    assert len(entries) <= 18, sorted(entries)


def test_a_folder_has_few_files() -> None:
    counts = Counter(path.parent for path in FILES)
    assert {place(folder): count for folder, count in counts.items() if count > 16} == {}


def test_the_map_of_the_readme_names_every_entry() -> None:
    map_of_it = (REPOSITORY / "README.md").read_text().split("## The map")[1].split("```")[1]
    named = set(re.findall(r"[\w.-]+", map_of_it))
    command = ["git", "ls-files", "--", "."]
    tracked = subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True, text=True)
    top = {name.partition("/")[0] for name in tracked.stdout.splitlines()}
    entries = {path.name for path in ROOT.iterdir() if path.name != "__pycache__"}
    assert (top | entries) - {"README.md"} <= named


@pytest.mark.parametrize("folder", NOUNS, ids=place)
def test_a_noun_has_its_modules_and_says_what_it_is(folder: Path) -> None:
    modules = {"__init__.py", "model.py", "store.py", "web.py"}
    if folder.name != "sessions":  # a session is nobody's record
        modules.add("noun.py")
    assert {path.name for path in folder.glob("*.py")} >= modules
    face = TREES[folder / "__init__.py"]
    assert len(face.body) == 1, "a docstring only"
    docstring = ast.get_docstring(face) or ""
    assert docstring.startswith(f"{folder.name.capitalize()}: ")
    assert len(docstring) > 150, "what it is, and its invariants"


def test_no_file_imports_in_a_circle() -> None:
    edges = {module_of(path): set(imported(path)) - {module_of(path)} for path in FILES}
    leaves: set[str] = set()
    while (
        more := {name for name, uses in edges.items() if not (uses & edges.keys()) - leaves}
        - leaves
    ):
        leaves |= more
    assert edges.keys() - leaves == set()


def test_no_folder_imports_in_a_circle() -> None:
    """Each folder with all that is in it taken as one; what lies in the package's root, by itself."""
    edges: dict[str, set[str]] = {}
    for path in FILES:
        ours = [name for name in imported(path) if name.startswith("retainer")]
        used = {entry_of(name) for name in ours}
        edges.setdefault(entry_of(module_of(path)), set()).update(used)
    leaves: set[str] = set()
    while more := {n for n, uses in edges.items() if not uses - leaves - {n}} - leaves:
        leaves |= more
    assert edges.keys() - leaves == set()


def entry_of(module: str) -> str:
    return module.removeprefix("retainer").removeprefix(".").partition(".")[0]


@pytest.mark.parametrize("path", FILES, ids=place)
def test_a_module_has_a_docstring(path: Path) -> None:
    assert ast.get_docstring(TREES[path])


def test_a_docstring_begins_with_a_noun_or_a_verb() -> None:
    """Docstrings of the API's types are left out: they are texts of its document."""
    components = document(ROUTES)["components"]["schemas"]
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    headless = re.compile(r"(What|Whether|Who|Whom|Whose|Where|When|How|Which|Why|Whoever)\b")
    published = {schema.get("description") for schema in components.values()}
    tests = {
        path: ast.parse(path.read_text()) for path in sorted(Path(__file__).parent.rglob("*.py"))
    }
    found = [
        f"{path.name}: {docstring.splitlines()[0]}"
        for path, tree in (TREES | tests).items()
        for node in ast.walk(tree)
        if isinstance(node, kinds) and (docstring := ast.get_docstring(node))
        if headless.match(docstring) and " ".join(docstring.split()) not in published
    ]
    assert found == []


def test_no_module_has_a_private_name() -> None:
    assert {place(path): MODULES[path.stem] for path in FILES if path.stem in MODULES} == {}


def test_no_identifier_is_a_private_word() -> None:
    found: dict[str, str] = {}
    for path in FILES:
        for node in ast.walk(TREES[path]):
            if isinstance(node, ast.alias):
                continue  # the word of another package
            names = [getattr(node, part, None) for part in ("name", "arg", "id", "attr")]
            for name in set(names) & IDENTIFIERS.keys():
                found[f"{place(path)}: {name}"] = IDENTIFIERS[name]
    assert found == {}


def test_functions_are_short() -> None:
    lengths = sorted(
        node.end_lineno - node.lineno + 1 for path in FILES for node in functions(path)
    )
    assert median(lengths) <= 8
    assert lengths[len(lengths) * 9 // 10] <= 25
    assert lengths[-1] <= 50


LONGEST_FILE = 350
# Files that are longer, each with the reason.
LONGER = {
    "routes.py": "the sitemap: one line a route",
    "database/database.py": "the process's database and a request's view of it need each other",
}


def test_files_are_short_or_say_why_not() -> None:
    lengths = {place(path): len(lines) for path, lines in LINES.items()}
    assert {name for name, count in lengths.items() if count > LONGEST_FILE} == set(LONGER)


def test_conditional_expressions_are_rare() -> None:
    count = sum(isinstance(node, ast.IfExp) for tree in TREES.values() for node in ast.walk(tree))
    assert count / LINES_OF_CODE <= 8 / 1000, count


def test_a_statement_has_at_most_one_conditional_expression() -> None:
    simple = ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return | ast.Expr | ast.Raise
    found = [
        f"{place(path)}:{node.lineno}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, simple)
        if sum(isinstance(part, ast.IfExp) for part in ast.walk(node)) > 1
    ]
    assert found == []


def test_lines_are_short_but_in_tables_of_constants() -> None:
    long = [
        f"{place(path)}:{n}"
        for path in FILES
        for n, line in enumerate(LINES[path], 1)
        if len(line) > 100
    ]
    assert {name.partition(":")[0] for name in long} <= TABLES
    assert len(long) <= 0.005 * LINES_OF_CODE


# Files that are tables of constants, a line an entry.
TABLES = {"routes.py", "pages/routes.py"}


def test_lines_of_templates_are_short() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted(ROOT.rglob("*.html"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if len(line) > 120
    ]
    assert long == []


def test_the_formatter_leaves_nothing_alone_but_tables_of_constants() -> None:
    skips = [line for lines in LINES.values() for line in lines if "# fmt: skip" in line]
    assert len(skips) <= 25
    assert [line for line in skips if not re.match(r"[\])}]  # fmt: skip$", line)] == []


def test_any_is_for_values_whose_type_nobody_knows() -> None:
    lines = [line for path in FILES for line in LINES[path] if re.search(r"\bAny\b", line)]
    assert len(lines) <= 150


def test_nothing_is_defined_that_nothing_uses() -> None:
    texts = [path.read_text() for path in ROOT.rglob("*") if path.suffix in (".py", ".html")]
    counts = Counter(word for text in texts for word in re.findall(r"\w+", text))
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    defined = [
        node.name for tree in TREES.values() for node in tree.body if isinstance(node, kinds)
    ]
    for tree in TREES.values():
        for node in tree.body:
            if isinstance(node, ast.Assign):
                defined += [each.id for each in node.targets if isinstance(each, ast.Name)]
    assert len(defined) > 300
    assert [name for name in defined if counts[name] < 2] == []
