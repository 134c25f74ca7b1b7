"""The README tells the truth about settings and commands."""

from pathlib import Path

from retainer.config import DEFAULTS, DESCRIPTIONS, PREFIX, SECRETS
from retainer.server.cli import parser

README = (Path(__file__).parents[2] / "README.md").read_text()


def settings_table() -> str:
    """Every setting with its default, as the README shows it."""
    rows = ["| setting | default | |", "|---|---|---|"]
    for name, words in DESCRIPTIONS.items():
        value = getattr(DEFAULTS, name)
        shown = f"`{value:g}`" if isinstance(value, float) else f"`{value}`" if value != "" else ""
        secret = " (also `…_FILE`)" if name in SECRETS else ""
        rows.append(f"| `{PREFIX}{name.upper()}` | {shown} | {words}{secret} |")
    return "\n".join(rows)


def test_the_readme_lists_every_setting() -> None:
    table = README.split("a test compares -->\n")[1].split("\n<!-- /settings")[0]
    assert table == settings_table()


def test_the_readme_lists_every_command() -> None:
    commands = parser()._subparsers._group_actions[0].choices
    for name in commands:
        assert f"`{name}" in README, name
