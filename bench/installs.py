"""Installations of peers in the user's cache, each made anew when its pins change."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.contender import UnavailableError

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "retainer-bench"


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise UnavailableError(f"`{name}` is not installed (it needs Node.js 20 or newer with npm)")
    return found


def version(source: Path) -> str:
    """Node's version and the pins of a peer's package.json."""
    pins: dict[str, str] = json.loads((source / "package.json").read_text())["dependencies"]
    named = ", ".join(f"{package} {pin}" for package, pin in pins.items())
    command = [program("node"), "--version"]
    node = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return f"Node {node}, {named}"


def install(command: Sequence[str], cwd: Path) -> None:
    print(f"  {Path(command[0]).name} {' '.join(command[1:3])} …", file=sys.stderr, flush=True)
    done = subprocess.run(command, check=False, cwd=cwd, capture_output=True, text=True)
    if done.returncode != 0:
        last = "\n".join((done.stdout + done.stderr).splitlines()[-8:])
        raise UnavailableError(f"its installation failed:\n{last}")


def changed(home: Path, pins: Path) -> bool:
    stamp = home / ".installed"
    return not stamp.exists() or stamp.read_text() != _digest(pins)


def remember(home: Path, pins: Path) -> None:
    (home / ".installed").write_text(_digest(pins))


def _digest(pins: Path) -> str:
    return hashlib.sha256(pins.read_bytes()).hexdigest()
