"""The parts of uvicorn that server/http_server.py replaces or relies on are as they were read."""

import hashlib
import inspect
from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.protocols.http import httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess, multiprocess

from retainer.server.http_server import HttpConnection, HttpCycle, HttpServer

CYCLE = HttpCycle.__mro__[1]


def digest(function: Callable[..., Any]) -> str:
    return hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:12]


READ = {
    # A stop without a lost request.
    uvicorn.Server.shutdown: "9b33c5056299",
    HttpToolsProtocol.shutdown: "d7351fa33f00",
    HttpToolsProtocol.on_response_complete: "64e254f28e38",
    HttpToolsProtocol._unset_keepalive_if_required: "00a6a4e47214",
    HttpToolsProtocol.timeout_keep_alive_handler: "8b53bf5f2e20",
    Multiprocess.terminate_all: "6efef9523120",
    # Limits on a request's head.
    HttpToolsProtocol.connection_made: "6efb565ff3d3",
    HttpToolsProtocol.connection_lost: "c91a4c9bf2e2",
    HttpToolsProtocol.data_received: "010a7ae59a5d",
    HttpToolsProtocol.on_message_begin: "96d377fdc7c2",
    HttpToolsProtocol.on_headers_complete: "1ea8589acfad",
    HttpToolsProtocol.send_400_response: "ae5a4a3782b6",
    # A whole response in one write.
    CYCLE.__init__: "4d2f220910c3",
    CYCLE.send: "abdd8601b326",
}


@pytest.mark.parametrize("function", READ, ids=lambda function: function.__qualname__)
def test_a_part_of_uvicorn_is_as_it_was_read(function: Callable[..., Any]) -> None:
    assert digest(function) == READ[function], (
        f"{function.__qualname__} differs in uvicorn {uvicorn.__version__}: compare it with "
        "server/http_server.py, then write its new digest here"
    )


def test_uvicorn_takes_the_classes_that_are_put_into_its_modules() -> None:
    """It offers no other way for the class of a worker's server and of a request's cycle."""
    assert httptools_impl.RequestResponseCycle is HttpCycle
    assert "RequestResponseCycle(" in inspect.getsource(HttpToolsProtocol.on_headers_complete)
    assert multiprocess.Server is HttpServer
    assert "Server(" in inspect.getsource(multiprocess.Process.server.fget)


def test_the_class_of_connections_is_given_by_the_configuration() -> None:
    config = uvicorn.Config("retainer.server.app:build", factory=True, http=HttpConnection)
    config.load()
    assert config.http_protocol_class is HttpConnection
