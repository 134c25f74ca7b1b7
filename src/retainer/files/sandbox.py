"""Start of a program that reads one hostile file. It runs apart from the server, because the file
can exhaust or take over the library that reads it.

Standard input is the file; the arguments are the module of the reader, the seconds of CPU time,
under root the ids of the account and the group to read as (else 0), and the reader's own. The
program loads its libraries, then gives up every right before it reads: it can open no file and no
connection and start no program, and its environment is empty, so it knows no secret. It exits with
0, or with 1 and the reason as a line on standard error. A reader imports nothing else of this
package, and only the libraries that it may need.
"""

import importlib
import logging
import os
import pkgutil
import resource
import signal
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import BinaryIO, NamedTuple

MEMORY = 1 << 30  # bytes of address space


class Unreadable(Exception):
    """The reason why a file cannot be read, or not after this point, in words for people."""


class Reader(NamedTuple):
    """Program of a module, its `READER`: `libraries` names by the arguments the packages that it
    takes, `read` writes to standard output. `read` raises Unreadable.
    """

    libraries: Callable[[str], Iterable[str]]
    read: Callable[[str, BinaryIO], None]


def main(module: str, seconds: str, user: str, group: str, argument: str) -> int:
    """Read standard input by the module's reader. Returns the exit code."""
    _limit(int(seconds))
    reader: Reader = importlib.import_module(module).READER
    load(reader.libraries(argument))
    give_up_rights(int(user), int(group))
    try:
        reader.read(argument, sys.stdin.buffer)
    except Unreadable as error:
        return _failed(str(error))
    except MemoryError:
        return _failed("it takes more memory than is allowed")
    except RecursionError:
        return _failed("it is nested too deeply")
    except BaseException as error:  # libraries raise anything at all on a broken file
        return _failed(f"it cannot be read ({type(error).__name__})")
    return 0


def _limit(seconds: int) -> None:
    def too_slow(_signal: int, _frame: object) -> None:
        raise Unreadable(f"reading takes longer than {seconds} seconds of work")

    os.nice(10)
    logging.disable()  # warnings would fill the pipe of standard error, which is read at the end
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGXCPU, too_slow)


def load(libraries: Iterable[str]) -> None:
    """Import whatever reading may ask for: the libraries with all their parts, and all
    encodings.
    """
    for name in ("encodings", *libraries):
        library = importlib.import_module(name)
        for part in pkgutil.walk_packages(library.__path__, f"{name}."):
            with suppress(ImportError):  # it is for another library or system
                importlib.import_module(part.name)


def give_up_rights(user: int, group: int) -> None:
    """Become another user, where one is given, and a process that gets no file descriptor, of a
    file or of a connection, and no child. The file and the pipes that it has stay.
    """
    if user and group:
        os.setgroups([])
        os.setresgid(group, group, group)
        os.setresuid(user, user, user)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    sys.meta_path.clear()  # what is not loaded is not there: libraries expect that, and no OSError


def _failed(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1
