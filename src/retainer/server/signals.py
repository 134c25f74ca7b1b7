"""Signals: which of them stop the server, and which do nothing."""

import ctypes
import os
import signal
from types import FrameType

# A closed terminal (SIGHUP) and Ctrl-\ (SIGQUIT) stop as a supervisor does (SIGTERM): what is in
# flight is finished, and the database is stopped too.
STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
PR_SET_PDEATHSIG = 1  # Linux's prctl
NOTHING = (signal.SIGUSR1, signal.SIGUSR2)  # by default they would end the process


def handled() -> tuple[signal.Signals, ...]:
    """The signals that stop: all but those that whoever started us has switched off, as nohup does
    with SIGHUP.
    """
    is_off = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return tuple(each for each in STOP if not (is_off and each == signal.SIGHUP))


def stop_by_exit() -> None:
    """Until the server takes over, a signal that stops ends this process by SystemExit, and so
    stops the database.
    """
    ignore(NOTHING)
    for each in handled():
        signal.signal(each, _exit)


def ignore(signals: tuple[signal.Signals, ...]) -> None:
    """Let signals do nothing: by a handler, because programs that we start inherit SIG_IGN."""
    for each in signals:
        signal.signal(each, lambda *_: None)


def die_with_parent() -> None:
    """End when the process that started this one is killed, instead of going on without it."""
    parent = os.getppid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


def _exit(_number: int, _frame: FrameType | None) -> None:
    ignore(handled())  # a second signal must not interrupt the stop
    raise SystemExit(0)
