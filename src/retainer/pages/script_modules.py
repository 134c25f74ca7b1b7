"""Imports of the ES modules in layout/js, checked when a process starts.

When a browser cannot link a module it runs none of the modules that need it, and reports that on
its console alone. So the server refuses to start for an import of something that does not exist,
for modules that import each other in a circle, and for an import in a form that is not known here.
"""

import re
from collections.abc import Callable
from graphlib import CycleError, TopologicalSorter

# The two forms of an import, each on a line of its own:
#   import { name, other as alias } from "./module.js";
#   import "./module.js";
_IMPORT = re.compile(r'^import (?:\{([^{}"]*)\} from )?"([^"]*)";$', re.MULTILINE)
_ANY_IMPORT = re.compile(r"^import\b.*|\bimport *\(.*|^export\b[^;=(]*\bfrom\b.*", re.MULTILINE)
_COMMENT = re.compile(r"^ *//.*$", re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:function|const|let|class) ([\w$]+)", re.MULTILINE)


class ModuleError(RuntimeError):
    """A module that a browser could not link."""


def link_order(sources: dict[str, str]) -> dict[str, list[str]]:
    """Order the modules so that each comes after all that it needs. The value of each is the
    modules that it needs, directly or through others, in the same order.
    """
    graph = {name: _imports(name, sources) for name in sorted(sources)}
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        cycle = " imports ".join(reversed(error.args[1]))
        raise ModuleError(f"layout/js has modules that import each other: {cycle}") from None
    needed: dict[str, set[str]] = {}
    for name in order:
        needed[name] = set(graph[name]).union(*(needed[each] for each in graph[name]))
    return {name: [each for each in order if each in needed[name]] for name in order}


def served(source: str, url: Callable[[str], str]) -> str:
    """Module as it is sent: imports name the URLs of modules, and comments are empty lines. That
    saves a sixth of the bytes, and errors in a browser name the same lines as the source.
    """

    def with_url(match: re.Match[str]) -> str:
        specifier = match[2]
        return match[0].replace(f'"{specifier}"', f'"{url(specifier.removeprefix("./"))}"')

    return _IMPORT.sub(with_url, _COMMENT.sub("", source))


def _imports(importer: str, sources: dict[str, str]) -> list[str]:
    """Names of the modules that one imports. Raises ModuleError where one does not exist, or does
    not export an imported name.
    """
    source = sources[importer]
    _check_forms(importer, source)
    found = []
    for names, specifier in _IMPORT.findall(source):
        module = specifier.removeprefix("./")
        if module == specifier or module not in sources:
            raise ModuleError(f'layout/js/{importer} imports "{specifier}", which does not exist')
        exported = set(_EXPORT.findall(sources[module]))
        for name in filter(None, (part.strip() for part in names.split(","))):
            if name.partition(" as ")[0] not in exported:
                raise ModuleError(
                    f"layout/js/{importer} imports {name}, which {module} does not export"
                )
        found.append(module)
    return found


def _check_forms(importer: str, source: str) -> None:
    read = {match.start() for match in _IMPORT.finditer(source)}
    for match in _ANY_IMPORT.finditer(source):
        if match.start() not in read:
            raise ModuleError(
                f"layout/js/{importer} has an import in another form than "
                f'import {{ name }} from "./module.js"; : {match[0]}'
            )
