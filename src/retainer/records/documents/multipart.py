"""Multipart form with one file, parsed as it arrives: the file is passed on piece by piece, the
fields are kept.
"""

import logging
import re
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, TypeVar

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

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FIELD_BYTES = 128 * 1024  # a description may have 20,000 characters of four bytes
MAX_PARTS = 200  # a hundred projects, and the other fields
MAX_OVERHEAD = 1 << 20  # bytes of fields, headers and boundaries together
PIECE = 256 << 10  # bytes of the file passed on at once; the network brings far smaller pieces

# Its warnings quote the form, which may be personal; the problem document tells the error anyway.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)

T = TypeVar("T", bound=msgspec.Struct)


class Form:
    """multipart/form-data with one part `file`, before, between or after the fields.

    Call `start()`, read `file()` to its end, then call `fields()`. A malformed form raises at once;
    problems of fields are collected, and `fields()` raises them together.
    """

    def __init__(self, request: Request, limit_mb: int) -> None:
        self.chunks = request.stream()
        self.limit = limit_mb << 20
        self.file_name: str | None = None  # None before the file; "" when it has no name
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
        refuse_too_long(request, self.limit)
        self._parser = MultipartParser(boundary(request), self._callbacks())

    async def start(self) -> None:
        """Read up to the file, or to the end when there is none."""
        while self.file_name is None and await self._read_on():
            pass
        if self.file_name is None:
            self.problems.append(
                FieldError("file", "is required; send the file as the part called file")
            )

    async def file(self) -> AsyncIterator[bytes]:
        """Bytes of the file. Reads the fields that follow it as well."""
        more = True
        while more:
            more = await self._read_on()
            if len(self._piece) >= PIECE or not more:
                piece, self._piece = bytes(self._piece), bytearray()
                yield piece
        if not self.file_size:
            self.problems.append(FieldError("file", "is empty; choose a file that has content"))

    def name_after_file(self) -> None:
        """Fill the field `name` with the file's name when it is not sent."""
        if any(name.strip() for name in self.values.get("name", [])):
            return
        if self.file_name:
            self.values["name"] = [self.file_name]
        else:
            self.problems.append(
                FieldError("name", "is required where the file has no name of its own")
            )

    def fields(self, type: type[T]) -> T:
        """The fields, decoded. Raises Invalid with every problem of the form."""
        try:
            body = decode(msgspec.json.encode(self._as_json()), type)
        except Invalid as wrong:
            raise Invalid(*self.problems, *wrong.errors) from None
        if self.problems:
            raise Invalid(*self.problems)
        return body

    def _as_json(self) -> dict[str, object]:
        """The fields with JSON's types. Empty ones are absent: browsers send every input."""
        fields: dict[str, object] = {"file": self.file_name or ""}
        for name, values in self.values.items():
            filled = [value for value in values if value.strip()]
            if name == "projectIds":
                fields[name] = [id for value in filled for id in _ids(value)]
            elif len(filled) > 1:
                problem = f"is given {len(filled)} times; give it once"
                self.problems.append(FieldError(name, problem))
            elif filled and name == "organizationId":
                fields[name] = _id(filled[0])
            elif filled:
                fields[name] = filled[0]
        return fields

    async def _read_on(self) -> bool:
        """Parse the next chunk of the body; False at its end."""
        chunk = await anext(self.chunks, None)
        if chunk is None:
            if not self._is_whole:
                raise MalformedRequest("The form ends before its closing boundary does.")
            return False
        self._received += len(chunk)
        if self._received > self.limit + MAX_OVERHEAD:
            raise too_large(self.limit)
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise MalformedRequest("The body is not valid multipart/form-data.") from None
        return True

    def _callbacks(self) -> "MultipartCallbacks":
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
        if self._parts > MAX_PARTS:
            raise TooLarge(f"The form has more than the {MAX_PARTS} parts that are accepted.")
        self._headers = {}

    def _read_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _read_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _end_header(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _end_headers(self) -> None:
        disposition, options = parse_options_header(self._headers.get(b"content-disposition"))
        if disposition != b"form-data" or b"name" not in options:
            raise MalformedRequest(
                "A part of the form lacks its Content-Disposition: form-data with a name."
            )
        self._field = _parameter(options[b"name"])
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
        self.file_name = base_name(_parameter(options.get(b"filename", b"")))

    def _read_part(self, data: bytes, start: int, end: int) -> None:
        if self._part is None:
            self.file_size += end - start
            if self.file_size > self.limit:
                raise too_large(self.limit)
            self._piece += data[start:end]
            return
        self._field_bytes += end - start
        if self._field_bytes > MAX_FIELD_BYTES:
            raise TooLarge(
                f"The form's fields have more than the {MAX_FIELD_BYTES} bytes that are accepted."
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
    """Boundary between the parts. Raises UnsupportedMediaType or MalformedRequest."""
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type != b"multipart/form-data":
        raise UnsupportedMediaType(
            "The body must be multipart/form-data, with the file as the part called file."
        )
    found = options.get(b"boundary", b"")
    if not 1 <= len(found) <= 70:  # RFC 2046, 5.1.1
        raise MalformedRequest("The Content-Type header lacks a boundary of 1 to 70 characters.")
    return found


def refuse_too_long(request: Request, limit: int) -> None:
    """Refuse a form by its Content-Length, before reading any of it."""
    if int(request.headers.get("content-length", "0")) > limit + MAX_OVERHEAD:
        raise too_large(limit)


def too_large(limit: int) -> TooLarge:
    """Refusal of a file over the limit, in bytes."""
    return TooLarge(f"The file has more than the {limit >> 20} MiB that are accepted.")


def _parameter(raw: bytes) -> str:
    """Decode a parameter as browsers encode it: UTF-8, with quotes and line ends percent-encoded
    (WHATWG HTML, 4.10.21.8).
    """
    decoded = raw.decode("utf-8", "replace")
    return decoded.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


def base_name(file_name: str) -> str:
    """The name without folders and control characters; cut to 255 characters before its suffix."""
    name = re.sub(r"[\x00-\x1f\x7f]", "", re.split(r"[/\\]", file_name)[-1]).strip()
    if len(name) <= 255:
        return name
    suffix = PurePosixPath(name).suffix[:20]
    return name[: 255 - len(suffix)] + suffix


def _ids(value: str) -> list[int | str]:
    """Ids in a JSON array, or separated by commas."""
    inside = value.strip()
    if inside.startswith("[") and inside.endswith("]"):
        inside = inside[1:-1]
    return [_id(part) for part in inside.split(",") if part.strip()]


def _id(value: str) -> int | str:
    """An id; any other value unchanged, so that decoding refuses it by the field's name."""
    if re.fullmatch(r"\s*[0-9]{1,16}\s*", value, re.ASCII):
        return int(value)
    return value
