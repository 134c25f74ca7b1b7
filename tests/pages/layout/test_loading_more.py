"""Lists that load more rows tell how many they have, so that Back and live updates keep them."""

from pathlib import Path

import pytest

import retainer.pages

PAGES = Path(retainer.pages.__file__).parent
LISTS = [
    path for path in PAGES.rglob("*.html")
    if path.name != "macros.html" and ("ui.more(" in path.read_text() or "ui.more_rows(" in path.read_text())
]  # fmt: skip


@pytest.mark.parametrize("path", LISTS, ids=lambda path: str(path.relative_to(PAGES)))
def test_a_list_that_loads_more_marks_its_rows(path: Path) -> None:
    assert "data-rows" in path.read_text()


def test_lists_of_both_kinds_are_looked_at() -> None:
    assert len(LISTS) > 10
