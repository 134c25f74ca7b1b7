"""The proof of imports: many organizations, some broken and some already there, are planned, run,
imported once more and taken back; the job's process is killed at random moments.
"""

import asyncio
import csv
import io
import os
import random
import signal
import sys
import time
from pathlib import Path

import httpx

from retainer.database.pool import connect

sys.path.insert(0, "tests")  # servers of the tests

from support.kill import children, sign_in
from support.server import PASSWORD, Server

HEADER = ["name", "type", "industry", "website", "externalId", "domains"]
EVERY_BROKEN, EVERY_KNOWN = 10, 5  # rows of which one is broken, or of a record that is there
PATIENCE_SECONDS = 1800.0
_STATE = """
    SELECT md5(string_agg((to_jsonb(o) - 'version' - 'updated_at')::text, E'\n' ORDER BY o.id))
    FROM organizations o WHERE o.deleted_by IS NULL
"""
_OPERATIONS = "SELECT count(*) FROM operations"


class Importer:
    """A person who imports, by the API."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.client = httpx.Client(
            base_url=server.url,
            headers={"Cookie": sign_in(server)},
            timeout=600,
            trust_env=False,
        )

    def upload(self, content: str) -> int:
        answer = self.client.post(
            "/api/imports",
            files={"file": ("organizations.csv", content)},
            data={"noun": "organizations"},
        )
        assert answer.status_code == 201, answer.text
        return int(answer.json()["id"])

    def ended(self, id: int) -> dict[str, object]:
        """The import once no job is under way."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < ends:
            found: dict[str, object] = self.client.get(f"/api/imports/{id}").json()
            if found["state"] not in ("planning", "running"):
                return found
            time.sleep(0.1)
        raise AssertionError(f"the import is still {found['state']}")

    def run(self, id: int) -> dict[str, object]:
        assert self.client.post(f"/api/imports/{id}/runs").status_code == 202
        return self.ended(id)


def rows(count: int) -> tuple[str, str]:
    """A file of so many rows; and one of those rows that are to be there before."""
    whole, known = io.StringIO(), io.StringIO()
    for file in (whole, known):
        csv.writer(file).writerow(HEADER)
    for n in range(count):
        kind = "nonsense" if n % EVERY_BROKEN == 0 else "customer"
        key, host = f"proof:{n}", f"proof{n}.example"
        row = [f"Proof & Söhne {n} AG", kind, "Energy", f"https://www.{host}/", key, host]
        csv.writer(whole).writerow(row)
        if n % EVERY_KNOWN == 1:
            csv.writer(known).writerow([*row[:2], "Unknown", *row[3:]])
    return whole.getvalue(), known.getvalue()


def prove(count: int, kills: int) -> tuple[bool, dict[str, str]]:
    """Judgement of plan, run, repetition, kills and undo of so many rows; and the figures."""
    server = Server(
        admin_email="root@example.com", admin_password=PASSWORD, worker="on", workers="1"
    )
    try:
        return _prove(server, Importer(server), count, kills)
    finally:
        server.stop()


def _prove(server: Server, person: Importer, count: int, kills: int) -> tuple[bool, dict[str, str]]:
    whole, known = rows(count)
    first = person.upload(known)
    person.ended(first)
    person.run(first)
    before = _look(server)
    seconds: dict[str, float] = {}

    began = time.monotonic()
    id = person.upload(whole)
    planned = person.ended(id)
    seconds["plan"] = time.monotonic() - began
    broken = -(-count // EVERY_BROKEN)
    updates = -(-(count - 1) // EVERY_KNOWN)
    expected = {"create": count - broken - updates, "update": updates, "refused": broken}
    writes_nothing = _look(server) == before

    killed = 0
    for _ in range(kills):
        killed += _run_and_kill(server, person, id)
    all_or_nothing = person.client.get(f"/api/imports/{id}").json()["state"] == "done" or (
        _look(server)[0] == before[0]
    )
    stopped = person.ended(id)
    if stopped["state"] == "done":  # the last kill came too late
        person.client.post(f"/api/operations/{stopped['operationId']}/undo")
    if stopped["state"] != "planned":
        person.client.put(f"/api/imports/{id}", json={})
        person.ended(id)
    operations = _look(server)[1]
    began = time.monotonic()
    done = person.run(id)
    seconds["run"] = time.monotonic() - began
    is_one = _look(server)[1] == operations + 1

    again = person.ended(person.upload(whole))
    unchanged = {"unchanged": count - broken, "refused": broken}

    began = time.monotonic()
    undone = person.client.post(f"/api/operations/{done['operationId']}/undo")
    seconds["undo"] = time.monotonic() - began
    facts = {
        "the plan tells each row's outcome": planned["counts"] == expected,
        "the plan writes nothing": writes_nothing,
        "a killed run leaves nothing": all_or_nothing,
        "the run is one operation": is_one,
        "the same file again changes nothing": again["counts"] == unchanged,
        "undo makes all as it was": undone.status_code == 200 and _look(server)[0] == before[0],
    }
    figures = {"rows": f"{count:,}", "kills while it ran": str(killed)}
    figures |= {f"{name}, seconds": f"{value:.1f}" for name, value in seconds.items()}
    figures |= {name: "yes" if holds else "NO" for name, holds in facts.items()}
    return all(facts.values()), figures


def _run_and_kill(server: Server, person: Importer, id: int) -> int:
    """Begin the run, kill its process at a random moment, and wait for what becomes of it."""
    if person.ended(id)["state"] == "failed":
        person.client.put(f"/api/imports/{id}", json={})
        person.ended(id)
    if person.ended(id)["state"] != "planned":
        return 0
    person.client.post(f"/api/imports/{id}/runs")
    killed = 0
    for _ in range(2):  # it is taken up again once
        time.sleep(random.uniform(0.5, 4.0))
        killed += _kill_job(server)
    person.ended(id)
    return killed


def _kill_job(server: Server) -> int:
    """Kill the process of the jobs, a child of the worker; the number killed."""
    found = [
        pid
        for pid in _below(server.process.pid)
        if b"worker.job" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    return len(found)


def _below(pid: int) -> list[int]:
    """The processes below one, theirs too."""
    own = children(pid)
    return own + [each for child in own for each in _below(child)]


def _look(server: Server) -> tuple[str, int]:
    """All organizations, and the number of operations."""

    async def look() -> tuple[str, int]:
        connection = await connect(server.database_url)
        try:
            return await connection.fetchval(_STATE), await connection.fetchval(_OPERATIONS)
        finally:
            await connection.close()

    return asyncio.run(look())
