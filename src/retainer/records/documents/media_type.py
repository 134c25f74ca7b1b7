"""Media type of a file by its first bytes, whatever type the client declares."""

import re

HEAD = 8192  # bytes that are examined
TEXT = "text/plain"
UNKNOWN = "application/octet-stream"
OLE = "application/x-ole-storage"
ZIP = "application/zip"

_MEDIA_TYPE = re.compile(r"[a-z]+/[a-z0-9.+-]{1,100}")
_APPLICATION = re.compile(rb"application/[a-z0-9.+-]{1,100}")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
# Browsers take a text that begins so, after comments, for HTML (WHATWG MIME Sniffing, 7.1).
_HTML = re.compile(
    rb"<(!doctype\s+html"
    rb"|(html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[\s>])",
    re.IGNORECASE,
)
_SVG = re.compile(rb"<(!doctype\s+)?svg[\s>]", re.IGNORECASE)
# The types of text that puremagic recognises reliably. Others it guesses by two letters: it takes
# "BMW" for the beginning of a bitmap.
_TEXT_TYPES = {
    "application/pdf",
    "application/postscript",
    "application/rtf",
    "application/xml",
    "message/rfc822",
    "text/calendar",
    "text/vcard",
}
# Containers, told apart by their content: puremagic names the first format that uses one.
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


def sniff(head: bytes) -> str:
    """Media type of a file with these first bytes."""
    if _is_text(head):
        return _of_text(head)
    if head.startswith(b"PK\x03\x04"):
        return _of_zip(head)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return next((_OLE[name] for name in _OLE if name.encode("utf-16-le") in head), OLE)
    return next(iter(_guesses(head)), UNKNOWN)


def _is_text(head: bytes) -> bool:
    if _CONTROL.search(head):
        return False
    try:
        head.decode()
    except UnicodeDecodeError as error:
        # The end of the head may cut a character in two.
        return len(head) == HEAD and error.start > HEAD - 4
    return True


def _of_text(head: bytes) -> str:
    head = head.removeprefix(b"\xef\xbb\xbf")
    beginning = _after_comments(head)
    if _HTML.match(beginning):
        return "text/html"
    if _SVG.match(beginning):
        return "image/svg+xml"
    return next((guess for guess in _guesses(head) if guess in _TEXT_TYPES), TEXT)


def _after_comments(head: bytes) -> bytes:
    """The head without the comments and processing instructions at its beginning. A regular
    expression would backtrack for hours on a hostile one.
    """
    ends = {b"<!--": b"-->", b"<?": b"?>"}
    while end := next((ends[start] for start in ends if head.lstrip().startswith(start)), b""):
        head = head.partition(end)[2]
    return head.lstrip()


def _of_zip(head: bytes) -> str:
    # OpenDocument and EPUB begin with an uncompressed entry that holds their media type.
    if head[30:38] == b"mimetype" and (declared := _APPLICATION.match(head, 38)):
        return declared[0].decode()
    if b"[Content_Types].xml" in head:
        return next((_ZIP[folder] for folder in _ZIP if folder in head), ZIP)
    return ZIP


def _guesses(head: bytes) -> list[str]:
    """Media types by puremagic, the most likely first."""
    # Reads a table of some hundred kilobytes, so not before the first upload.
    import puremagic  # noqa: PLC0415

    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return []
    return [match.mime_type for match in matches if _MEDIA_TYPE.fullmatch(match.mime_type)]
