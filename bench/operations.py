"""Times that whoever operates Retainer sees: a stuck connection, a database that is told to stop, a
start, a full disk. Run it from the repository's root: python -m bench.operations
"""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

sys.path.insert(0, "tests")  # servers and relays of the tests

from support.kill import sign_in
from support.relay import Relay
from support.server import PASSWORD, Server, data_folder, until

ADMIN = {"admin_email": "root@example.com", "admin_password": PASSWORD}
BODY = {"name": "N", "type": "other"}


def say(what: str, wanted: str, measured: str) -> None:
    print(f"| {what} | {wanted} | {measured} |", flush=True)


async def stuck_connections(server: Server) -> None:
    """Everything that is idle is swallowed, as by a firewall that forgot it."""
    relay = Relay(server.database_url)
    await relay.start()
    second = await asyncio.to_thread(
        Server, database_url=relay.url, storage_url=f"file://{server.folder}/documents", **ADMIN
    )
    cookie = {"Cookie": await asyncio.to_thread(sign_in, second)}
    async with httpx.AsyncClient(base_url=second.url, headers=cookie, timeout=30) as client:
        id = (await client.post("/api/organizations", json=BODY)).json()["id"]
        nouns = ("organizations", "contacts", "projects", "tasks", "activities")
        await asyncio.sleep(3)
        # The monitor's, which is never idle.
        steady = {each for each, at in relay.passed.items() if time.monotonic() - at < 1}
        for pause in (5.0, 0.0):  # idle for a while; and cut off in the middle of work
            await asyncio.gather(*(client.get(f"/api/{noun}") for noun in nouns * 4))
            await asyncio.sleep(pause)
            heard: list[float] = []
            listening = asyncio.create_task(listen(client, heard))
            await asyncio.sleep(0.3)
            relay.swallowed |= relay.open - steady
            began = time.monotonic()
            asked = []
            for at, method, path in (
                (0.0, "GET", f"/api/organizations/{id}"),
                (0.0, "POST", "/api/organizations"),
                (1.0, "GET", f"/api/organizations/{id}"),
                (1.0, "GET", "/api/organizations"),
                (2.0, "POST", "/api/organizations"),
            ):
                asked.append(asyncio.create_task(one(client, at, method, path)))
            for task in asked:
                at, method, path, status, seconds = await task
                kind = f"idle for {pause:.0f} s: {method} {path} {at:.0f} s after the cut"
                say(
                    kind,
                    "200 within 1 s (POST: 2 s) from 1 s on",
                    f"{status} after {seconds:.2f} s",
                )
            await asyncio.wait([listening], timeout=30)
            listening.cancel()
            say(
                "the event of that create on a stream",
                "5 s",
                f"{heard[0] - began:.2f} s after the cut" if heard else "none",
            )
    await asyncio.to_thread(second.stop)
    await relay.stop()


async def one(client: httpx.AsyncClient, at: float, method: str, path: str) -> Any:
    await asyncio.sleep(at)
    began = time.monotonic()
    response = await client.request(method, path, json=BODY if method == "POST" else None)
    return at, method, path, response.status_code, time.monotonic() - began


async def listen(client: httpx.AsyncClient, heard: list[float]) -> None:
    async with client.stream("GET", "/live", headers={"Accept": "text/event-stream"}) as response:
        if response.status_code != 200:
            raise SystemExit(f"no stream: {response.status_code}")
        async for line in response.aiter_lines():
            if line.startswith("event: changed"):
                heard.append(time.monotonic())
                return


def smart_shutdown(server: Server) -> None:
    cookie = {"Cookie": sign_in(server)}
    pid_file = server.folder / "postgres" / "postmaster.pid"
    left = pid_file.read_text().split()[0]
    os.kill(int(left), signal.SIGTERM)
    began = time.monotonic()
    until(lambda: pid_file.exists() and pid_file.read_text().split()[0] != left, 30, "another one")
    until(lambda: '"database is back"' in server.log.read_text(), 30, "it is noticed")
    server.wait_until_ready()
    say("ready again after SIGTERM to the postmaster", "5 s", f"{time.monotonic() - began:.2f} s")
    statuses = [httpx.get(f"{server.url}/api/user", headers=cookie).status_code for _ in range(20)]
    say("20 reads after it", "all 200", str(sorted(set(statuses))))


def start(folder: Path) -> None:
    """Polls from the first moment that the port is bound until the server is ready."""
    server = Server(folder, wait=False, **ADMIN)
    worst = {"/healthz": 0.0, "/readyz": 0.0}
    statuses: dict[str, set[int]] = {"/healthz": set(), "/readyz": set()}
    with httpx.Client(base_url=server.url, timeout=10) as client:
        while 200 not in statuses["/readyz"]:
            for path in worst:
                began = time.monotonic()
                try:
                    statuses[path].add(client.get(path).status_code)
                except httpx.ConnectError:
                    time.sleep(0.01)
                    continue
                worst[path] = max(worst[path], time.monotonic() - began)
    say(
        "/healthz during a first start",
        "200 within 0.2 s",
        f"{statuses['/healthz']}, at most {worst['/healthz']:.3f} s",
    )
    say(
        "/readyz during a first start",
        "503, then 200, within 0.2 s",
        f"{statuses['/readyz']}, at most {worst['/readyz']:.3f} s",
    )
    server.stop(remove=False)


def full_disk() -> None:
    """A data folder on a disk of 200 MB with a ballast that leaves 3."""
    disk = Path(tempfile.mkdtemp(prefix="retainer-bench-"))
    mounting = ["mount", "-t", "tmpfs", "-o", "size=300m,mode=755", "tmpfs", str(disk)]
    if subprocess.run(mounting, capture_output=True, check=False).returncode:
        say(
            "a full disk", "507 for changes, 200 for reads", "not measured: no tmpfs can be mounted"
        )
        return
    server = None
    try:
        (disk / "data").mkdir()
        server = Server(disk / "data", **ADMIN)
        cookie = {"Cookie": sign_in(server)}
        with httpx.Client(base_url=server.url, headers=cookie, timeout=30) as client:
            client.post("/api/organizations", json=BODY)
            free = os.statvfs(disk)
            with (disk / "ballast").open("wb") as ballast:
                ballast.write(bytes(free.f_bavail * free.f_frsize - (3 << 20)))
            time.sleep(0.3)
            end = time.monotonic() + 10
            writes: set[int] = set()
            reads: set[int] = set()
            while time.monotonic() < end:
                writes.add(client.post("/api/organizations", json=BODY).status_code)
                reads.add(client.get("/api/organizations").status_code)
            say(
                "10 s of changes and of reads on a disk with 3 MB", "507; 200", f"{writes}; {reads}"
            )
            (disk / "ballast").unlink()
            began = time.monotonic()
            while client.post("/api/organizations", json=BODY).status_code != 200:
                pass
            say(
                "the first change after space came back", "2 s", f"{time.monotonic() - began:.2f} s"
            )
        told = server.log.read_text()
        counts = [told.count(each) for each in ("no space left", "space is back", "has died")]
        say("lines in the log: full, space, restarts", "1, 1, 0", str(counts))
    finally:
        if server is not None:
            server.stop(remove=False)
        subprocess.run(["umount", str(disk)], check=False)
        disk.rmdir()


def main() -> None:
    print("| what | wanted | measured |\n|---|---|---|")
    start(data_folder())
    server = Server(**ADMIN)
    try:
        asyncio.run(stuck_connections(server))
        smart_shutdown(server)
    finally:
        server.stop()
    full_disk()


if __name__ == "__main__":
    main()
