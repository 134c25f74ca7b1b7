"""The models: importable by a client, without the server around them."""

import subprocess
import sys
from pathlib import Path

import pytest

import retainer

ROOT = Path(retainer.__file__).parent


def module(path: Path) -> str:
    """The dotted name of a file of the package."""
    parts = ("retainer", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


MODELS = sorted(module(path) for path in ROOT.rglob("model.py"))
PACKAGES = sorted(module(path) for path in ROOT.rglob("__init__.py"))
# The types that models share: fields, roles, and the refusal of a value.
SHARED = {"retainer.http.fields", "retainer.permissions", "retainer.errors"}

_LOADED = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
# msgspec takes typing_extensions where it is installed; private ones are Python's own.
own = sys.stdlib_module_names | {"msgspec", "typing_extensions"}
print(*(x for x in sys.modules if x.partition(".")[0] not in own and not x.startswith("_")))
"""


def loaded(*names: str) -> set[str]:
    """What a new interpreter loads to import these, beside msgspec and its own library."""
    command = [sys.executable, "-c", _LOADED, *names]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


@pytest.mark.parametrize("name", MODELS)
def test_a_model_loads_nothing_but_models_and_the_types_they_share(name: str) -> None:
    assert loaded(name) <= {*MODELS, *PACKAGES, *SHARED}


def test_packages_load_nothing_but_themselves() -> None:
    assert loaded(*PACKAGES) == set(PACKAGES)
