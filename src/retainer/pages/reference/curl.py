"""Examples of operations as curl commands."""

import msgspec

from retainer.pages.reference.schemas import Schema

_LONGEST_LINE = 68  # characters of a body in one line, so that an example needs no scrolling
_FILE = "FILE=1  # the id that an upload answered"


def commands(method: str, path: str, found: Schema, bodies: Schema) -> list[str]:
    """Commands for one operation, one for each media type of its body. They work on the demo's data
    after the first steps on the page, which sign in.
    """
    is_file = path.startswith("/documents/{id}/")
    if is_file:
        path = path.replace("{id}", "$FILE")
    for parameter in found.get("parameters", []):
        path = path.replace("{" + parameter.get("name", "") + "}", str(parameter.get("example")))
    command = " ".join(["curl", *_flags(method, found, has_body=bool(bodies)), f"$API{path}"])
    if is_file:
        command = f"{_FILE}\n{command}"
    if not bodies:
        return [command]
    return [
        " \\\n  ".join([command, *_body_arguments(media_type, content["example"])])
        for media_type, content in bodies.items()
    ]


def _flags(method: str, found: Schema, *, has_body: bool) -> list[str]:
    flags = []
    if method != "GET" and not (method == "POST" and has_body):  # curl chooses these by itself
        flags.append(f"-X {method}")
    if found["operationId"] in ("login", "setup"):
        flags.append("-c jar")
    elif found.get("security") != []:
        flags.append("-b jar")
    if "application/octet-stream" in found["responses"].get("200", {}).get("content", {}):
        flags.append("-OJ")
    return flags


def _body_arguments(media_type: str, example: Schema) -> list[str]:
    if media_type == "multipart/form-data":
        fields = [f"-F {name}={value}" for name, value in example.items() if name != "file"]
        return ["-F file=@report.pdf", *fields]
    return [f"-H 'Content-Type: {media_type}'", f"-d '{_data(example)}'"]


def _data(example: object) -> str:
    line = msgspec.json.format(msgspec.json.encode(example), indent=0).decode()
    if len(line) > _LONGEST_LINE:
        return indented(example)
    return line


def indented(example: object) -> str:
    """JSON over several lines, for people."""
    return msgspec.json.format(msgspec.json.encode(example), indent=2).decode()
