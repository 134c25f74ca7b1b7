"""The formats of a list: a JSON array, NDJSON (one JSON object per line), CSV, and a workbook, the
rows of which workbook.py takes as JSON.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from retainer.database import exact_json

Columns = tuple[str, ...]

# Characters at which a spreadsheet begins a formula (OWASP, CSV injection): at the start of a text,
# and in its midst where something else than the comma separates cells.
_SIGNS = "=+\\-@\uff1d\uff0b\uff0d\uff20"
_SEPARATORS = ";\t\r\n\v\f\x85\u2028\u2029"
_TELEPHONE = re.compile(r"[+-][\d ()./-]*", re.ASCII)
_AT_RISK = re.compile(rf"\A[{_SIGNS}'\t\r\n]|[{_SEPARATORS}][{_SIGNS}]")
_BEHIND_SEPARATOR = re.compile(rf"(?<=[{_SEPARATORS}])(?=[{_SIGNS}'])")
_BEFORE_SIGN = re.compile(rf"[{_SEPARATORS}](?=[{_SIGNS}])")


class Format(NamedTuple):
    """A format of the body: `opening`, the converted chunks joined by `between`, `closing`."""

    media_type: str
    between: bytes
    opening: Callable[[Columns], bytes]
    convert: Callable[[bytes, Columns], bytes]  # from the JSON of rows, one a line
    closing: bytes


def csv_line(values: Iterable[object]) -> str:
    """A line of a CSV, with its end (RFC 4180)."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(values)
    return line.getvalue()


def cell_text(value: object) -> str:
    """A value as a spreadsheet shows it. Numbers stay numbers; objects and arrays are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, str):
        return _BEFORE_SIGN.sub(_escaped, exact_json.encode(value).decode())
    return _quoted(value)


def _escaped(separator: re.Match[str]) -> str:
    return f"\\u{ord(separator[0]):04x}"


def _quoted(text: str) -> str:
    """A text that no spreadsheet takes for a formula: a quote before it and before each sign behind
    a separator. Quotes that stand in these places already get one more, so removing one quote at
    each of these places restores the original text. Telephone numbers stay as they are.
    """
    if not _AT_RISK.search(text) or _TELEPHONE.fullmatch(text):
        return text
    return quoted_always(text)


def quoted_always(text: str) -> str:
    """The text with these quotes, whether it is at risk or not."""
    return "'" + _BEHIND_SEPARATOR.sub("'", text)


def _csv_header(columns: Columns) -> bytes:
    return csv_line(columns).encode()


def _csv_rows(lines: bytes, columns: Columns) -> bytes:
    rows = (exact_json.decode(line, dict[str, object]) for line in lines.split(b"\n"))
    return "".join(csv_line(cell_text(row[name]) for name in columns) for row in rows).encode()


JSON = Format(
    "application/json",
    between=b",",
    opening=lambda _: b"[",
    convert=lambda lines, _: lines.replace(b"\n", b","),
    closing=b"]",
)
NDJSON = Format(
    "application/x-ndjson",
    between=b"",
    opening=lambda _: b"",
    convert=lambda lines, _: lines + b"\n",
    closing=b"",
)
CSV = Format(
    "text/csv; charset=utf-8",
    between=b"",
    opening=_csv_header,
    convert=_csv_rows,
    closing=b"",
)
XLSX = Format(
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    between=b"\n",
    opening=lambda _: b"",
    convert=lambda lines, _: lines,
    closing=b"",
)
FORMATS = {
    "application/json": JSON,
    "application/x-ndjson": NDJSON,
    "text/csv": CSV,
    XLSX.media_type: XLSX,
    "*/*": JSON,
    "application/*": JSON,
}
NAMED = {"csv": CSV, "xlsx": XLSX}  # downloads
_QUALITY = re.compile(r"(?:^|;)\s*q=([01](?:\.\d{0,3})?)\s*(?:;|$)", re.ASCII)


def preferred(accept: str | None) -> Format:
    """The format with the highest quality in an Accept header (RFC 9110, section 12.5.1), the
    first of equal ones; JSON if the header names none of them.
    """
    if accept is None or accept == "*/*":
        return JSON
    best, best_quality = JSON, 0.0
    for media_range in accept.lower().split(","):
        media_type, _, parameters = media_range.partition(";")
        format = FORMATS.get(media_type.strip())
        quality = _quality(parameters)
        if format is not None and quality > best_quality:
            best, best_quality = format, quality
    return best


def _quality(parameters: str) -> float:
    match = _QUALITY.search(parameters)
    if match is None:
        return 1.0
    return float(match[1])
