"""The load generator of the overload: each answer is counted once, with its status."""

import asyncio
import shutil
from pathlib import Path

import pytest

from bench.overload import Generator, Tally, request

REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}"
BODY = b"x" * 200_000  # many reads
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(BODY), BODY)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cc") is None, reason="it needs a C compiler")
@pytest.mark.parametrize("rate", [100.0, 0.0], ids=["at a rate", "without a pause"])
def test_every_request_of_the_generator_has_one_answer_with_its_status(
    tmp_path: Path, rate: float
) -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                asked.append(head)
                answers = REFUSAL if b"/refused" in head else GOOD
                writer.write(answers[:40])
                await writer.drain()
                writer.write(answers[40:])
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def work() -> Tally:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        kind = [request("c=1", "GET", path, "*/*") for path in ("/good", "/refused")]
        async with server:
            return await Generator(tmp_path).run(port, kind, rate, 0.5, 4)

    tally = asyncio.run(work())
    if rate:
        assert tally.sent + tally.unsent >= 49, "what is due is sent, or told to be unsent"
    assert tally.sent == len(asked)
    unanswered = tally.sent - len(tally.good) - len(tally.refused)
    assert 0 <= unanswered <= 4, "at most one of each connection when the time is over"
    assert tally.other == {}
    assert len(tally.refused) <= sum(b"/refused" in head for head in asked)
    assert tally.good or tally.refused
