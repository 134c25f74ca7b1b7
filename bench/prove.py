"""Proofs that take longer than tests may: python -m bench.prove [name …]. Each is tried once, and its
figures go into bench/PROOFS.md; those of proofs that were not tried stay there.
"""

import argparse
import datetime as dt
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import feed, imports
from bench.system import processor

Outcome = tuple[bool, Mapping[str, str]]  # True where it holds; the figures by their names

PROOFS: dict[str, tuple[str, Callable[[], Outcome]]] = {
    "imports": ("An import of 100,000 rows", lambda: imports.prove(100_000, 10)),
    "feed": ("Positions with eight writers for a minute", lambda: feed.prove(60.0)),
}
FILE = Path(__file__).parent / "PROOFS.md"
HEAD = """# Proofs

Written by `make prove`. Each section says when and of which commit it was tried, and on which machine.
"""


def main() -> int:
    given = argparse.ArgumentParser(prog="python -m bench.prove", description=__doc__)
    given.add_argument("names", nargs="*", choices=[[], *PROOFS], help="by default all")
    names = given.parse_args().names or list(PROOFS)
    sections = read()
    failed = False
    for name in names:
        title, prove = PROOFS[name]
        print(f"prove: {title} …", file=sys.stderr, flush=True)
        holds, figures = prove()
        failed = failed or not holds
        sections[title] = section(holds, figures)
        FILE.write_text(HEAD + "".join(f"\n## {key}\n\n{text}" for key, text in sections.items()))
        print(sections[title], file=sys.stderr, flush=True)
    return int(failed)


def read() -> dict[str, str]:
    """The sections of the file as it is, by their titles."""
    if not FILE.exists():
        return {}
    parts = re.split(r"^## (.+)\n\n", FILE.read_text(), flags=re.MULTILINE)[1:]
    return {title: f"{text.strip()}\n" for title, text in zip(parts[::2], parts[1::2], strict=True)}


def section(holds: bool, figures: Mapping[str, str]) -> str:
    facts = {
        "date": dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit(),
        "machine": f"{processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "holds": "yes" if holds else "NO",
    }
    rows = "".join(f"| {name} | {value} |\n" for name, value in {**facts, **figures}.items())
    return f"| | |\n|---|---|\n{rows}"


def commit() -> str:
    """The commit that is checked out, marked where files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
