"""The ES modules in layout/js: checked when a process starts, and sent as one script a page.

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
# and one within a line for a module that only some pages need, which loads it then:
#   import("./module.js")
_IMPORT = re.compile(r'^import (?:\{([^{}"]*)\} from )?"([^"]*)";$', re.MULTILINE)
_LATER = re.compile(r'\bimport\("([^"]*)"\)')
_ANY_IMPORT = re.compile(r"^import\b.*|\bimport *\(.*?\)|^export\b[^;=(]*\bfrom\b.*", re.MULTILINE)
_COMMENT = re.compile(r"^ *//.*$", re.MULTILINE)
_INDENTATION = re.compile(r"^\s+", re.MULTILINE)
_EXPORTED = re.compile(r"^export ", re.MULTILINE)
_EXPORT = re.compile(r"^export (?:async )?(?:function|const|let|class) ([\w$]+)", re.MULTILINE)


class ModuleError(RuntimeError):
    """A module that a browser could not link."""


def link_order(sources: dict[str, str]) -> dict[str, list[str]]:
    """Order the modules so that each comes after all that it names. The value of each is the
    modules that it needs from the start, directly or through others, in the same order.
    """
    graph = {name: _imports(name, sources) for name in sorted(sources)}
    named = {name: graph[name] + _later(name, sources) for name in graph}
    try:
        order = list(TopologicalSorter(named).static_order())
    except CycleError as error:
        cycle = " imports ".join(reversed(error.args[1]))
        raise ModuleError(f"layout/js has modules that import each other: {cycle}") from None
    needed: dict[str, set[str]] = {}
    for name in order:
        needed[name] = set(graph[name]).union(*(needed[each] for each in graph[name]))
    return {name: [each for each in order if each in needed[name]] for name in order}


def later_modules(sources: dict[str, str]) -> list[str]:
    """Names of the modules that others load on demand."""
    return sorted({name for each in sources for name in _later(each, sources)})


def bundle(
    entry: str, needed: list[str], sources: dict[str, str], url: Callable[[str], str]
) -> str:
    """One script of an entry and the modules that it needs, in this order. Each is a function that
    is called at once, and that leaves what it exports in the page's `retainer`.
    """
    parts = ["globalThis.retainer = {};"]
    for name in (*needed, entry):
        source = _sent(sources[name], url)
        parts += [
            f"retainer.{name.removesuffix('.js')} = (() => {{ // {name}",
            _EXPORTED.sub("", source) + f"return {{ {', '.join(_EXPORT.findall(source))} }};",
            "})();",
        ]
    return "\n".join(parts)


def later_module(source: str, url: Callable[[str], str]) -> str:
    """A module that a page loads when it needs it; it finds in `retainer` what it imports."""
    return _sent(source, url)


def _sent(source: str, url: Callable[[str], str]) -> str:
    """Source without comments and indentation, its imports as a browser finds them."""

    def from_page(match: re.Match[str]) -> str:
        if not match[1]:
            return ""
        names = match[1].strip().rstrip(",").replace(" as ", ": ")
        stem = match[2].removeprefix("./").removesuffix(".js")
        return f"const {{ {' '.join(names.split())} }} = retainer.{stem};"

    def with_url(match: re.Match[str]) -> str:
        return f'import("{url(match[1].removeprefix("./"))}")'

    source = _IMPORT.sub(from_page, _COMMENT.sub("", source))
    return _INDENTATION.sub("", _LATER.sub(with_url, source))


def _imports(importer: str, sources: dict[str, str]) -> list[str]:
    """Names of the modules that one imports. Raises ModuleError where one does not exist, or does
    not export an imported name.
    """
    source = sources[importer]
    _check_forms(importer, source)
    found = []
    for names, specifier in _IMPORT.findall(source):
        module = _module(importer, specifier, sources)
        exported = set(_EXPORT.findall(sources[module]))
        for name in filter(None, (part.strip() for part in names.split(","))):
            if name.partition(" as ")[0] not in exported:
                raise ModuleError(
                    f"layout/js/{importer} imports {name}, which {module} does not export"
                )
        found.append(module)
    return found


def _later(importer: str, sources: dict[str, str]) -> list[str]:
    """Names of the modules that one loads when it needs them."""
    return [_module(importer, found, sources) for found in _LATER.findall(sources[importer])]


def _module(importer: str, specifier: str, sources: dict[str, str]) -> str:
    module = specifier.removeprefix("./")
    if module == specifier or module not in sources:
        raise ModuleError(f'layout/js/{importer} imports "{specifier}", which does not exist')
    return module


def _check_forms(importer: str, source: str) -> None:
    read = {match.start() for form in (_IMPORT, _LATER) for match in form.finditer(source)}
    for match in _ANY_IMPORT.finditer(source):
        if match.start() not in read:
            raise ModuleError(
                f"layout/js/{importer} has an import in another form than "
                f'import {{ name }} from "./module.js"; : {match[0]}'
            )
