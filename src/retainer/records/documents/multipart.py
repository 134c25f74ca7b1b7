"""A multipart form as it arrives: its one file is handed on piece by piece, its fields are kept;
nothing else is.
"""

import logging
import re
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import Any, TypeVar

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from retainer.errors import (
    FieldError,
    Invalid,
    MalformedRequest,
    TooLarge,
    UnsupportedMediaType,
    invalid,
)
from retainer.http.body import decode
from retainer.http.request import Request

FIELD_BYTES = 128 * 1024  # a description may have 20,000 characters of four bytes
PARTS = 200  # a hundred projects, and the other fields
AROUND_FILE = 1 << 20  # bytes of fields, headers and boundaries together
PIECE = 256 << 10  # bytes of the file handed on at once; the network brings far smaller ones

# Its warnings quote what was sent, and the problem document already says what is wrong.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

T = TypeVar("T", bound=msgspec.Struct)


class Form:
    """multipart/form-data with one part `file`, before, between or after the fields.

    Call `start()`, read `file()` to its end, then ask for the `fields`. What is wrong with the form
    as such raises; what is wrong with a field is remembered, to be told together with the rest.
    """

    def __init__(self, request: Request) -> None:
        self.chunks = request.stream()
        self.limit = request.app.settings.upload_mb << 20
        self.file_name: str | None = None  # "" where the part names none; None: no file yet
        self.file_size = 0
        self.values = request.upload_fields
        self.problems: list[FieldError] = []
        self._received = self._parts = self._field_bytes = 0
        self._piece = bytearray()
        self._part: bytearray | None = None  # the field being read; None while it is the file
        self._field = ""
        self._header_name = self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._is_whole = False
        refuse_announced(request, self.limit)
        self._parser = MultipartParser(boundary(request), self._callbacks())

    async def start(self) -> None:
        """Read up to the file, or to the end where there is none."""
        while self.file_name is None and await self._read_on():
            pass
        if self.file_name is None:
            self.problems.append(
                FieldError("file", "is required; send the file as the part called file")
            )

    async def file(self) -> AsyncIterator[bytes]:
        """The bytes of the file; then the fields that follow it are read too."""
        more = True
        while more:
            more = await self._read_on()
            if len(self._piece) >= PIECE or not more:
                piece, self._piece = bytes(self._piece), bytearray()
                yield piece
        if not self.file_size:
            self.problems.append(FieldError("file", "is empty; choose a file that has content"))

    def name_after_file(self) -> None:
        """Give the field `name` the file's own, where it is not sent."""
        if any(name.strip() for name in self.values.get("name", [])):
            return
        if self.file_name:
            self.values["name"] = [self.file_name]
        else:
            self.problems.append(
                FieldError("name", "is required where the file has no name of its own")
            )

    def fields(self, kind: type[T]) -> T:
        """The fields as their type. Raises Invalid with every problem of the form."""
        try:
            body = decode(msgspec.json.encode(self._plain()), kind)
        except Invalid as wrong:
            raise Invalid(*self.problems, *wrong.errors) from None
        if self.problems:
            raise Invalid(*self.problems)
        return body

    def _plain(self) -> dict[str, Any]:
        """The fields as JSON would have them. Empty ones count as absent: that is how browsers send
        them.
        """
        plain: dict[str, Any] = {"file": self.file_name or ""}
        for name, values in self.values.items():
            given = [value for value in values if value.strip()]
            if name == "projectIds":
                plain[name] = [number for value in given for number in _numbers(value)]
            elif len(given) > 1:
                self.problems.append(FieldError(name, f"is given {len(given)} times; give it once"))
            elif given:
                plain[name] = _number(given[0]) if name == "organizationId" else given[0]
        return plain

    async def _read_on(self) -> bool:
        """Take the next chunk of the body; False at its end."""
        chunk = await anext(self.chunks, None)
        if chunk is None:
            if not self._is_whole:
                raise MalformedRequest("The form ends before its closing boundary does.")
            return False
        self._received += len(chunk)
        if self._received > self.limit + AROUND_FILE:
            raise too_large(self.limit)
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise MalformedRequest("The body is not valid multipart/form-data.") from None
        return True

    def _callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._read_header_name,
            "on_header_value": self._read_header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._read_part,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > PARTS:
            raise TooLarge(f"The form has more than the {PARTS} parts that are accepted.")
        self._headers = {}

    def _read_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _read_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _end_headers(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition"))
        if kind != b"form-data" or b"name" not in options:
            raise MalformedRequest(
                "A part of the form lacks its Content-Disposition: form-data with a name."
            )
        self._field = _text(options[b"name"])
        if self._field != "file":
            if b"filename" in options:
                raise invalid(
                    self._field[:100],
                    "is not where a file goes; send the file as the part called file",
                )
            self._part = bytearray()
            return
        if self.file_name is not None:
            raise invalid("file", "is there more than once; send one file at a time")
        self._part = None
        self.file_name = base_name(_text(options.get(b"filename", b"")))

    def _read_part(self, data: bytes, start: int, end: int) -> None:
        if self._part is None:
            self.file_size += end - start
            if self.file_size > self.limit:
                raise too_large(self.limit)
            self._piece += data[start:end]
            return
        self._field_bytes += end - start
        if self._field_bytes > FIELD_BYTES:
            raise TooLarge(
                f"The form's fields have more than the {FIELD_BYTES} bytes that are accepted."
            )
        self._part += data[start:end]

    def _end_part(self) -> None:
        if self._part is None:
            return
        try:
            self.values.setdefault(self._field, []).append(self._part.decode())
        except UnicodeDecodeError:
            self.problems.append(FieldError(self._field[:100], "must be text in UTF-8"))

    def _end(self) -> None:
        self._is_whole = True


def boundary(request: Request) -> bytes:
    """What stands between the parts. Raises UnsupportedMediaType or MalformedRequest."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        raise UnsupportedMediaType(
            "The body must be multipart/form-data, with the file as the part called file."
        )
    found = options.get(b"boundary", b"")
    if not 1 <= len(found) <= 70:  # RFC 2046, 5.1.1
        raise MalformedRequest("The Content-Type header lacks a boundary of 1 to 70 characters.")
    return found


def refuse_announced(request: Request, limit: int) -> None:
    """Refuse what is too large before reading any of it."""
    if int(request.headers.get("content-length", "0")) > limit + AROUND_FILE:
        raise too_large(limit)


def too_large(limit: int) -> TooLarge:
    """The file exceeds the limit, in bytes."""
    return TooLarge(f"The file has more than the {limit >> 20} MiB that are accepted.")


def _text(raw: bytes) -> str:
    """A parameter as browsers write it: UTF-8, with quotes and line ends percent-encoded (WHATWG
    HTML, 4.10.21.8).
    """
    text = raw.decode("utf-8", "replace")
    return text.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def base_name(file_name: str) -> str:
    """The name without its folders and control characters, at most 255 characters, its ending kept."""
    name = re.sub(r"[\x00-\x1f\x7f]", "", re.split(r"[/\\]", file_name)[-1]).strip()
    ending = PurePosixPath(name).suffix[:20]
    return name if len(name) <= 255 else name[: 255 - len(ending)] + ending


def _numbers(value: str) -> list[Any]:
    """Several ids: as a JSON array, or separated by commas."""
    inside = value.strip()
    if inside.startswith("[") and inside.endswith("]"):
        inside = inside[1:-1]
    return [_number(part) for part in inside.split(",") if part.strip()]


def _number(text: str) -> Any:
    """An id, or the text as it is, to be refused by name."""
    return int(text) if re.fullmatch(r"\s*[0-9]{1,16}\s*", text, re.ASCII) else text
