"""The log: one line a request or event on standard error, JSON unless a person is watching.

Lines are gathered and written about ten times a second; errors at once. Bodies, cookies, queries
and tokens never come here: a line is built from the fields its caller names.
"""

import asyncio
import logging
import re
import sys
import time
import traceback
from typing import Any

import msgspec

PAUSE = 0.1  # seconds between writes

_UNNAMED = ("method", "path", "status")  # for people: a request's line begins with their values
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")


class Log:
    """Gathers lines and writes them; `level` as the setting RETAINER_LOG."""

    def __init__(self, level: str) -> None:
        self.level = level
        self.lines: list[dict[str, Any]] = []
        self.pending: asyncio.TimerHandle | None = None
        self.for_people = sys.stderr.isatty()

    def takes(self, method: str, status: int) -> bool:
        """True if such a request has a line."""
        if self.level == "requests" or status >= 500:
            return True
        is_read = method in ("GET", "HEAD") and status < 400
        return self.level == "changes" and not is_read

    def request(self, method: str, path: str, status: int, seconds: float, **fields: Any) -> None:
        """One answered request. Its milliseconds are from the first byte read to the last handed
        on.
        """
        milliseconds = round(seconds * 1000, 1)
        line = {"method": method, "path": path, "status": status, "ms": milliseconds}
        self.note("request", **line, **fields)

    def event(self, event: str, **fields: Any) -> None:
        """An event other than a request; written at once."""
        self.note(event, **fields)
        self.flush()

    def note(self, event: str, **fields: Any) -> None:
        """An event that may come in floods; written with the requests."""
        self._add({"at": time.time(), "event": event, **fields})

    def unknown(self, error: BaseException, **fields: Any) -> None:
        """An unknown error with its stack, for the developer; its message may hold data and stays
        out.
        """
        stack = [
            f"{f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)
        ]
        self.event("error", error=type(error).__name__, stack=stack, **fields)

    def adopt(self) -> None:
        """Take in what libraries log from a warning on, so that every line has one form."""
        logging.basicConfig(handlers=[_Adopted(self)], level=logging.WARNING, force=True)

    def _add(self, line: dict[str, Any]) -> None:
        self.lines.append(line)
        if self.pending is None:
            try:
                self.pending = asyncio.get_running_loop().call_later(PAUSE, self.flush)
            except RuntimeError:  # no loop: the command line
                self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        if self.pending is not None:
            self.pending.cancel()
            self.pending = None
        lines, self.lines = self.lines, []
        if lines:
            sys.stderr.write("".join(self._text(line) + "\n" for line in lines))
            sys.stderr.flush()

    def _text(self, line: dict[str, Any]) -> str:
        at = time.gmtime(line["at"])
        if not self.for_people:
            milliseconds = int(line["at"] * 1000) % 1000
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", at) + f".{milliseconds:03d}Z"
            return msgspec.json.encode(line | {"at": stamp}).decode()
        values = {name: value for name, value in line.items() if name not in ("at", "event")}
        unnamed = [str(values.pop(name)) for name in _UNNAMED if name in values]
        fields = " ".join([*unnamed, *(f"{name}={value}" for name, value in values.items())])
        # A path may hold control characters: they must not reach the terminal, nor begin another
        # line.
        return _CONTROL.sub("?", f"{time.strftime('%H:%M:%S', at)} {line['event']} {fields}")


class _Adopted(logging.Handler):
    """The standard library's logging, as events without stacks."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = None
        if record.exc_info and record.exc_info[0]:
            error = record.exc_info[0].__name__
        self.log.event(
            record.name, level=record.levelname.lower(), message=record.getMessage(), error=error
        )
