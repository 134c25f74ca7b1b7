"""A file's media type from its first bytes. What the client says it is counts for nothing."""

import re

HEAD = 8192  # bytes that are looked at
TEXT = "text/plain"
UNKNOWN = "application/octet-stream"
OLE = "application/x-ole-storage"
ZIP = "application/zip"

_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,100}")
_APPLICATION = re.compile(rb"application/[a-z0-9.+-]{1,100}")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# A browser takes a text for HTML by these beginnings (WHATWG MIME Sniffing, 7.1), after comments.
_HTML = re.compile(
    rb"<(!doctype\s+html|(html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[\s>])",
    re.IGNORECASE,
)
_SVG = re.compile(rb"<(!doctype\s+)?svg[\s>]", re.IGNORECASE)
# What puremagic is believed about text; for other texts it goes by two letters, and finds a bitmap
# in "BMW".
_OF_TEXT = {
    "application/pdf",
    "application/postscript",
    "application/rtf",
    "application/xml",
    "message/rfc822",
    "text/calendar",
    "text/vcard",
}
# Containers: puremagic names the first format that uses one, we look inside.
_ZIP = {
    b"word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    b"xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    b"ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
_OLE = {
    "WordDocument": "application/msword",
    "Workbook": "application/vnd.ms-excel",
    "PowerPoint Document": "application/vnd.ms-powerpoint",
    "__substg1.0": "application/vnd.ms-outlook",
}


def sniffed(head: bytes) -> str:
    """The media type of a file that begins so."""
    if _is_text(head):
        return _of_text(head)
    if head.startswith(b"PK\x03\x04"):
        return _of_zip(head)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return next((kind for name, kind in _OLE.items() if name.encode("utf-16-le") in head), OLE)
    return next(iter(_guesses(head)), UNKNOWN)


def _is_text(head: bytes) -> bool:
    if _CONTROL.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # A character may be cut in two where the head ends.
        return len(head) == HEAD and error.start > HEAD - 4
    return True


def _of_text(head: bytes) -> str:
    head = head.removeprefix(b"\xef\xbb\xbf")
    beginning = _after_comments(head)
    if _HTML.match(beginning):
        return "text/html"
    if _SVG.match(beginning):
        return "image/svg+xml"
    return next((kind for kind in _guesses(head) if kind in _OF_TEXT), TEXT)


def _after_comments(head: bytes) -> bytes:
    """Without the comments and processing instructions it begins with. No pattern: one would
    backtrack for hours.
    """
    ends = {b"<!--": b"-->", b"<?": b"?>"}
    while end := next((ends[start] for start in ends if head.lstrip().startswith(start)), b""):
        head = head.partition(end)[2]
    return head.lstrip()


def _of_zip(head: bytes) -> str:
    # OpenDocument and EPUB begin with an uncompressed entry that says what they are.
    if head[30:38] == b"mimetype" and (declared := _APPLICATION.match(head, 38)):
        return declared[0].decode()
    if b"[Content_Types].xml" in head:
        return next((kind for folder, kind in _ZIP.items() if folder in head), ZIP)
    return ZIP


def _guesses(head: bytes) -> list[str]:
    """The media types that puremagic thinks of, best first."""
    import puremagic  # noqa: PLC0415 -- reads a table of some hundred kilobytes; not before the first upload

    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return []
    return [match.mime_type for match in matches if _MEDIA_TYPE.fullmatch(match.mime_type)]
