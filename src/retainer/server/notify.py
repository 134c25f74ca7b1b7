"""Messages to a supervisor that started us and asked for them, as systemd does (sd_notify)."""

import multiprocessing
import os
import socket
from contextlib import suppress

READY, ENDING = "READY=1", "STOPPING=1"
VARIABLE = "NOTIFY_SOCKET"


def notify(state: str) -> None:
    """Tell the supervisor, if there is one; only the main process does."""
    address = os.environ.get(VARIABLE)
    if not address or multiprocessing.parent_process() is not None:
        return
    if address.startswith("@"):  # an abstract socket
        address = "\0" + address[1:]
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.sendto(state.encode(), address)
