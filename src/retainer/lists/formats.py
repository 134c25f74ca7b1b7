"""The three faces of a list: a JSON array, NDJSON (a JSON object a line), CSV for spreadsheets."""

import csv
import io
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

Columns = tuple[str, ...]

_ROWS = msgspec.json.Decoder(dict[str, Any])
# What a spreadsheet would take for a formula (OWASP, CSV injection); a quote before it makes it
# text.
_FORMULA = re.compile(r"[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]")


class Format(NamedTuple):
    """How chunks of rows become a body: `opening`, the chunks converted and joined by `between`,
    `closing`.
    """

    media_type: str
    separator: str  # between the rows of a chunk, as the database joins them
    between: bytes
    opening: Callable[[Columns], bytes]
    convert: Callable[[bytes, Columns], bytes]
    closing: bytes


def _csv_line(values: Iterable[Any]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(values)
    return text.getvalue()


def _cell(value: Any) -> str:
    """A value as a spreadsheet shows it; numbers stay numbers, objects and arrays are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}" if _FORMULA.match(value) else value
    return str(value) if isinstance(value, int | float) else msgspec.json.encode(value).decode()


def _as_csv(chunk: bytes, columns: Columns) -> bytes:
    rows = (_ROWS.decode(line) for line in chunk.split(b"\n"))
    return "".join(_csv_line(_cell(row[name]) for name in columns) for row in rows).encode()


JSON = Format("application/json", ",", b",", lambda _: b"[", lambda chunk, _: chunk, b"]")
NDJSON = Format(
    "application/x-ndjson", "\n", b"", lambda _: b"", lambda chunk, _: chunk + b"\n", b""
)
CSV = Format(
    "text/csv; charset=utf-8", "\n", b"", lambda columns: _csv_line(columns).encode(), _as_csv, b""
)
FORMATS = {
    "application/json": JSON,
    "application/x-ndjson": NDJSON,
    "text/csv": CSV,
    "*/*": JSON,
    "application/*": JSON,
}
_QUALITY = re.compile(r"(?:^|;)\s*q=([01](?:\.\d{0,3})?)\s*(?:;|$)", re.ASCII)


def wanted(accept: str | None) -> Format:
    """The format that an Accept header prefers, of equal ones the first; JSON where it names none
    of them.
    """
    if accept is None or accept == "*/*":
        return JSON
    best, most = JSON, 0.0
    for part in accept.lower().split(","):
        name, _, parameters = part.partition(";")
        quality = _QUALITY.search(parameters)
        weight = float(quality[1]) if quality else 1.0
        if name.strip() in FORMATS and weight > most:
            best, most = FORMATS[name.strip()], weight
    return best
