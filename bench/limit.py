"""The limit: pgbench issuing Retainer's own statement, prepared, from the core where the server
would be.
"""

import os
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bench import peers, processes, retainer, rows
from bench.contender import Contender, UnavailableError
from bench.postgres import Postgres

NAME = "pgbench"
LAST_BACKENDS_SECONDS = 0.05  # until those that end are counted among the postmaster's children
PEERS_POINT_READ = """\
SELECT json_build_object('id', id, 'name', name, 'type', type, 'status', status, 'industry', industry,
    'website', website, 'description', description, 'metadata', metadata,
    'createdAt', created_at, 'updatedAt', updated_at)::text
FROM organizations WHERE tenant_id = :tenant AND id = :id"""


@dataclass(frozen=True)
class Rate:
    """Transactions and seconds of one run, with the processor seconds of pgbench and of PostgreSQL."""

    transactions: int
    seconds: float
    cpu: float
    postgres_cpu: float


@dataclass(frozen=True)
class Limit:
    """pgbench ready to run: on Retainer's table as its application role, else on the peers' plain
    one.
    """

    server: Postgres
    script: Path
    database: str
    role: str
    options: str  # of every connection, as in PGOPTIONS
    tenant: int
    ids: tuple[int, int]
    core: int

    def run(self, connections: int, seconds: float) -> Rate:
        before, began = processes.cpu_seconds(self.server.pid), os.times()
        done = subprocess.run(
            self.command(connections, seconds),
            check=False,
            env={**os.environ, "PGPASSWORD": self.server.password, "PGOPTIONS": self.options},
            preexec_fn=lambda: os.sched_setaffinity(0, {self.core}),
            capture_output=True,
            text=True,
        )
        ended = os.times()
        count = re.search(r"transactions actually processed: (\d+)", done.stdout)
        tps = re.search(r"tps = ([\d.]+)", done.stdout)
        if done.returncode != 0 or count is None or tps is None:
            raise UnavailableError(f"pgbench failed: {done.stderr.strip()[-400:]}")
        cpu = (
            ended.children_user
            - began.children_user
            + ended.children_system
            - began.children_system
        )
        time.sleep(LAST_BACKENDS_SECONDS)
        postgres_cpu = processes.cpu_seconds(self.server.pid) - before
        return Rate(int(count[1]), int(count[1]) / float(tps[1]), cpu, postgres_cpu)

    def command(self, connections: int, seconds: float) -> list[str]:
        options = f"-n -M prepared -j 1 -c {connections} -T {max(1, round(seconds))}".split()
        variables = {"tenant": self.tenant, "first": self.ids[0], "last": self.ids[1]}
        options += [part for name, value in variables.items() for part in ("-D", f"{name}={value}")]
        reach = f"-h 127.0.0.1 -p {self.server.port} -U {self.role} {self.database}".split()
        return [str(self.server.binaries / "pgbench"), *options, "-f", str(self.script), *reach]


def prepare(server: Postgres, folder: Path, contender: Contender | None, core: int) -> Limit:
    """With Retainer running its own statement, without it one of the same shape on the peers'
    table.
    """
    script = folder / "point_read.sql"
    statement = PEERS_POINT_READ if contender is None else retainer.point_read()
    script.write_text(f"\\set id random(:first, :last)\n{statement};\n")
    if contender is None:
        return Limit(server, script, peers.DATABASE, "bench", "", 1, (1, rows.LARGE), core)
    options = f"-c role={retainer.APPLICATION_ROLE} -c retainer.tenant={contender.tenant}"
    return Limit(
        server,
        script,
        retainer.DATABASE,
        retainer.ROLE,
        options,
        contender.tenant,
        contender.ids,
        core,
    )
